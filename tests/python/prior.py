"""Worlds drawn from the sampler's own prior, one for each chain."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from mixloop.gibbs import Sampler
from mixloop.pooled import PooledSampler
from mixloop.pooling import Pool
from mixloop.problem import Problem

WORLDS = 500
P_VALUE = 1e-3  # seeds are fixed: a failure is a change of the code, not bad luck
RANKS, THIN, WARMUP = 20, 10, 150  # 19 draws of each world, every tenth sweep
GROUP_SCALE = np.array([2.0, 0.1, 0.1])
SHARE_SCALE = 0.06
SPREAD = 0.5  # of pooled returns: the truncation at zero matters
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
    total: np.ndarray
    centre: np.ndarray | None = None
    spread: np.ndarray | None = None


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


def pooled_problem_of(n_geos, n_channels):
    """The same, with the first two channels a pool; the second is the first with a little noise."""
    plain = problem_of(n_geos, n_channels)
    media = plain.media.copy()
    noise = np.random.default_rng(11).uniform(0.9, 1.1, size=media[0].shape)
    media[1] = media[0] * noise
    weight = np.array([np.linspace(0.7, 0.6, n_geos), np.linspace(0.3, 0.4, n_geos)])
    return replace(plain, media=media, pools=(Pool(np.array([0, 1]), weight, SPREAD),))


def with_geos(problem):
    """The same, with geos drawn around one centre; they run at different intensities."""
    n_channels, n_geos, _, _ = problem.media.shape
    return replace(
        problem, intensity=np.random.default_rng(12).uniform(0.5, 1.5, size=(n_channels, n_geos))
    )


def draw_around_centres(problem, scale, rng):
    """Draw shares in every geo, relative to what a centre of one means there, and both scales."""
    n_geos = problem.y.shape[0]
    centre = np.abs(rng.normal(size=scale.shape)) * scale
    spread = np.exp(rng.normal(np.log(0.3), 0.7, size=scale.shape))
    ratio = stats.truncnorm.rvs(
        -1 / spread, np.inf, 1.0, spread, size=(n_geos, *scale.shape), random_state=rng
    )
    return centre, spread, centre * ratio


def draw_worlds(problem, rng, ar1):
    """Draw parameters from the prior that the sampler's docstrings state, then data from them."""
    n_channels, n_geos, n_points, n_weeks = problem.media.shape
    tau = np.abs(rng.standard_cauchy(WORLDS))
    pooled = [c for pool in problem.pools for c in pool.members]
    alone = [c for c in range(n_channels) if c not in pooled]
    lam = np.abs(rng.standard_cauchy((WORLDS, len(alone) + len(problem.pools))))
    weights = np.exp(problem.log_prior[0])
    grid = rng.choice(n_points, p=weights / weights.sum(), size=(WORLDS, n_channels))
    media = problem.media[np.arange(n_channels), :, grid]  # (K, C, J, T)
    scale = problem.share_scale[0] * tau[:, None] * lam  # the same for all channels
    scale[:, len(alone) :] *= [len(pool.members) for pool in problem.pools]  # the sum of theirs
    centre = spread = None
    if problem.intensity is None:
        unit = np.abs(rng.normal(size=(n_geos, *scale.shape))) * scale
    else:
        centre, spread, unit = draw_around_centres(problem, scale, rng)
        weight = problem.intensity[alone].T  # (J, n)
        mean = media.mean(axis=3)[:, alone].transpose(2, 0, 1) * weight[:, None]  # (J, K, n)
        unit[:, :, : len(alone)] *= mean / mean.mean(axis=0)
        for q, pool in enumerate(problem.pools):
            weight = (problem.intensity[pool.members] * pool.weight).sum(axis=0)
            unit[:, :, len(alone) + q] *= (weight / weight.mean())[:, None]
    share = np.empty((n_geos, WORLDS, n_channels))
    share[:, :, alone] = unit[:, :, : len(alone)]
    total = unit[:, :, len(alone) :]
    for q, pool in enumerate(problem.pools):
        for c, weight in zip(pool.members, pool.weight, strict=True):
            ratio = stats.truncnorm.rvs(
                -1 / pool.spread, np.inf, 1.0, pool.spread, size=(n_geos, WORLDS), random_state=rng
            )
            share[:, :, c] = weight[:, None] * total[:, :, q] * ratio
    coef = share / media.mean(axis=3).transpose(2, 0, 1)
    n_groups, n_columns = len(problem.group_scale), problem.baseline.shape[2]
    ridge = np.abs(rng.standard_cauchy((WORLDS, n_groups))) * problem.group_scale
    ridge[:, 0] = problem.group_scale[0]
    baseline_coef = rng.normal(size=(n_geos, WORLDS, n_columns)) * ridge[:, problem.group]
    sigma2 = stats.invgamma.rvs(1.0, scale=1e-4, size=(n_geos, WORLDS), random_state=rng)
    rho = stats.truncnorm.rvs(
        -0.95 / 0.4, 0.95 / 0.4, scale=0.4, size=(n_geos, WORLDS), random_state=rng
    )
    error = np.empty((n_geos, WORLDS, n_weeks))
    for j, k in np.ndindex(n_geos, WORLDS):
        error[j, k] = ar1(rng, rho[j, k], np.sqrt(sigma2[j, k]), (n_weeks,))
    effect = np.einsum("jkc,kcjt->jkt", coef, media)
    baseline = np.einsum("jkp,jtp->jkt", baseline_coef, problem.baseline)
    y = baseline + effect + error
    return Truth(
        *(tau**2, lam**2, grid, coef, ridge**2, baseline_coef, sigma2, rho, effect, y, total),
        *(centre, spread),
    )


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
    centres = getattr(state, "geos", None) or state
    if getattr(centres, "centre", None) is not None:
        out |= {"centre": centres.centre[:, 0], "spread": centres.spread[:, 0]}
        out |= {"last centre": centres.centre[:, -1], "last spread": centres.spread[:, -1]}
        out["last share"] = share[-1, :, -1]
    if state.total.shape[2]:
        out["last share"] = share[-1, :, -1]
        out["total"] = state.total[-1, :, 0]
        out["sum"] = share[-1, :, 0] + share[-1, :, 1]
        out["split"] = share[0, :, 0] / (share[0, :, 0] + share[0, :, 1])
    return {name: values.copy() for name, values in out.items()}


