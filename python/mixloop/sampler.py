"""Run the chains of the collapsed Gibbs sampler until they agree, and keep their sweeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np

from mixloop.gibbs import Sampler
from mixloop.pooled import PooledSampler
from mixloop.problem import Problem
from mixloop.transforms import TransformGrid, adstock, adstock_weights, exponential, hill

# Up to this many geos all chains advance together; beyond, pairs of them side by side.
GEOS_OF_ONE_TEAM = 8


@dataclass(frozen=True)
class Chains:
    """Kept states: K chains of N sweeps.

    Attributes
    ----------
    grid : ndarray of int, (K, N, C)
    coef : ndarray, (K, N, J, C)
    share : ndarray, (K, N, J, C)
        Coefficient times the transform's training mean: the average share of the KPI.
    pool_total : ndarray, (K, N, J, Q)
        Each pool's share of the KPI, around which its channels are drawn.
    baseline_coef : ndarray, (K, N, J, P + Q)
        Of the columns with either sign, then of those with a known one.
    sigma, rho, last_error, shock_share : ndarray, (K, N, J)
        The last one is zero where there are no shocks.
    """

    grid: np.ndarray
    coef: np.ndarray
    share: np.ndarray
    pool_total: np.ndarray
    baseline_coef: np.ndarray
    sigma: np.ndarray
    rho: np.ndarray
    last_error: np.ndarray
    shock_share: np.ndarray


def transform_media(
    exposure: np.ndarray,
    grid: TransformGrid,
    carryover_weeks: int,
    years: np.ndarray | None = None,
) -> np.ndarray:
    """Apply every transform of the grid to scaled exposure.

    Parameters
    ----------
    exposure : ndarray, (J, T, C)
        Exposure divided by its training maximum.
    grid : TransformGrid
    carryover_weeks : int
    years : ndarray, (T,), optional
        As in `transforms.years_of_training`; needed where effectiveness drifts.

    Returns
    -------
    ndarray, (C, J, G, T)
    """
    n_geos, n_weeks, n_channels = exposure.shape
    out = np.empty((n_channels, n_geos, len(grid.kernel), n_weeks))
    series = np.moveaxis(exposure, 2, 0)  # (C, J, T)
    shapes = {}
    for g, (kernel, decay) in enumerate(zip(grid.kernel, grid.decay, strict=True)):
        if (kernel, decay) not in shapes:
            weights = adstock_weights(kernel, float(decay), carryover_weeks)
            shapes[kernel, decay] = adstock(series, weights)
        carried, half = shapes[kernel, decay], grid.half[g]
        is_hill = grid.saturation[g] == "hill"
        out[:, :, g] = hill(carried, half, grid.slope[g]) if is_hill else exponential(carried, half)
        if grid.drift[g] and years is not None:
            out[:, :, g] *= np.exp(grid.drift[g] * years)
    return out


def _state(sampler: Sampler) -> Chains:
    """Return the sampler's current state as chains of one sweep."""
    baseline_coef = np.concatenate([sampler.baseline_coef, sampler.signed.coef], axis=2)
    state = {
        "grid": sampler.grid.astype(np.int32),
        "coef": sampler.coef.transpose(1, 0, 2),
        "share": sampler.shares().transpose(1, 0, 2),
        "pool_total": sampler.total.transpose(1, 0, 2),
        "baseline_coef": baseline_coef.transpose(1, 0, 2),
        "sigma": np.sqrt(sampler.sigma2).T,
        "rho": sampler.rho.T,
        "last_error": sampler.error[:, :, -1].T,
        "shock_share": sampler.shocks.share.T if sampler.shocks else np.zeros_like(sampler.rho.T),
    }
    return Chains(**{name: values[:, None].copy() for name, values in state.items()})


def _join(parts: Iterable[Chains], axis: int = 1) -> Chains:
    """Return sweeps one after another, or chains side by side (axis 0)."""
    parts, names = list(parts), [field.name for field in fields(Chains)]
    return Chains(**{n: np.concatenate([getattr(p, n) for p in parts], axis) for n in names})


def _advance(sampler: Sampler, sweeps: int, keep: bool) -> Chains | None:
    """Run a sampler for some sweeps and return them if they are kept."""
    states = []
    for _ in range(sweeps):
        sampler.sweep()
        if keep:
            states.append(_state(sampler))
    return _join(states) if states else None


def _teams(problem: Problem, n_chains: int, rng: np.random.Generator) -> list[Sampler]:
    """Return the samplers that share the chains.

    One for all of them: what a sweep costs beside arithmetic is then paid once. With many geos
    arithmetic is all it costs, and pairs of chains, each with a generator of its own, can run in
    threads side by side. The split depends on the problem only, never on the machine.
    """
    kind = PooledSampler if problem.pools else Sampler
    if problem.y.shape[0] <= GEOS_OF_ONE_TEAM:
        return [kind(problem, n_chains, rng)]
    sizes = [len(team) for team in np.array_split(np.arange(n_chains), n_chains // 2)]
    return [kind(problem, *team) for team in zip(sizes, rng.spawn(len(sizes)), strict=True)]


def run_chains(
    problem: Problem,
    *,
    n_chains: int,
    warmup: int,
    sweeps: int,
    rng: np.random.Generator,
    max_sweeps: int | None = None,
    is_enough: Callable[[Chains], bool] = lambda chains: True,
    threads: int | None = None,
) -> Chains:
    """Run the sampler and keep every sweep after the warm-up.

    Parameters
    ----------
    problem : Problem
    n_chains, warmup, sweeps : int
        K chains; sweeps thrown away and sweeps kept, for each chain.
    rng : numpy.random.Generator
    max_sweeps : int, optional
        While `is_enough` says no to all the sweeps kept so far, as many again follow, up to this
        number for each chain.
    is_enough : callable
        Judges the chains kept so far.
    threads : int, optional
        How many at most run side by side; the draws do not depend on it. By default one for each
        pair of chains with many geos, one otherwise.

    Returns
    -------
    Chains

    Raises
    ------
    ValueError
        When there are too few chains or sweeps to judge convergence.
    """
    if n_chains < 2 or sweeps < 8 or warmup < 0:
        raise ValueError(
            f"need chains >= 2, sweeps >= 8, warmup >= 0; got {n_chains}, {sweeps}, {warmup}"
        )
    teams = _teams(problem, n_chains, rng)
    with ThreadPoolExecutor(threads or len(teams)) as pool:

        def run(count: int, keep: bool) -> list[Chains | None]:
            return list(pool.map(lambda team: _advance(team, count, keep), teams))

        run(warmup, keep=False)
        kept: Chains | None = None
        while kept is None or (
            kept.grid.shape[1] + sweeps <= (max_sweeps or sweeps) and not is_enough(kept)
        ):
            new = _join(run(sweeps, keep=True), axis=0)
            kept = _join([kept, new]) if kept else new
    return kept
