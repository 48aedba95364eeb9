"""Lift tests in the sampler: against closed forms, quadrature and the sampler's own prior."""

from dataclasses import replace

import numpy as np
import pytest
from dense import P_VALUE, assert_distributed, cdf_of, dense_covariance, problem_of
from prior import P_VALUE as RANK_P_VALUE
from prior import (
    SHARE_SCALE,
    WORLDS,
    at_truth,
    draw_worlds,
    pooled_problem_of,
    rank_p_values,
    with_geos,
)
from prior import problem_of as world_problem_of
from scipy import stats
from test_gibbs import channel_sampler, prior_sd
from test_pooling import SPREAD, N, log_posterior, pooled_sampler

from mixloop.evidence import Evidence, Lifts
from mixloop.pooling import draw_ratios
from mixloop.sampler import run_chains


def with_evidence(sampler, *rows):
    """Hand evidence to a sampler that is ready to draw a channel."""
    sampler.lifts = Lifts(rows, sampler.k)
    sampler._prepare()
    return sampler


def test_without_evidence_nothing_changes_and_a_row_that_says_nothing_is_none():
    problem = problem_of(4)
    silent = Evidence(channel=1, d=np.zeros((2, 3)), lift=5.0, se=0.1)
    plain, told = (
        run_chains(each, n_chains=2, warmup=2, sweeps=8, rng=np.random.default_rng(1))
        for each in (problem, replace(problem, evidence=(silent,)))
    )
    np.testing.assert_array_equal(plain.coef, told.coef)
    np.testing.assert_array_equal(plain.last_error, told.last_error)


@pytest.mark.parametrize(("lift", "se"), [(0.9, 0.2), (0.9, 0.02), (-0.3, 0.1)])
def test_a_lift_test_moves_one_coefficient_as_the_conjugate_formula_says(lift, se):
    """One geo, channel and transform: the posterior is a normal above zero in closed form."""
    sampler = channel_sampler(3, n_geos=1, n_channels=1, n_grid=1)
    f, d = sampler.problem.media[0, 0, 0], 1.7
    inverse = np.linalg.inv(dense_covariance(sampler, 0, 0))
    precision = f @ inverse @ f + prior_sd(sampler, 0, 0, 0) ** -2
    linear = f @ inverse @ sampler.residual[0, 0]
    told = precision + d**2 / se**2
    mean, sd = (linear + d * lift / se**2) / told, told**-0.5
    with_evidence(sampler, Evidence(0, np.array([[d]]), lift, se))
    sampler._update_channel(0)
    draws = sampler.coef[0, :, 0]
    exact = stats.truncnorm(-mean / sd, np.inf, mean, sd)
    assert_distributed(draws, exact.cdf)
    before = stats.truncnorm(-linear / precision**0.5, np.inf, linear / precision, precision**-0.5)
    # how far the test moved the channel: numerical integration of prior x data x test
    b = np.linspace(0.0, 6.0, 200_001)
    weight = np.exp(before.logpdf(b) - 0.5 * ((lift - b * d) / se) ** 2)
    moved = np.trapezoid(b * weight, b) / np.trapezoid(weight, b) - before.mean()
    error = exact.std() / np.sqrt(len(draws))
    assert draws.mean() - before.mean() == pytest.approx(moved, abs=4 * error)


def joint(sampler, row, b):
    """Density of two geos' coefficients on a grid of points, (G, B, B), unnormalised."""
    p = sampler.problem
    out = np.empty((p.media.shape[2], len(b), len(b)))
    for g in range(len(out)):
        out[g] = p.log_prior[0, g]
        for j in range(2):
            inverse = np.linalg.inv(dense_covariance(sampler, j, 0))
            rest = sampler.residual[j, 0] - b[:, None] * p.media[0, j, g]
            level = sampler.residual[j, 0] @ inverse @ sampler.residual[j, 0]
            each = -0.5 * (np.einsum("bt,ts,bs->b", rest, inverse, rest) - level)
            each += stats.halfnorm.logpdf(b, scale=prior_sd(sampler, 0, j, g))
            out[g] += each[:, None] if j == 0 else each
        effect = row.d[0, g] * b[:, None] + row.d[1, g] * b
        out[g] -= 0.5 * ((row.lift - effect) / row.se) ** 2
    return np.exp(out - out.max()) + 1e-300


