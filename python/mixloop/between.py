"""Decays between the steps of the transform grid.

The sampler knows only the decays of the grid. Where the data know a channel's decay better than the
grid's steps, nearly all draws have one and the same, and whatever hangs on the decay (what carries
over the end of a period) has a range of almost nothing around the wrong place. So each kept draw
takes one more step: a decay from its cell, which reaches half-way to the grid's neighbours, by its
probability given all else of the draw. The channel's share of the KPI in every geo stays, so the
priors on shares and what siblings or geos say of each other stay as they are; the coefficient and
the last error follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from mixloop.algebra import TINY
from mixloop.problem import Problem
from mixloop.transforms import TransformGrid

STEPS = 5  # decays of a cell
SHOCK = 4.0  # innovations beyond as many standard deviations say nothing of a decay


def cells(grid: TransformGrid) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest decay of every point's cell, (G,) each.

    Cells end half-way to the kernel's next decay; the outermost reach as far outwards as inwards,
    but not below zero. A kernel with one decay has a cell of nothing.

    Examples
    --------
    >>> two = TransformGrid(("geometric",) * 2, ("hill",) * 2, np.array([0.2, 0.6]),
    ...                     np.ones(2), np.ones(2), np.zeros(2))
    >>> [ends.round(2).tolist() for ends in cells(two)]
    [[0.0, 0.4], [0.4, 0.8]]
    """
    low, high = grid.decay.astype(float), grid.decay.astype(float)
    kernels = np.array(grid.kernel)
    for kernel in set(grid.kernel):
        own = kernels == kernel
        known, place = np.unique(grid.decay[own], return_inverse=True)
        if len(known) == 1:
            continue
        middle = 0.5 * (known[1:] + known[:-1])
        first = max(2.0 * known[0] - middle[0], 0.0)
        last = min(2.0 * known[-1] - middle[-1], 0.5 * (1.0 + known[-1]))
        ends = np.concatenate([[first], middle, [last]])
        low[own], high[own] = ends[place.ravel()], ends[place.ravel() + 1]
    return low, high


def finer(grid: TransformGrid, points: np.ndarray) -> TransformGrid:
    """Return points of a grid with every decay of their cells, the decays moving fastest."""
    low, high = (ends[points] for ends in cells(grid))
    at = (np.arange(STEPS) + 0.5) / STEPS
    decay = low[:, None] + (high - low)[:, None] * at
    again = np.repeat(points, STEPS)
    return replace(
        grid,
        kernel=tuple(grid.kernel[g] for g in again),
        saturation=tuple(grid.saturation[g] for g in again),
        decay=decay.ravel(),
        half=grid.half[again],
        slope=grid.slope[again],
        log_prior=grid.log_prior[again],
        drift=grid.drift[again],
    )


@dataclass(frozen=True)
class Kept:
    """Kept draws of a fit, as in `Posterior`.

    Attributes
    ----------
    points : ndarray of int, (S, C)
        Points of the grid.
    """

    points: np.ndarray
    coef: np.ndarray
    baseline_coef: np.ndarray
    sigma: np.ndarray
    rho: np.ndarray
    last_error: np.ndarray


