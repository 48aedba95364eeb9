"""The sampler with a pool against its own prior, as in test_gibbs_calibration."""

import numpy as np
import pytest
from prior import (
    P_VALUE,
    SHARE_SCALE,
    SPREAD,
    at_truth,
    draw_worlds,
    pooled_problem_of,
    rank_p_values,
)
from scipy import stats

shapes = pytest.mark.parametrize(("n_geos", "n_channels"), [(1, 3), (2, 2)])


@shapes
@pytest.mark.slow
def test_true_values_rank_evenly_among_draws(n_geos, n_channels, ar1):
    rng = np.random.default_rng(300 + n_geos)
    found = rank_p_values(pooled_problem_of(n_geos, n_channels), rng, ar1)
    assert {"total", "sum", "split", "share scale"} < set(found)
    assert min(found.values()) > P_VALUE, found


@shapes
def test_sweeps_keep_the_prior(n_geos, n_channels, ar1):
    rng = np.random.default_rng(400 + n_geos)
    problem = pooled_problem_of(n_geos, n_channels)
    truth = draw_worlds(problem, rng, ar1)
    sampler = at_truth(problem, truth, rng)
    for _ in range(100):
        sampler.sweep()
    total, share = sampler.total[:, :, 0], sampler.shares()
    scale = 2 * SHARE_SCALE * np.sqrt(sampler.tau2 * sampler.lam2[:, -1])
    ratio = stats.truncnorm(-1 / SPREAD, np.inf, loc=1.0, scale=SPREAD)
    weight = problem.pools[0].weight
    found = {
        "tau": stats.kstest(np.sqrt(sampler.tau2), stats.halfcauchy.cdf),
        "lam": stats.kstest(np.sqrt(sampler.lam2[:, -1]), stats.halfcauchy.cdf),
        "total": stats.kstest(total[-1] / scale, stats.halfnorm.cdf),
        "first": stats.kstest(share[-1, :, 0] / (weight[0, -1] * total[-1]), ratio.cdf),
        "second": stats.kstest(share[0, :, 1] / (weight[1, 0] * total[0]), ratio.cdf),
    }
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > P_VALUE, p_values
