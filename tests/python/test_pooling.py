"""Draws of pooled channels against numerical integrals, and what pools must not touch."""

import json
from pathlib import Path

import numpy as np
import pytest
import unpooled_draws
from dense import (
    P_VALUE,
    alike,
    assert_distributed,
    cdf_of,
    dense_covariance,
    log_half_cauchy,
    problem_of,
)
from scipy import integrate, stats

from mixloop.algebra import positive_normal, truncated_normal
from mixloop.pooled import PooledSampler
from mixloop.pooling import (
    Pool,
    draw_free_ratios,
    draw_ratios,
    draw_total,
    exposure_weights,
    rescale_total,
)

SPREAD = 0.4
WEIGHT = np.array([[0.7, 0.55], [0.3, 0.45]])  # (n, J)
N = 20_000


def test_fits_without_pools_draw_what_they_drew_before():
    """The golden draws are those of the sampler before pools; see unpooled_draws.py."""
    golden = json.loads(Path(unpooled_draws.__file__).with_suffix(".json").read_text())
    drawn = unpooled_draws.draws()
    assert set(golden) == {"grid", "coef", "share", "baseline_coef", "sigma", "rho", "last_error"}
    np.testing.assert_array_equal(drawn.grid, golden.pop("grid"))
    for name, values in golden.items():
        np.testing.assert_allclose(getattr(drawn, name), values, rtol=1e-7, atol=1e-12)
    assert drawn.pool_total.shape == (3, 8, 2, 0)


# --- normals between two points -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("mean", "sd", "low", "high"),
    [
        (0.0, 1.0, 0.0, np.inf),
        (-9.0, 1.0, 0.0, np.inf),
        (2.0, 0.5, -np.inf, 1.0),
        (3.0, 0.2, -0.5, 1.5),
        (-4.0, 0.3, -1.0, 2.0),
        (0.2, 1.0, 0.1, 0.3),
    ],
)
def test_truncated_normal_follows_its_distribution(mean, sd, low, high):
    rng = np.random.default_rng(1)
    draws = truncated_normal(rng, np.full(N, mean), np.full(N, sd), low, high)
    assert (draws >= low).all()
    assert (draws <= high).all()
    exact = stats.truncnorm((low - mean) / sd, (high - mean) / sd, loc=mean, scale=sd)
    assert_distributed(draws, exact.cdf)


@pytest.mark.parametrize("z", [-8.0, 0.0, 3.0])
def test_positive_normal_follows_its_distribution(z):
    draws = positive_normal(np.random.default_rng(2), np.full(N, z))
    assert_distributed(draws, stats.truncnorm(-z, np.inf, loc=z).cdf)


# --- weights ------------------------------------------------------------------------------------


def test_weights_are_shares_of_what_the_pool_spent_in_each_geo():
    exposure = np.array([[[30.0, 10.0], [30.0, 10.0]], [[5.0, 5.0], [0.0, 10.0]]])  # (J, T, n)
    weight = exposure_weights(exposure, ("spend", "spend"))
    assert weight.T.tolist() == [[0.75, 0.25], [0.25, 0.75]]


def test_a_channel_that_never_ran_in_a_geo_has_its_share_over_all_geos():
    exposure = np.array([[[30.0, 10.0]], [[60.0, 0.0]]])
    weight = exposure_weights(exposure, ("spend", "spend"))
    assert weight.T.tolist() == [[0.75, 0.25], [1.0, 0.1]]
    assert (exposure_weights(np.array([[[3.0, 1.0]], [[0.0, 0.0]]]), ("spend",) * 2) > 0).all()


def test_money_and_impressions_count_in_largest_weeks():
    exposure = np.array([[[10.0, 4000.0], [5.0, 1000.0]]])
    weight = exposure_weights(exposure, ("spend", "impressions"))
    assert weight[:, 0].tolist() == pytest.approx([1.5 / 2.75, 1.25 / 2.75])


