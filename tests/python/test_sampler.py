"""Every step of the sampler against dense linear algebra, closed forms and numerical integrals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mixloop import sampler as core
from mixloop.sampler import Problem, Sampler, run_chains, transform_media
from mixloop.transforms import TransformGrid

P_VALUE = 1e-3  # all seeds are fixed: a failure is a change of the code, not bad luck
SCALES = np.array([2.0, 0.3, 0.2])  # level is fixed, the other two groups are learned


def problem_of(seed, *, n_geos=2, n_weeks=12, n_channels=2, n_grid=3, n_columns=4, **changes):
    """A random problem: groups 0 (level), 1 (one column), 2 (the rest)."""
    rng = np.random.default_rng(seed)
    baseline = rng.normal(size=(n_geos, n_weeks, n_columns))
    baseline[:, :, 0] = 1.0
    prior = rng.dirichlet(np.full(n_grid, 3.0), size=n_channels)
    values = {
        "y": 1.0 + 0.1 * rng.normal(size=(n_geos, n_weeks)),
        "media": rng.uniform(0, 1, size=(n_channels, n_geos, n_grid, n_weeks)),
        "log_prior": np.log(prior),
        "baseline": baseline,
        "group": np.minimum(np.arange(n_columns), 2),
        "group_scale": SCALES,
        "is_fixed": np.array([True, False, False]),
        "jumps": np.array([2]),
        "share_scale": rng.uniform(0.03, 0.3, size=n_channels),
    }
    return Problem(**(values | changes))


def sampler_of(seed, n_chains=3, **shape):
    """A sampler in an arbitrary state of its error and ridge parameters."""
    rng = np.random.default_rng(seed + 1)
    sampler = Sampler(problem_of(seed, **shape), n_chains, rng)
    size = (sampler.j, n_chains)
    sampler.rho = rng.uniform(-0.95, 0.95, size=size)
    sampler.sigma2 = rng.uniform(0.02, 0.5, size=size) ** 2
    sampler.group_var = rng.uniform(0.05, 2.0, size=(n_chains, 3)) ** 2
    sampler.residual = rng.normal(size=(*size, sampler.t))
    return sampler


def alike(sampler, rng):
    """Give all chains the state of the first, so that they are draws of one conditional."""
    for name in ("rho", "sigma2", "residual"):
        values = getattr(sampler, name)
        setattr(sampler, name, np.repeat(values[:, :1], sampler.k, axis=1))
    sampler.group_var = np.repeat(sampler.group_var[:1], sampler.k, axis=0)
    sampler.rng = rng


def ar_covariance(rho, n_weeks):
    """Stationary AR(1) covariance for innovations of variance one."""
    lags = np.abs(np.subtract.outer(np.arange(n_weeks), np.arange(n_weeks)))
    return rho**lags / (1.0 - rho**2)


def ridge(sampler, k):
    """Prior variances of the baseline coefficients of chain k."""
    return sampler.group_var[k][sampler.problem.group]


def dense_covariance(sampler, j, k):
    """Covariance of the KPI of one geo around its media, with the baseline integrated out."""
    z = sampler.problem.baseline[j]
    noise = sampler.sigma2[j, k] * ar_covariance(sampler.rho[j, k], sampler.t)
    return noise + (z * ridge(sampler, k)) @ z.T


def cdf_of(log_density, points):
    """Distribution function of an unnormalised log density on a fine grid of points."""
    density = np.exp(log_density - log_density.max())
    steps = 0.5 * (density[1:] + density[:-1]) * np.diff(points)
    total = np.concatenate([[0.0], np.cumsum(steps)])
    return lambda x: np.interp(x, points, total / total[-1])


def log_half_cauchy(log_sd, scale):
    """Log density of log(sd) for a half-Cauchy sd."""
    return stats.halfcauchy.logpdf(np.exp(log_sd), scale=scale) + log_sd


def assert_distributed(draws, cdf):
    assert stats.kstest(draws, cdf).pvalue > P_VALUE


# --- the error model ----------------------------------------------------------------------------

seeds = st.integers(0, 10**6)
some = settings(max_examples=20, deadline=None)


@some
@given(seeds, st.integers(2, 15), st.floats(-0.95, 0.95))
def test_ar_products_are_the_inverse_of_the_stationary_covariance(seed, n_weeks, rho):
    rng = np.random.default_rng(seed)
    precision = np.linalg.inv(ar_covariance(rho, n_weeks))
    a, b = rng.normal(size=(2, 4, n_weeks))
    np.testing.assert_allclose(core._ar_apply(a, np.full(4, rho)), a @ precision, atol=1e-9)
    whole, inner, beside = core._ar_products(a, b)
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
    mean = sampler._baseline_mean(core._ar_apply(sampler.residual, sampler.rho))
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
    kr = core._ar_apply(sampler.residual, sampler.rho)
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
    np.testing.assert_allclose(quick, dense(there) - dense(here), rtol=1e-7, atol=1e-7)


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
    assert_distributed(sampler.shares()[1, :, 0], stats.halfnorm(scale=scale).cdf)


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
    sampler = sampler_of(1)
    sampler.rng = Even()
    drawn = np.sort(sampler._truncated_normal(np.full(99, mean), np.full(99, sd)))
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


# --- media and chains ---------------------------------------------------------------------------


def test_media_under_every_transform_is_adstock_then_hill():
    grid = TransformGrid(
        kernel=("geometric", "geometric", "delayed"),
        decay=np.array([0.5, 0.5, 0.8]),
        half=np.array([0.3, 1.0, 0.6]),
        slope=np.array([1.0, 2.0, 1.5]),
        log_prior=np.log(np.full(3, 1 / 3)),
    )
    exposure = np.random.default_rng(0).uniform(0, 1, size=(2, 9, 3))
    media = transform_media(exposure, grid, 2)
    assert media.shape == (3, 2, 3, 9)
    weights = {0: [4 / 7, 2 / 7, 1 / 7], 1: [4 / 7, 2 / 7, 1 / 7]}
    peak = np.array([0.8**4, 0.8, 1.0])
    weights[2] = peak / peak.sum()
    for c, j, g, t in np.ndindex(media.shape):
        carried = sum(weights[g][lag] * exposure[j, t - lag, c] for lag in range(min(t, 2) + 1))
        powered = carried ** grid.slope[g]
        expected = powered / (powered + grid.half[g] ** grid.slope[g])
        assert media[c, j, g, t] == pytest.approx(expected, rel=1e-12)


def test_kept_sweeps_are_those_after_the_warm_up():
    problem = problem_of(3)
    options = {"n_chains": 2, "rng": np.random.default_rng(3)}
    everything = run_chains(problem, warmup=0, sweeps=20, **options)
    options["rng"] = np.random.default_rng(3)
    later = run_chains(problem, warmup=5, sweeps=15, **options)
    for name in ("grid", "coef", "share", "baseline_coef", "sigma", "rho", "last_error"):
        np.testing.assert_array_equal(getattr(everything, name)[:, 5:], getattr(later, name))


def test_kept_states_belong_together():
    """last_error and share of each kept sweep follow from the other kept quantities."""
    problem = problem_of(4)
    chains = run_chains(problem, n_chains=3, warmup=3, sweeps=10, rng=np.random.default_rng(4))
    assert chains.coef.shape == (3, 10, 2, 2)
    assert chains.baseline_coef.shape == (3, 10, 2, 4)
    for k, n, j in np.ndindex(3, 10, 2):
        chosen = chains.grid[k, n]
        media = problem.media[[0, 1], j, chosen]  # (C, T)
        b = chains.coef[k, n, j]
        assert chains.share[k, n, j] == pytest.approx(b * media.mean(axis=1))
        fitted = b @ media[:, -1] + problem.baseline[j, -1] @ chains.baseline_coef[k, n, j]
        assert chains.last_error[k, n, j] == pytest.approx(problem.y[j, -1] - fitted)
    assert (chains.sigma > 0).all()
    assert (np.abs(chains.rho) <= 0.95).all()


@pytest.mark.parametrize(("n_chains", "sweeps", "warmup"), [(1, 100, 0), (2, 7, 0), (2, 100, -1)])
def test_too_few_chains_or_sweeps_raise(n_chains, sweeps, warmup):
    with pytest.raises(ValueError, match=f"got {n_chains}, {sweeps}, {warmup}"):
        run_chains(
            problem_of(1),
            n_chains=n_chains,
            warmup=warmup,
            sweeps=sweeps,
            rng=np.random.default_rng(1),
        )