@pytest.mark.parametrize("d", [[[1.0, 2.0], [0.5, 0.8]], [[0.7, 0.9], [0.0, 0.0]]])
def test_a_lift_over_geos_gives_the_joint_of_transform_and_coefficients(d):
    """Two geos, two transforms, everything else held, against numerical integration."""
    sampler = channel_sampler(2, n_geos=2, n_channels=1, n_grid=2)
    sampler.residual = 0.3 * sampler.residual + 0.1 * sampler.problem.media[0, :, None, 1]
    row = Evidence(0, np.array(d), lift=0.35, se=0.08)
    b = np.linspace(0.0, 2.5, 601)
    density = joint(sampler, row, b)
    with_evidence(sampler, row)
    for _ in range(60):
        sampler._update_channel(0)
        sampler.lifts.redraw(sampler.rng, sampler.grid, sampler.coef)
    expected = density.sum(axis=(1, 2)) / density.sum()
    assert expected.min() > 0.02
    counts = np.bincount(sampler.grid[:, 0], minlength=2)
    assert stats.chisquare(counts, expected * sampler.k).pvalue > P_VALUE
    assert_distributed(sampler.coef[0, :, 0], cdf_of(np.log(density.sum(axis=(0, 2))), b))
    assert_distributed(sampler.coef[1, :, 0], cdf_of(np.log(density.sum(axis=(0, 1))), b))


def test_parts_sum_to_the_lift_and_split_its_variance():
    d = np.array([[1.0], [3.0], [0.0]])
    lifts = Lifts((Evidence(0, d, lift=2.0, se=0.5),), 50_000)
    np.testing.assert_allclose(lifts.weight[0], [0.25, 0.75])
    coef = np.broadcast_to(np.array([[[0.2]], [[0.4]], [[9.0]]]), (3, 50_000, 1))
    lifts.redraw(np.random.default_rng(1), np.zeros((50_000, 1), dtype=int), coef)
    np.testing.assert_allclose(lifts.part[0].sum(axis=0), 2.0)
    # given their sum: means share the gap 2 - 1.4 by weight, variance is se^2 w (1 - w)
    np.testing.assert_allclose(lifts.part[0].mean(axis=1), [0.35, 1.65], atol=0.005)
    np.testing.assert_allclose(lifts.part[0].std(axis=1), 0.5 * np.sqrt(0.1875), rtol=0.02)


@pytest.mark.parametrize("move", ["alone", "siblings", "swap and ratios"])
def test_a_lift_of_a_pooled_channel_keeps_the_joint(move):
    """The three kinds of draws of pooled channels, each against the density on a grid."""
    sampler = pooled_sampler(25, n_geos=1, n_grid=2)
    row = Evidence(1, np.array([[0.8, 1.5]]), lift=0.12, se=0.03)
    b = np.linspace(0, 1.0, 801)
    a, c = np.meshgrid(b, b, indexing="ij")
    density = np.empty((2, 2, len(b), len(b)))
    for g, h in np.ndindex(2, 2):
        density[g, h] = log_posterior(sampler, 0, (g, h), a, c)
        density[g, h] += sampler.problem.log_prior[0, g] + sampler.problem.log_prior[1, h]
        density[g, h] -= 0.5 * ((row.lift - row.d[0, h] * c) / row.se) ** 2
    density = np.exp(density - density.max()) + 1e-300
    with_evidence(sampler, row)
    pool = sampler.problem.pools[0]
    for _ in range(25):
        sampler._update_member(0, with_siblings=move == "siblings")
        sampler._update_member(1, with_siblings=move == "siblings")
        if move == "swap and ratios":
            total = sampler.total[:, :, 0]
            sampler.residual += sampler._effect(pool.members)
            slope = sampler._slope(pool, total, pool.members).transpose(1, 2, 0)
            known = sampler._known_of(pool)
            moved = sampler._swap_transforms(pool, total, *known, sampler.coef / slope)
            gram, pull, ratio = moved
            scaled = gram * (total**2)[..., None, None]
            ratio = draw_ratios(sampler.rng, ratio, scaled, pull * total[..., None], SPREAD)
            sampler.coef = ratio * sampler._slope(pool, total, pool.members).transpose(1, 2, 0)
            sampler.residual -= sampler._effect(pool.members)
    expected = density.sum(axis=(2, 3)).ravel()
    counts = np.bincount(2 * sampler.grid[:, 0] + sampler.grid[:, 1], minlength=4)
    assert stats.chisquare(counts, N * expected / expected.sum()).pvalue > P_VALUE
    assert_distributed(sampler.coef[0, :, 0], cdf_of(np.log(density.sum(axis=(0, 1, 3))), b))
    assert_distributed(sampler.coef[0, :, 1], cdf_of(np.log(density.sum(axis=(0, 1, 2))), b))