# --- the pool's own moves -----------------------------------------------------------------------


@pytest.mark.parametrize(("linear", "known"), [(40.0, 900.0), (-30.0, 400.0), (0.0, 0.0)])
def test_the_total_is_a_channels_coefficient(linear, known):
    shape = (1, N)
    draws = draw_total(
        np.random.default_rng(3), np.full(shape, linear), np.full(shape, known), np.full(N, 0.1)
    )
    v = np.linspace(0, 1, 20_001)
    assert_distributed(draws[0], cdf_of(linear * v - 0.5 * (known + 100.0) * v**2, v))


def split(correlation=0.98, size=(30.0, 12.0)):
    """Gram matrix of two channels that move together, and a pull towards unequal ratios."""
    a, b = size
    gram = np.array([[a * a, correlation * a * b], [correlation * a * b, b * b]])
    return gram, gram @ np.array([0.5, 1.9])


def ratio_density(points, gram, linear, spread=SPREAD):
    """Log density of the ratios on the outer product of `points` with themselves, and prior."""
    a, b = np.meshgrid(points, points, indexing="ij")
    fit = linear[0] * a + linear[1] * b
    fit = fit - 0.5 * (gram[0, 0] * a * a + 2 * gram[0, 1] * a * b + gram[1, 1] * b * b)
    return fit - ((a - 1) ** 2 + (b - 1) ** 2) / (2 * spread**2)


@pytest.mark.parametrize("correlation", [0.3, 0.98, 1.0])
@pytest.mark.parametrize("push", [(1.0, 4.0), (-1.0, 12.0), (9.0, 12.0)])
def test_ratios_follow_their_joint_given_the_total(correlation, push):
    gram, linear = split(correlation, (5.0, 2.0))
    linear = linear - push  # the second one or both close to zero, so that the end counts
    rng = np.random.default_rng(4)
    ratio = np.ones((1, 4000, 2))
    for _ in range(30):
        ratio = draw_ratios(
            rng,
            ratio,
            np.broadcast_to(gram, (1, 4000, 2, 2)),
            np.broadcast_to(linear, (1, 4000, 2)),
            SPREAD,
        )
    assert (ratio >= 0).all()
    points = np.linspace(0, 3.5, 1401)
    density = np.exp(ratio_density(points, gram, linear))
    for axis in (0, 1):
        marginal = np.log(density.sum(axis=1 - axis))
        assert_distributed(ratio[0, :, axis], cdf_of(marginal, points))
    difference = ratio[0, :, 0] - ratio[0, :, 1]
    a, b = np.meshgrid(points, points, indexing="ij")
    mean = np.average(a - b, weights=density)
    assert abs(difference.mean() - mean) < 4 * difference.std() / np.sqrt(4000)


def test_the_total_given_the_shares_follows_its_prior_and_theirs():
    """Shares held at w V m: what is left is p(V) times the density of the shares given V."""
    share, weight, sd = np.array([0.05, 0.06]), np.array([0.6, 0.4]), 0.08
    rng, k = np.random.default_rng(5), 4000
    total = np.full((1, k), 0.1)
    ratio = np.broadcast_to(share / weight / 0.1, (1, k, 2)).copy()
    for _ in range(25):
        total, ratio = rescale_total(rng, total, ratio, np.full(k, sd), SPREAD)
    np.testing.assert_allclose(total[..., None] * ratio * weight, share + 0 * ratio, rtol=1e-9)
    v = np.linspace(1e-3, 1.0, 20_001)
    log_density = stats.halfnorm.logpdf(v, scale=sd)
    for s, w in zip(share, weight, strict=True):
        log_density += stats.truncnorm.logpdf(
            s, -1 / SPREAD, np.inf, loc=w * v, scale=SPREAD * w * v
        )
    assert_distributed(total[0], cdf_of(log_density, v))


