"""The sampler's algebra and its draws of channels, against dense algebra and integrals."""

import numpy as np
import pytest
from dense import (
    P_VALUE,
    SCALES,
    alike,
    ar_covariance,
    assert_distributed,
    cdf_of,
    dense_covariance,
    log_half_cauchy,
    problem_of,
    ridge,
    sampler_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixloop import algebra

seeds = st.integers(0, 10**6)
some = settings(max_examples=20, deadline=None, derandomize=True)


# --- the error model ----------------------------------------------------------------------------


@some
@given(seeds, st.integers(2, 15), st.floats(-0.95, 0.95))
def test_ar_products_are_the_inverse_of_the_stationary_covariance(seed, n_weeks, rho):
    rng = np.random.default_rng(seed)
    precision = np.linalg.inv(ar_covariance(rho, n_weeks))
    a, b = rng.normal(size=(2, 4, n_weeks))
    np.testing.assert_allclose(algebra.ar_apply(a, np.full(4, rho)), a @ precision, atol=1e-9)
    whole, inner, beside = algebra.ar_products(a, b)
    quadratic = whole + rho**2 * inner - rho * beside
    np.testing.assert_allclose(quadratic, np.einsum("it,ts,is->i", a, precision, b), atol=1e-9)


# --- the baseline integrated out ----------------------------------------------------------------


@some
@given(
    seeds,
    st.integers(1, 3),
    st.integers(4, 20),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_inner_products_are_those_of_the_dense_covariance(seed, n_geos, n_weeks, c, g, p):
    sampler = sampler_of(seed, n_geos=n_geos, n_weeks=n_weeks, n_channels=c, n_grid=g, n_columns=p)
    sampler._prepare()
    q = sampler._project(sampler.residual)
    mean = sampler._baseline_mean(algebra.ar_apply(sampler.residual, sampler.rho))
    for j in range(n_geos):
        for k in range(sampler.k):
            r, z = sampler.residual[j, k], sampler.problem.baseline[j]
            media = sampler.problem.media[:, j].reshape(-1, n_weeks)
            inverse = np.linalg.inv(dense_covariance(sampler, j, k))
            expected = np.einsum("xt,ts,xs->x", media, inverse, media).reshape(c, g)
            np.testing.assert_allclose(sampler.precision[:, j, k], expected, rtol=1e-8)
            size = np.abs(inverse @ r).max() * n_weeks
            np.testing.assert_allclose(media @ q[j, k], media @ inverse @ r, atol=1e-8 * size)
            # E[g | r] = D Z' V^-1 r
            expected = (z * ridge(sampler, k)).T @ inverse @ r
            np.testing.assert_allclose(mean[j, k], expected, rtol=1e-8, atol=1e-9)


def test_baseline_draws_have_the_dense_mean_and_covariance():
    sampler = sampler_of(5, n_chains=20_000)
    alike(sampler, np.random.default_rng(0))
    sampler._prepare()
    sampler._update_baseline()
    for j in range(sampler.j):
        z, prior = sampler.problem.baseline[j], np.diag(ridge(sampler, 0))
        gain = prior @ z.T @ np.linalg.inv(dense_covariance(sampler, j, 0))
        covariance = prior - gain @ z @ prior
        draws = sampler.baseline_coef[j] - gain @ sampler.residual[j, 0]
        whitened = np.linalg.solve(np.linalg.cholesky(covariance), draws.T)
        assert np.abs(whitened.mean(axis=1)).max() < 4.5 / np.sqrt(20_000)
        assert np.abs(whitened @ whitened.T / 20_000 - np.eye(sampler.p)).max() < 0.05
        fitted = sampler.baseline_coef[j] @ z.T
        np.testing.assert_allclose(sampler.error[j], sampler.residual[j] - fitted, atol=1e-12)


@some
@given(seeds, st.integers(1, 3), st.integers(3, 15))
def test_evidence_differences_are_those_of_the_dense_density(seed, n_geos, n_weeks):
    sampler = sampler_of(seed, n_geos=n_geos, n_weeks=n_weeks)
    sampler._prepare()
    kr = algebra.ar_apply(sampler.residual, sampler.rho)
    linear = np.matmul(kr, sampler.problem.baseline) / sampler.sigma2[..., None]

    def dense(group_var):
        sampler.group_var = group_var
        out = np.zeros(sampler.k)
        for k in range(sampler.k):
            sd = np.sqrt(group_var[k, 1:])
            # half-Cauchy on each learned sd, seen on its log scale
            out[k] = (stats.halfcauchy.logpdf(sd, scale=SCALES[1:]) + np.log(sd)).sum()
            for j in range(n_geos):
                covariance = dense_covariance(sampler, j, k)
                out[k] += stats.multivariate_normal.logpdf(sampler.residual[j, k], cov=covariance)
        return out

    here = sampler.group_var
    there = here.copy()
    there[:, 1:] = np.random.default_rng(seed).uniform(0.01, 3, size=(sampler.k, 2)) ** 2
    quick = sampler._log_evidence(there, linear) - sampler._log_evidence(here, linear)
    np.testing.assert_allclose(quick, dense(there) - dense(here), rtol=1e-6, atol=1e-5)


# --- one channel --------------------------------------------------------------------------------


def channel_sampler(seed, n_chains=20_000, **shape):
    """Chains in one state, ready to draw a channel."""
    sampler = sampler_of(seed, n_chains, n_weeks=8, n_columns=2, **shape)
    alike(sampler, np.random.default_rng(seed))
    sampler.tau2[:], sampler.lam2[:] = 1.7, 0.6
    sampler._jump = lambda: np.zeros(n_chains)  # hold the channel's scale
    sampler._prepare()
    return sampler


def prior_sd(sampler, channel, j, g):
    """Prior scale of a coefficient: that of its share, over the transform's mean."""
    scale = np.sqrt(1.7 * 0.6) * sampler.problem.share_scale[channel]
    return scale / sampler.problem.media[channel, j, g].mean()


@pytest.mark.parametrize("target", [-6.0, 0.0, 6.0])
def test_coefficients_are_truncated_normal(target):
    sampler = channel_sampler(3, n_geos=1, n_channels=1, n_grid=1)
    f = sampler.problem.media[0, 0, 0]
    inverse = np.linalg.inv(dense_covariance(sampler, 0, 0))
    root = np.sqrt(f @ inverse @ f + prior_sd(sampler, 0, 0, 0) ** -2)
    now = f @ inverse @ sampler.residual[0, 0] / root
    # push the residual along f until the conditional mean is `target` standard deviations
    sampler.residual += (target - now) * root / (f @ inverse @ f) * f
    before = sampler.residual.copy()
    sampler._update_channel(0)
    draws = sampler.coef[0, :, 0]
    assert (draws >= 0).all()
    assert_distributed(draws * root, stats.truncnorm(-target, np.inf, loc=target).cdf)
    np.testing.assert_allclose(sampler.residual[0], before[0] - draws[:, None] * f, atol=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_transform_and_coefficients_follow_their_joint_by_numerical_integration(seed):
    """One channel, two geos that share its transform, everything else fixed."""
    sampler = channel_sampler(seed, n_geos=2, n_channels=1, n_grid=3)
    p = sampler.problem
    # the residual prefers no transform by too much, so that every frequency can be compared
    sampler.residual = 0.3 * sampler.residual + 0.1 * p.media[0, :, None, 1]
    r = sampler.residual[:, 0].copy()
    inverse = [np.linalg.inv(dense_covariance(sampler, j, 0)) for j in range(2)]

    b = np.linspace(0, 8, 20_001)  # eight is far beyond what data and prior allow here
    weight = np.exp(p.log_prior[0])
    log_density = np.empty((2, 3, len(b)))
    for j, g in np.ndindex(2, 3):
        rest = r[j] - b[:, None] * p.media[0, j, g]
        log_density[j, g] = -0.5 * np.einsum("bt,ts,bs->b", rest, inverse[j], rest)
        log_density[j, g] += stats.halfnorm.logpdf(b, scale=prior_sd(sampler, 0, j, g))
        level = 0.5 * r[j] @ inverse[j] @ r[j]  # the same for every transform
        weight[g] *= np.trapezoid(np.exp(log_density[j, g] + level), b)
    weight /= weight.sum()
    sampler._update_channel(0)
    counts = np.bincount(sampler.grid[:, 0], minlength=3)
    assert weight.min() > 1e-3
    assert stats.chisquare(counts, weight * sampler.k).pvalue > P_VALUE
    for j, g in np.ndindex(2, 3):
        mine = sampler.grid[:, 0] == g
        assert_distributed(sampler.coef[j, mine, 0], cdf_of(log_density[j, g], b))


def test_a_channel_is_drawn_around_the_other_channels():
    """Update one of two channels: its conditional sees the data minus the other's effect."""
    sampler = channel_sampler(7, n_geos=1, n_channels=2, n_grid=1)
    f, other = sampler.problem.media[:, 0, 0]
    sampler.coef[0, :, 1] = 0.4
    y = sampler.residual[0, 0].copy()
    sampler.residual -= 0.4 * other
    inverse = np.linalg.inv(dense_covariance(sampler, 0, 0))
    precision = f @ inverse @ f + prior_sd(sampler, 0, 0, 0) ** -2
    mean = f @ inverse @ (y - 0.4 * other) / precision
    for _ in range(3):  # the channel's own last value must not matter
        sampler._update_channel(0)
    exact = stats.truncnorm(-mean * np.sqrt(precision), np.inf, mean, precision**-0.5)
    assert_distributed(sampler.coef[0, :, 0], exact.cdf)
    rest = y - sampler.coef[0, :, :1] * f - 0.4 * other
    np.testing.assert_allclose(sampler.residual[0], rest, atol=1e-12)


def test_a_geo_where_a_channel_never_ran_draws_its_share_from_the_prior():
    media = problem_of(2, n_weeks=8, n_channels=1, n_grid=2, n_columns=2).media.copy()
    media[0, 1] = 0.0
    sampler = channel_sampler(2, n_channels=1, n_grid=2, media=media)
    sampler._update_channel(0)
    scale = np.sqrt(1.7 * 0.6) * sampler.problem.share_scale[0]
    assert_distributed(sampler.coef[1, :, 0], stats.halfnorm(scale=scale).cdf)
    assert (sampler.shares()[1] == sampler.coef[1]).all()


def test_a_channels_scale_follows_its_joint_with_transform_and_coefficient():
    """The scale moves on its own prior and the data, the rest of the channel integrated out."""
    sampler = channel_sampler(12, 4000, n_geos=2, n_channels=1, n_grid=2)
    del sampler._jump  # let it move
    sampler.residual = 0.1 * sampler.residual + 0.05 * sampler.problem.media[0, :, None, 1]
    before = sampler.residual[:, 0].copy()
    for _ in range(100):
        sampler._update_channel(0)
    log_lam, log_b = np.linspace(-12, 12, 481), np.linspace(-16, 6, 1101)
    b = np.exp(log_b)
    weight = np.exp(log_half_cauchy(log_lam, 1.0))[:, None] * np.exp(sampler.problem.log_prior[0])
    for j in range(2):
        inverse, r = np.linalg.inv(dense_covariance(sampler, j, 0)), before[j]
        for g in range(2):
            f = sampler.problem.media[0, j, g]
            log_likelihood = b * (f @ inverse @ r) - 0.5 * b**2 * (f @ inverse @ f)
            scale = np.exp(log_lam[:, None]) * np.sqrt(1.7) * sampler.problem.share_scale[0]
            log_prior = stats.halfnorm.logpdf(b, scale=scale / f.mean())
            weight[:, g] *= np.exp(log_likelihood + log_prior + log_b).sum(axis=1)
    draws = 0.5 * np.log(sampler.lam2[:, 0])
    assert_distributed(draws, cdf_of(np.log(weight.sum(axis=1)), log_lam))
    counts = np.bincount(sampler.grid[:, 0], minlength=2)
    expected = weight.sum(axis=0) / weight.sum() * sampler.k
    assert expected.min() > 20
    assert stats.chisquare(counts, expected).pvalue > P_VALUE


@pytest.mark.parametrize("seed", [4, 5])
def test_channels_that_stay_are_drawn_around_each_other_as_the_dense_covariance_says(
    seed, monkeypatch
):
    """What is said of each coefficient, with the other channels where they are by then."""
    sampler = sampler_of(seed, n_geos=2, n_channels=4)
    sampler._prepare()
    sampler.coef = np.random.default_rng(seed).uniform(0.0, 0.5, size=sampler.coef.shape)
    media = np.stack([sampler._current(c) for c in range(4)])  # (C, J, K, T)
    whole = sampler.residual + np.einsum("cjkt,jkc->jkt", media, sampler.coef)
    stay, now, told = np.array([0, 2, 3]), sampler.coef.copy(), []

    def draw(channel, linear, known):
        left = whole - np.einsum("cjkt,jkc->jkt", media, now)
        left += media[channel] * now[..., channel, None]
        for j, k in np.ndindex(linear.shape):
            seen = np.linalg.solve(dense_covariance(sampler, j, k), media[channel][j, k])
            assert linear[j, k] == pytest.approx(seen @ left[j, k], rel=1e-6, abs=1e-6)
            assert known[j, k] == pytest.approx(seen @ media[channel][j, k], rel=1e-6)
        told.append(channel)
        now[..., channel] = 0.1 * (channel + 1)
        return now[..., channel]

    monkeypatch.setattr(sampler, "_draw_coefficient", draw)
    sampler._update_coefficients(stay)
    assert sorted(told) == stay.tolist()
    assert sampler.coef == pytest.approx(now)
    left = whole - np.einsum("cjkt,jkc->jkt", media, now)
    np.testing.assert_allclose(sampler.residual, left, atol=1e-10)