# --- the whole sampler against its own prior (as in test_gibbs_calibration) ----------------------

SE = 0.02


def measured_problem(problem):
    """The problem with a test of its last channel in all geos and one of the first geo alone."""
    d = 3.0 * problem.media[-1].mean(axis=2)  # three average weeks
    alone = np.where(np.arange(len(d))[:, None] == 0, d, 0.0)
    last = len(problem.media) - 1
    rows = (Evidence(last, d, 0.0, SE), Evidence(last, alone, 0.0, 2 * SE))
    return replace(problem, evidence=rows)


def measure(sampler, truth):
    """Give every world lifts of its own, measured with the stated errors."""
    for i, row in enumerate(sampler.lifts.rows):
        effect = truth.coef[:, :, row.channel] * row.d[:, truth.grid[:, row.channel]]
        noise = np.random.default_rng(i).normal(0.0, row.se, WORLDS)
        sampler.lifts.lift[i] = effect.sum(axis=0) + noise
        sampler.lifts.part[i] = sampler.lifts.weight[i][:, None] * sampler.lifts.lift[i]


@pytest.mark.parametrize(
    "problem",
    [
        world_problem_of(2, 2),
        with_geos(world_problem_of(2, 2)),
        with_geos(pooled_problem_of(2, 2)),
    ],
    ids=["geos apart", "geos together", "pooled, geos together"],
)
@pytest.mark.slow
def test_true_values_rank_evenly_among_draws_with_lift_tests(problem, ar1):
    rng = np.random.default_rng(500)
    found = rank_p_values(measured_problem(problem), rng, ar1, prepare=measure)
    assert min(found.values()) > RANK_P_VALUE, found


def test_sweeps_keep_the_prior_with_lift_tests(ar1):
    rng = np.random.default_rng(600)
    problem = measured_problem(world_problem_of(2, 1))
    truth = draw_worlds(problem, rng, ar1)
    sampler = at_truth(problem, truth, rng)
    measure(sampler, truth)
    sampler.lifts.redraw(rng, truth.grid, truth.coef)
    for _ in range(100):
        sampler.sweep()
    scale = SHARE_SCALE * np.sqrt(sampler.tau2 * sampler.lam2[:, 0])
    counts = np.bincount(sampler.grid[:, 0], minlength=4)
    found = {
        "tau": stats.kstest(np.sqrt(sampler.tau2), stats.halfcauchy.cdf),
        "transform": stats.chisquare(counts, WORLDS * np.array([0.4, 0.3, 0.2, 0.1])),
        "first geo": stats.kstest(sampler.shares()[0, :, 0] / scale, stats.halfnorm.cdf),
        "last geo": stats.kstest(sampler.shares()[1, :, 0] / scale, stats.halfnorm.cdf),
    }
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > RANK_P_VALUE, p_values
