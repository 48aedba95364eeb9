"""The whole sampler against its own model: parameters from the prior, data from the parameters.

Every chain gets a world of its own, so that hundreds of worlds advance together. Two facts must
then hold, whatever the data:

- ranks of the true values among posterior draws are uniform (Talts et al. 2018, "Validating
  Bayesian inference algorithms with simulation-based calibration");
- chains that start at the true values still hold draws from the prior after any number of sweeps
  (the idea of Geweke 2004, "Getting it right").
"""

import numpy as np
import pytest
from prior import (
    GROUP_SCALE,
    P_VALUE,
    SHARE_SCALE,
    UNKNOWN,
    WORLDS,
    at_truth,
    draw_worlds,
    problem_of,
    quantities,
    rank_p_values,
)
from scipy import stats

from mixloop import gibbs as core

shapes = pytest.mark.parametrize(("n_geos", "n_channels"), [(1, 2), (2, 1)])


def test_the_models_constants_are_those_of_this_test():
    assert (core.SIGMA_PRIOR_SHAPE, core.SIGMA_PRIOR_RATE) == (1.0, 1e-4)
    assert (core.RHO_PRIOR_SD, core.RHO_LIMIT) == (0.4, 0.95)


@shapes
def test_true_values_rank_evenly_among_draws(n_geos, n_channels, ar1):
    rng = np.random.default_rng(100 + n_geos)
    found = rank_p_values(problem_of(n_geos, n_channels), rng, ar1)
    assert min(found.values()) > P_VALUE, found


@shapes
def test_sweeps_keep_the_prior(n_geos, n_channels, ar1):
    rng = np.random.default_rng(200 + n_geos)
    problem = problem_of(n_geos, n_channels)
    truth = draw_worlds(problem, rng, ar1)
    sampler = at_truth(problem, truth, rng)
    for _ in range(100):
        sampler.sweep()
    now = quantities(sampler, sampler.shares())
    half_cauchy = [stats.halfcauchy(scale=scale).cdf for scale in GROUP_SCALE]
    found = {
        "sigma": stats.kstest(now["sigma"], stats.invgamma(1.0, scale=1e-4).cdf),
        "rho": stats.kstest(now["rho"], stats.truncnorm(-2.375, 2.375, scale=0.4).cdf),
        "trend scale": stats.kstest(np.sqrt(now["trend scale"]), half_cauchy[1]),
        "hinge scale": stats.kstest(np.sqrt(now["hinge scale"]), half_cauchy[2]),
        "tau": stats.kstest(np.sqrt(sampler.tau2), stats.halfcauchy.cdf),
        "lam": stats.kstest(np.sqrt(sampler.lam2[:, 0]), stats.halfcauchy.cdf),
        "level": stats.kstest(sampler.baseline_coef[0, :, 0], stats.norm(scale=2.0).cdf),
        "transform": stats.chisquare(
            np.bincount(sampler.grid[:, 0], minlength=4), WORLDS * np.array([0.4, 0.3, 0.2, 0.1])
        ),
    }
    # coefficients over their own prior scale
    trend = sampler.baseline_coef[0, :, 1] / np.sqrt(sampler.group_var[:, 1])
    found["trend"] = stats.kstest(trend, stats.norm.cdf)
    scale = SHARE_SCALE * np.sqrt(sampler.tau2 * sampler.lam2[:, 0])
    found["share"] = stats.kstest(sampler.shares()[-1, :, 0] / scale, stats.halfnorm.cdf)
    # and the error of the week without a KPI over its own spread
    spread = np.sqrt(sampler.sigma2[0] / (1 - sampler.rho[0] ** 2))
    found["unknown"] = stats.kstest(sampler.error[0, :, UNKNOWN] / spread, stats.norm.cdf)
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > P_VALUE, p_values