def test_free_ratios_have_the_evidence_of_the_integral():
    gram, linear = split(0.9, (3.0, 2.0))
    total = np.array([[0.5, 1.5]])
    shaped = np.broadcast_to(gram, (1, 2, 2, 2)), np.broadcast_to(linear, (1, 2, 2))
    evidence, _ = draw_free_ratios(np.random.default_rng(6), *shaped, total, SPREAD)
    points = np.linspace(-4, 6, 1001)
    exact = []
    for v in total[0]:
        density = np.exp(ratio_density(points, gram * v**2, linear * v))
        exact.append(np.log(density.sum()))
    assert evidence[0, 1] - evidence[0, 0] == pytest.approx(exact[1] - exact[0], rel=1e-6)


# --- a channel of a pool ------------------------------------------------------------------------


def pooled_sampler(seed, n_geos=2, n_grid=3, n_chains=N, spread=SPREAD):
    """Chains in one state: two pooled channels around a total that is held."""
    problem = problem_of(
        seed,
        n_geos=n_geos,
        n_weeks=8,
        n_channels=2,
        n_grid=n_grid,
        n_columns=2,
        pools=(Pool(np.array([0, 1]), WEIGHT[:, :n_geos], spread),),
    )
    rng = np.random.default_rng(seed + 1)
    sampler = PooledSampler(problem, n_chains, rng)
    size = (n_geos, n_chains)
    sampler.rho = rng.uniform(-0.5, 0.5, size=size)
    sampler.sigma2 = rng.uniform(0.1, 0.3, size=size) ** 2
    sampler.group_var = np.full((n_chains, 3), 0.25)
    sampler.residual = rng.normal(size=(*size, sampler.t))
    alike(sampler, np.random.default_rng(seed))
    sampler.residual = 0.1 * sampler.residual + 0.1 * problem.media[:, :, :1].sum(axis=0)
    sampler.total = np.broadcast_to([[[0.12]], [[0.1]]][:n_geos], (*size, 1)).copy()
    sampler.grid = np.zeros((n_chains, 2), dtype=int)
    sampler.coef = np.zeros((*size, 2))
    sampler._prepare()
    return sampler


def log_posterior(sampler, j, grid, b0, b1):
    """Log density of two coefficients of a geo at given transforms, total held."""
    pool, total = sampler.problem.pools[0], sampler.total[j, 0, 0]
    inverse = np.linalg.inv(dense_covariance(sampler, j, 0))
    r = sampler.residual[j, 0]
    f, g = (sampler.problem.media[c, j, grid[c]] for c in (0, 1))
    out = b0 * (f @ inverse @ r) + b1 * (g @ inverse @ r) - b0 * b1 * (f @ inverse @ g)
    out = out - 0.5 * b0**2 * (f @ inverse @ f) - 0.5 * b1**2 * (g @ inverse @ g)
    for b, x, w in ((b0, f, pool.weight[0, j]), (b1, g, pool.weight[1, j])):
        center = w * total
        prior = stats.truncnorm(-1 / pool.spread, np.inf, loc=center, scale=pool.spread * center)
        out = out + prior.logpdf(b * x.mean()) + np.log(x.mean())
    return out


def test_a_channel_given_its_pool_follows_the_integral_by_quadrature():
    sampler = pooled_sampler(21)
    p = sampler.problem
    weight = np.exp(p.log_prior[0])
    for j, g in np.ndindex(2, 3):

        def density(b, j=j, g=g):
            return np.exp(log_posterior(sampler, j, (g, 0), b, 0.0))

        weight[g] *= integrate.quad(density, 0, 2, points=[0.1, 0.3], limit=200)[0]
    weight /= weight.sum()
    sampler._update_member(0, with_siblings=False)
    counts = np.bincount(sampler.grid[:, 0], minlength=3)
    assert weight.min() > 1e-3
    assert stats.chisquare(counts, weight * N).pvalue > P_VALUE
    sampler.residual += sampler._effect([0])
    b = np.linspace(0, 2, 4001)
    for j, g in np.ndindex(2, 3):
        mine = sampler.grid[:, 0] == g
        exact = cdf_of(log_posterior(sampler, j, (g, 0), b, 0.0), b)
        assert_distributed(sampler.coef[j, mine, 0], exact)


