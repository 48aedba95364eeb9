"""The whole sampler against its own model: parameters from the prior, data from the parameters.

Every chain gets a world of its own, so that hundreds of worlds advance together. Two facts must
then hold, whatever the data:

- ranks of the true values among posterior draws are uniform (Talts et al. 2018, "Validating
  Bayesian inference algorithms with simulation-based calibration");
- chains that start at the true values still hold draws from the prior after any number of sweeps
  (the idea of Geweke 2004, "Getting it right").
"""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from mixloop import gibbs as core
from mixloop.gibbs import Problem, Sampler

WORLDS = 500
P_VALUE = 1e-3  # seeds are fixed: a failure is a change of the code, not bad luck
RANKS, THIN, WARMUP = 20, 10, 150  # 19 draws of each world, every tenth sweep
GROUP_SCALE = np.array([2.0, 0.1, 0.1])
SHARE_SCALE = 0.06
N_WEEKS = 40
UNKNOWN = 17  # a week without a KPI


@dataclass
class Truth:
    """One draw of everything for each world, with the axes of the sampler; `y` (J, K, T)."""

    tau2: np.ndarray
    lam2: np.ndarray
    grid: np.ndarray
    coef: np.ndarray
    group_var: np.ndarray
    baseline_coef: np.ndarray
    sigma2: np.ndarray
    rho: np.ndarray
    media: np.ndarray
    y: np.ndarray


def problem_of(n_geos, n_channels):
    """Pulsed media under four shapes, level, trend and two hinges."""
    rng = np.random.default_rng(10)
    weeks = np.arange(N_WEEKS)
    pulses = (rng.random((n_channels, n_geos, 1, N_WEEKS)) < 0.5) * rng.uniform(
        0.2, 1, (n_channels, n_geos, 1, N_WEEKS)
    )
    carried = pulses + 0.6 * np.roll(pulses, 1, axis=3)
    shapes = [pulses, pulses / (pulses + 0.3), carried, carried**2 / (carried**2 + 0.4)]
    hinges = [np.maximum(weeks - knot, 0) / 52 for knot in (12, 25)]
    columns = [np.ones(N_WEEKS), np.linspace(-1, 1, N_WEEKS), *hinges]
    y = np.ones((n_geos, N_WEEKS))
    y[0, UNKNOWN] = np.nan
    return Problem(
        y=y,
        media=np.concatenate(shapes, axis=2),
        log_prior=np.log(np.tile([0.4, 0.3, 0.2, 0.1], (n_channels, 1))),
        baseline=np.tile(np.stack(columns, axis=1), (n_geos, 1, 1)),
        group=np.array([0, 1, 2, 2]),
        group_scale=GROUP_SCALE,
        is_fixed=np.array([True, False, False]),
        jumps=np.array([2, 1]),
        share_scale=np.full(n_channels, SHARE_SCALE),
    )


def draw_worlds(problem, rng, ar1):
    """Draw parameters from the prior that the sampler's docstrings state, then data from them."""
    n_channels, n_geos, _, _ = problem.media.shape
    tau = np.abs(rng.standard_cauchy(WORLDS))
    lam = np.abs(rng.standard_cauchy((WORLDS, n_channels)))
    weights = np.exp(problem.log_prior[0])
    grid = rng.choice(4, p=weights, size=(WORLDS, n_channels))
    media = problem.media[np.arange(n_channels), :, grid]  # (K, C, J, T)
    share = np.abs(rng.normal(size=(n_geos, WORLDS, n_channels)))
    share *= SHARE_SCALE * tau[:, None] * lam
    coef = share / media.mean(axis=3).transpose(2, 0, 1)
    scale = np.abs(rng.standard_cauchy((WORLDS, 3))) * GROUP_SCALE
    scale[:, 0] = GROUP_SCALE[0]
    baseline_coef = rng.normal(size=(n_geos, WORLDS, 4)) * scale[:, problem.group]
    sigma2 = stats.invgamma.rvs(1.0, scale=1e-4, size=(n_geos, WORLDS), random_state=rng)
    rho = stats.truncnorm.rvs(
        -0.95 / 0.4, 0.95 / 0.4, scale=0.4, size=(n_geos, WORLDS), random_state=rng
    )
    error = np.empty((n_geos, WORLDS, N_WEEKS))
    for j, k in np.ndindex(n_geos, WORLDS):
        error[j, k] = ar1(rng, rho[j, k], np.sqrt(sigma2[j, k]), (N_WEEKS,))
    effect = np.einsum("jkc,kcjt->jkt", coef, media)
    baseline = np.einsum("jkp,jtp->jkt", baseline_coef, problem.baseline)
    y = baseline + effect + error
    return Truth(tau**2, lam**2, grid, coef, scale**2, baseline_coef, sigma2, rho, effect, y)


def quantities(state, share):
    """What is compared, (K,) each, from a truth or a sampler."""
    out = {
        "sigma": state.sigma2[-1],
        "rho": state.rho[0],
        "trend": state.baseline_coef[0, :, 1],
        "hinge": state.baseline_coef[-1, :, 3],
        "trend scale": state.group_var[:, 1],
        "hinge scale": state.group_var[:, 2],
        "share": share[0, :, 0],
        "share scale": state.tau2 * state.lam2[:, -1],
    }
    return {name: values.copy() for name, values in out.items()}


def share_of(problem, state):
    media = problem.media[np.arange(problem.media.shape[0]), :, state.grid]
    return state.coef * media.mean(axis=3).transpose(2, 0, 1)


shapes = pytest.mark.parametrize(("n_geos", "n_channels"), [(1, 2), (2, 1)])


def test_the_models_constants_are_those_of_this_test():
    assert (core.SIGMA_PRIOR_SHAPE, core.SIGMA_PRIOR_RATE) == (1.0, 1e-4)
    assert (core.RHO_PRIOR_SD, core.RHO_LIMIT) == (0.4, 0.95)


@shapes
def test_true_values_rank_evenly_among_draws(n_geos, n_channels, ar1):
    rng = np.random.default_rng(100 + n_geos)
    problem = problem_of(n_geos, n_channels)
    truth = draw_worlds(problem, rng, ar1)
    sampler = Sampler(problem, WORLDS, rng)
    sampler.residual = truth.y.copy()
    sampler.residual[0, :, UNKNOWN] = 1.0
    true = quantities(truth, share_of(problem, truth))
    ranks = {name: np.zeros(WORLDS) for name in true}
    for sweep in range(WARMUP + (RANKS - 1) * THIN):
        sampler.sweep()
        if sweep >= WARMUP and sweep % THIN == 0:
            for name, drawn in quantities(sampler, sampler.shares()).items():
                ranks[name] += drawn < true[name]
    found = {}
    for name, values in ranks.items():
        counts = np.bincount(values.astype(int), minlength=RANKS)
        assert len(counts) == RANKS
        found[name] = stats.chisquare(counts).pvalue
    assert min(found.values()) > P_VALUE, found


@shapes
def test_sweeps_keep_the_prior(n_geos, n_channels, ar1):
    rng = np.random.default_rng(200 + n_geos)
    problem = problem_of(n_geos, n_channels)
    truth = draw_worlds(problem, rng, ar1)
    sampler = Sampler(problem, WORLDS, rng)
    for name in ("tau2", "lam2", "grid", "coef", "group_var", "sigma2", "rho"):
        setattr(sampler, name, getattr(truth, name).copy())
    sampler.residual = truth.y - truth.media
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
