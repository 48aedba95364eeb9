"""The sampler with geos around one centre against its own model, as in test_gibbs_calibration."""

import numpy as np
import pytest
from prior import (
    P_VALUE,
    WORLDS,
    at_truth,
    draw_worlds,
    pooled_problem_of,
    problem_of,
    quantities,
    rank_p_values,
    with_geos,
)
from scipy import stats

from mixloop import geos as core

problems = pytest.mark.parametrize(
    "problem",
    [with_geos(problem_of(3, 1)), with_geos(pooled_problem_of(2, 2))],
    ids=["alone", "pooled"],
)


def test_the_models_constants_are_those_of_this_test():
    assert (np.log(0.3), 0.7) == core.SPREAD_PRIOR


@problems
def test_true_values_rank_evenly_among_draws(problem, ar1):
    found = rank_p_values(problem, np.random.default_rng(500), ar1)
    assert min(found.values()) > P_VALUE, found


@problems
def test_sweeps_keep_the_prior(problem, ar1):
    rng = np.random.default_rng(600)
    truth = draw_worlds(problem, rng, ar1)
    sampler = at_truth(problem, truth, rng)
    for _ in range(100):
        sampler.sweep()
    now = quantities(sampler, sampler.shares())
    scale = np.sqrt(sampler.tau2 * sampler.lam2[:, -1]) * sampler.unit_scale[-1]
    found = {
        "spread": stats.kstest(np.log(now["spread"]), stats.norm(np.log(0.3), 0.7).cdf),
        "centre": stats.kstest(now["last centre"] / scale, stats.halfnorm.cdf),
        "tau": stats.kstest(np.sqrt(sampler.tau2), stats.halfcauchy.cdf),
        "lam": stats.kstest(np.sqrt(sampler.lam2[:, -1]), stats.halfcauchy.cdf),
        "transform": stats.chisquare(
            np.bincount(sampler.grid[:, 0], minlength=4), WORLDS * np.array([0.4, 0.3, 0.2, 0.1])
        ),
    }
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > P_VALUE, p_values