@pytest.mark.parametrize("move", ["siblings", "swap and ratios"])
@pytest.mark.parametrize(("spread", "against"), [(SPREAD, 0.0), (1.5, 0.25)])
def test_joint_moves_keep_the_joint_of_transforms_and_coefficients(move, spread, against):
    """Two transforms each, one geo: every pair of transforms and both shares, total held.

    With the larger spread, and data that speak against both, many free draws are negative.
    """
    sampler = pooled_sampler(25, n_geos=1, n_grid=2, spread=spread)
    sampler.residual -= against * sampler.problem.media[:, :, :1].sum(axis=0)
    start = sampler.residual.copy()
    sampler._move_share_scale = lambda *arguments: None
    b = np.linspace(0, 1.0, 801)
    a, c = np.meshgrid(b, b, indexing="ij")
    density = np.empty((2, 2, len(b), len(b)))
    for g, h in np.ndindex(2, 2):
        density[g, h] = log_posterior(sampler, 0, (g, h), a, c)
        density[g, h] += sampler.problem.log_prior[0, g] + sampler.problem.log_prior[1, h]
    density = np.exp(density - density.max()) + 1e-300
    pool = sampler.problem.pools[0]
    for _ in range(12 if spread < 1 else 30):
        sampler._update_member(0, with_siblings=move == "siblings")
        sampler._update_member(1, with_siblings=move == "siblings")
        if move != "siblings":
            total, members = sampler.total[:, :, 0], pool.members
            sampler.residual += sampler._effect(members)
            slope = sampler._slope(pool, total, members).transpose(1, 2, 0)
            ratio = sampler.coef / slope
            gram, pull, ratio = sampler._swap_transforms(
                pool, total, *sampler._known_of(pool), ratio
            )
            scaled = gram * (total**2)[..., None, None]
            ratio = draw_ratios(sampler.rng, ratio, scaled, pull * total[..., None], spread)
            sampler.coef = ratio * sampler._slope(pool, total, members).transpose(1, 2, 0)
            sampler.residual -= sampler._effect(members)
    np.testing.assert_allclose(sampler.residual + sampler._effect(pool.members), start, atol=1e-9)
    expected = density.sum(axis=(2, 3)).ravel()
    counts = np.bincount(2 * sampler.grid[:, 0] + sampler.grid[:, 1], minlength=4)
    assert stats.chisquare(counts, N * expected / expected.sum()).pvalue > P_VALUE
    assert_distributed(sampler.coef[0, :, 0], cdf_of(np.log(density.sum(axis=(0, 1, 3))), b))
    assert_distributed(sampler.coef[0, :, 1], cdf_of(np.log(density.sum(axis=(0, 1, 2))), b))


def test_a_pools_scale_follows_its_prior_where_the_data_say_nothing():
    """Media without any effect on the data: totals and scales are draws from their priors."""
    sampler = pooled_sampler(23, n_chains=4000)
    sampler.sigma2[:] = 1e9  # the data are noise
    sampler._prepare()
    for _ in range(80):
        sampler._update_pool(0)
    scale = sampler.problem.share_scale.sum()
    assert_distributed(
        sampler.total[0, :, 0] / np.sqrt(sampler.lam2[:, 0]) / scale, (stats.halfnorm.cdf)
    )
    log_lam = np.linspace(-14, 14, 2801)
    assert_distributed(
        0.5 * np.log(sampler.lam2[:, 0]), cdf_of(log_half_cauchy(log_lam, 1.0), log_lam)
    )
