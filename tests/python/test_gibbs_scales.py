"""Draws of unknown weeks, errors and prior scales against their exact conditionals."""

import numpy as np
import pytest
from dense import (
    SCALES,
    alike,
    ar_covariance,
    assert_distributed,
    cdf_of,
    log_half_cauchy,
    sampler_of,
)
from scipy import stats

from mixloop.algebra import truncated_normal

# --- unknown weeks, error parameters, scales ----------------------------------------------------


@pytest.mark.parametrize("unknown", [[0], [4], [7], [3, 4], [0, 1, 7]])
def test_unknown_weeks_follow_the_dense_conditional(unknown):
    n_chains = 20_000
    y = np.ones((2, 8))
    y[1, unknown] = np.nan
    sampler = sampler_of(11, n_chains, n_weeks=8, n_columns=2, y=y)
    alike(sampler, np.random.default_rng(1))
    sampler.rho[1] = 0.8
    sampler._prepare()
    start = np.random.default_rng(2).normal(size=(2, 1, 8))
    sampler.error = np.repeat(start, n_chains, axis=1)
    media = sampler.residual - sampler.error
    for _ in range(1 if len(unknown) == 1 else 40):  # neighbours take turns until stationary
        sampler._update_missing()
    known = np.setdiff1d(np.arange(8), unknown)
    covariance = sampler.sigma2[1, 0] * ar_covariance(0.8, 8)
    gain = covariance[np.ix_(unknown, known)] @ np.linalg.inv(covariance[np.ix_(known, known)])
    mean = gain @ start[1, 0, known]
    spread = covariance[np.ix_(unknown, unknown)] - gain @ covariance[np.ix_(known, unknown)]
    whitened = np.linalg.solve(np.linalg.cholesky(spread), (sampler.error[1][:, unknown] - mean).T)
    assert np.abs(whitened.mean(axis=1)).max() < 4.5 / np.sqrt(n_chains)
    identity = np.eye(len(unknown))
    assert np.abs(whitened @ whitened.T / n_chains - identity).max() < 0.05
    assert_distributed(whitened[0], stats.norm.cdf)
    np.testing.assert_array_equal(sampler.error[0], np.repeat(start[0], n_chains, axis=0))
    assert (sampler.error[1][:, known] == start[1, :, known].T).all()
    np.testing.assert_allclose(sampler.residual - sampler.error, media, atol=1e-12)


class Even:
    """A stand-in for a generator: evenly spaced uniforms."""

    def random(self, shape):
        return (np.arange(np.prod(shape)).reshape(shape) + 0.5) / np.prod(shape)


@pytest.mark.parametrize("mean", [-60.0, -2.0, -0.9, 0.0, 0.3, 0.97, 5.0, 60.0])
@pytest.mark.parametrize("sd", [0.02, 0.3, 2.0])
def test_truncated_normal_quantiles(mean, sd):
    drawn = np.sort(truncated_normal(Even(), np.full(99, mean), np.full(99, sd), -0.95, 0.95))
    low, high = (-0.95 - mean) / sd, (0.95 - mean) / sd
    u = (np.arange(99) + 0.5) / 99
    np.testing.assert_allclose(
        drawn, stats.truncnorm.ppf(u, low, high, loc=mean, scale=sd), atol=1e-8
    )
    assert (np.abs(drawn) <= 0.95).all()


def test_variance_and_autocorrelation_follow_their_joint_given_the_errors():
    """Short and loud, so that prior, truncation and the first week's factor all matter."""
    rng = np.random.default_rng(4)
    sampler = sampler_of(4, 4000, n_geos=1, n_weeks=5, n_columns=1)
    error = np.array([0.9, 1.1, 0.7, 0.8, 0.2])
    sampler.error = np.tile(error, (1, 4000, 1))
    sampler.rng = rng
    for _ in range(60):
        sampler._update_errors()
    rho = np.linspace(-0.95, 0.95, 4001)
    quadratic = np.array([error @ np.linalg.inv(ar_covariance(x, 5)) @ error for x in rho])
    # sigma^2 ~ InvGamma(1, 1e-4) integrates out of the normal density in closed form
    log_density = 0.5 * np.log1p(-(rho**2)) + stats.norm.logpdf(rho, scale=0.4)
    log_density -= (1 + 5 / 2) * np.log(1e-4 + 0.5 * quadratic)
    assert_distributed(sampler.rho[0], cdf_of(log_density, rho))
    density = np.exp(log_density - log_density.max())
    density /= density.sum()

    def sigma2_cdf(x):
        each = stats.invgamma.cdf(x[:, None], 1 + 5 / 2, scale=1e-4 + 0.5 * quadratic[::20])
        return each @ density[::20] / density[::20].sum()

    assert_distributed(sampler.sigma2[0], sigma2_cdf)