def share_of(problem, state):
    media = problem.media[np.arange(problem.media.shape[0]), :, state.grid]
    return state.coef * media.mean(axis=3).transpose(2, 0, 1)


def true_ranks(problem, rng, ar1, prepare=lambda sampler, truth: None, watched=quantities):
    """Each quantity's rank among RANKS - 1 posterior draws of its world: (WORLDS,) each.

    `prepare(sampler, truth)` may hand the sampler more data of each world; `watched(state, shares)`
    names what is compared.
    """
    truth = draw_worlds(problem, rng, ar1)
    sampler = (PooledSampler if problem.pools else Sampler)(problem, WORLDS, rng)
    prepare(sampler, truth)
    sampler.residual = truth.y.copy()
    sampler.residual[0, :, UNKNOWN] = 1.0
    true = watched(truth, share_of(problem, truth))
    ranks = {name: np.zeros(WORLDS, dtype=int) for name in true}
    for sweep in range(WARMUP + (RANKS - 1) * THIN):
        sampler.sweep()
        if sweep >= WARMUP and sweep % THIN == 0:
            for name, drawn in watched(sampler, sampler.shares()).items():
                ranks[name] += drawn < true[name]
    return ranks


def rank_p_values(problem, rng, ar1, prepare=lambda sampler, truth: None):
    """P-value of each quantity for its true values to rank evenly among posterior draws."""
    found = {}
    for name, ranks in true_ranks(problem, rng, ar1, prepare).items():
        counts = np.bincount(ranks, minlength=RANKS)
        assert len(counts) == RANKS
        found[name] = stats.chisquare(counts).pvalue
    return found


def at_truth(problem, truth, rng):
    """A sampler whose chains start at the true values."""
    sampler = (PooledSampler if problem.pools else Sampler)(problem, WORLDS, rng)
    for name in ("tau2", "lam2", "grid", "coef", "group_var", "sigma2", "rho", "total"):
        setattr(sampler, name, getattr(truth, name).copy())
    if sampler.geos is not None:
        sampler.geos.centre, sampler.geos.spread = truth.centre.copy(), truth.spread.copy()
    sampler.residual = truth.y - truth.media
    return sampler
