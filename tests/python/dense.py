"""Samplers in arbitrary states, and the dense covariances that their shortcuts stand for."""

import numpy as np
from scipy import stats

from mixloop.gibbs import Sampler
from mixloop.problem import Problem

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