def test_ridge_scales_follow_their_conditional_given_the_coefficients():
    sampler = sampler_of(6, 4000, n_geos=2, n_columns=4)
    coefficients = np.random.default_rng(6).normal(0, 0.3, size=(2, 1, 4))
    sampler.baseline_coef = np.repeat(coefficients, 4000, axis=1)
    fixed = sampler.group_var[:, 0].copy()
    for _ in range(150):
        sampler._update_group_scales()
    assert (sampler.group_var[:, 0] == fixed).all()
    log_sd = np.linspace(-9, 9, 6001)
    for group, members in ((1, [1]), (2, [2, 3])):
        log_density = log_half_cauchy(log_sd, SCALES[group])
        for value in coefficients[:, 0, members].ravel():
            log_density = log_density + stats.norm.logpdf(value, scale=np.exp(log_sd))
        draws = 0.5 * np.log(sampler.group_var[:, group])
        assert_distributed(draws, cdf_of(log_density, log_sd))


@pytest.mark.parametrize("jumps", [[2], [1], [2, 1]])
def test_jumping_scales_follow_the_evidence(jumps):
    sampler = sampler_of(8, 3000, n_geos=1, n_weeks=6, n_columns=3, jumps=np.array(jumps))
    alike(sampler, np.random.default_rng(8))
    held = sampler.group_var[0].copy()
    sampler._prepare()
    for _ in range(120):
        sampler._jump_group_scales()
    kept = [group for group in (0, 1, 2) if group not in jumps]
    assert (sampler.group_var[:, kept] == held[kept]).all()
    np.testing.assert_allclose(  # the factor that the baseline draw needs is up to date
        np.swapaxes(sampler.root, 2, 3) @ sampler.root @ sampler._factorise(sampler.group_var)
        @ np.swapaxes(sampler._factorise(sampler.group_var), 2, 3),
        np.broadcast_to(np.eye(3), (1, 3000, 3, 3)),
        atol=1e-6,
    )  # fmt: skip
    # the exact marginals on a grid of both log scales
    sampler.group_var = sampler.group_var.copy()
    axes = [np.linspace(-7, 7, 141) if g in jumps else np.log(held[g : g + 1]) / 2 for g in (1, 2)]
    r, z = sampler.residual[0, 0], sampler.problem.baseline[0]
    noise = sampler.sigma2[0, 0] * ar_covariance(sampler.rho[0, 0], 6)
    a, b = np.meshgrid(*axes, indexing="ij")
    ridges = np.stack([np.full_like(a, held[0]), np.exp(2 * a), np.exp(2 * b)], axis=-1)
    covariance = noise + np.einsum("tp,xyp,sp->xyts", z, ridges, z)
    fit = np.einsum("t,xyts,s->xy", r, np.linalg.inv(covariance), r)
    log_density = -0.5 * fit - 0.5 * np.linalg.slogdet(covariance)[1]
    log_density += log_half_cauchy(a, SCALES[1]) + log_half_cauchy(b, SCALES[2])
    density = np.exp(log_density - log_density.max())
    for group in jumps:
        marginal = density.sum(axis=2 - group)
        draws = 0.5 * np.log(sampler.group_var[:, group])
        assert_distributed(draws, cdf_of(np.log(marginal), axes[group - 1]))


def test_share_scales_follow_their_joint_given_the_shares():
    """tau ~ C+(0, 1), lam_c ~ C+(0, 1), share_jc ~ N+(0, tau lam_c share_scale_c)."""
    sampler = sampler_of(9, 4000, n_geos=2, n_channels=2, n_grid=1)
    sampler.coef = np.repeat(np.array([[[0.05, 0.9]], [[0.02, 0.4]]]), 4000, axis=1)
    share = sampler.coef[:, 0] * sampler.problem.media[:, :, 0].mean(axis=2).T  # (J, C)
    np.testing.assert_allclose(sampler.shares()[:, 0], share, rtol=1e-12)
    for _ in range(250):
        sampler._update_share_scales()
    log_tau, log_lam = np.linspace(-9, 9, 361), np.linspace(-12, 12, 481)
    sd = np.exp(log_tau[:, None] + log_lam[None, :])
    of_tau = log_half_cauchy(log_tau, 1.0)
    joint = []
    for c in range(2):
        each = np.tile(log_half_cauchy(log_lam, 1.0), (361, 1))
        for value in share[:, c] / sampler.problem.share_scale[c]:
            each = each + stats.halfnorm.logpdf(value, scale=sd)
        joint.append(np.exp(each))
    given_tau = [each.sum(axis=1) for each in joint]
    tau_density = of_tau + np.log(given_tau[0]) + np.log(given_tau[1])
    assert_distributed(0.5 * np.log(sampler.tau2), cdf_of(tau_density, log_tau))
    for c in range(2):
        weight = np.exp(of_tau) * given_tau[1 - c]
        lam_density = np.log(np.maximum(weight @ joint[c], 1e-300))
        assert_distributed(0.5 * np.log(sampler.lam2[:, c]), cdf_of(lam_density, log_lam))