def _innovations(series: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """Return what is new in every week but the first of AR(1) errors, (S, T - 1)."""
    return series[:, 1:] - rho[:, None] * series[:, :-1]


def _errors(problem: Problem, kept: Kept) -> np.ndarray:
    """Return the errors of every draw, (J, S, T); NaN where the KPI is unknown."""
    values = problem.baseline
    if problem.signed is not None:
        values = np.concatenate([values, problem.signed.values], axis=2)
    out = np.empty((len(problem.y), len(kept.coef), problem.y.shape[1]))
    for j, y in enumerate(problem.y):
        out[j] = y - kept.baseline_coef[:, j] @ values[j].T
        for c in range(kept.coef.shape[2]):
            out[j] -= kept.coef[:, j, c, None] * problem.media[c, j, kept.points[:, c]]
    return out


def between_steps(
    problem: Problem,
    grids: tuple[TransformGrid, ...],
    transformed: Callable[[int, TransformGrid], np.ndarray],
    kept: Kept,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw decays between the grid's steps, channel after channel.

    Channels with evidence of their own keep the grid's: their tests say something of a decay, too.

    Parameters
    ----------
    transformed : callable
        A channel's exposure in the training weeks under every point of a grid, (J, G, T).

    Returns
    -------
    decay : ndarray, (S, C)
    coef : ndarray, (S, J, C)
    last_error : ndarray, (S, J)
    """
    decay = np.stack([grid.decay[kept.points[:, c]] for c, grid in enumerate(grids)], axis=1)
    decay, coef, last_error = decay.astype(float), kept.coef.copy(), kept.last_error.copy()
    error = _errors(problem, kept)
    rows = np.arange(len(coef))
    told = {row.channel for row in problem.evidence}
    usable = []
    for j in range(len(error)):
        new = np.abs(_innovations(error[j], kept.rho[:, j])) / kept.sigma[:, j, None]
        usable.append(new.mean(axis=0) < SHOCK)  # false where unknown, too
    for c, grid in enumerate(grids):
        if c in told:
            continue
        points, which = np.unique(kept.points[:, c], return_inverse=True)
        fine = finer(grid, points)
        media = transformed(c, fine).reshape(len(error), len(points), STEPS, -1)  # (J, U, K, T)
        fit = np.zeros((len(coef), STEPS))
        before, after = [], []
        for j in range(len(error)):
            own = problem.media[c, j, kept.points[:, c]]
            share = coef[:, j, c] * own.mean(axis=1)
            own = own * coef[:, j, c, None]
            new = share[:, None] / np.maximum(media[j].mean(axis=-1), TINY)[which]  # (S, K)
            fit += _log_likelihood(
                error[j] + own, media[j], which, new, kept.rho[:, j], kept.sigma[:, j], usable[j]
            )
            before.append(own)
            after.append(new)
        fit -= fit.max(axis=1, keepdims=True)
        chance = np.exp(fit).cumsum(axis=1)
        pick = (rng.random(len(coef)) * chance[:, -1] > chance.T).sum(axis=0)
        decay[:, c] = fine.decay.reshape(-1, STEPS)[which, pick]
        for j in range(len(error)):
            ran = before[j].any()  # else its prior is all that is known of the coefficient
            coef[:, j, c] = after[j][rows, pick] if ran else coef[:, j, c]
            moved = before[j] - coef[:, j, c, None] * media[j][which, pick]
            error[j] += moved
            last_error[:, j] += moved[:, -1]
    return decay, coef, last_error


def _log_likelihood(
    rest: np.ndarray,
    media: np.ndarray,
    which: np.ndarray,
    coef: np.ndarray,
    rho: np.ndarray,
    sigma: np.ndarray,
    usable: np.ndarray,
) -> np.ndarray:
    """Return the log likelihood of every decay in a geo up to a constant of each draw, (S, K).

    Parameters
    ----------
    rest : ndarray, (S, T)
        What the channel and the errors have to make up.
    media : ndarray, (U, K, T)
    which : ndarray of int, (S,)
        The first index of `media` for each draw.
    coef : ndarray, (S, K)
    usable : ndarray of bool, (T - 1,)
        Weeks that count.
    """
    new = np.where(usable, _innovations(rest, rho), 0.0)
    now, past = media[..., 1:], media[..., :-1]
    # |now - rho past|^2, term by term: the curves are few, the draws many
    squares = [np.einsum("ukt,ukt,t->uk", a, b, usable * 1.0)[which] for a, b in
               ((now, now), (now, past), (past, past))]  # fmt: skip
    rho = rho[:, None]
    size = squares[0] - 2.0 * rho * squares[1] + rho**2 * squares[2]
    meet = np.empty_like(coef)
    for u in range(len(media)):
        at = which == u
        meet[at] = new[at] @ now[u].T - rho[at] * (new[at] @ past[u].T)
    return (coef * meet - 0.5 * coef**2 * size) / sigma[:, None] ** 2
