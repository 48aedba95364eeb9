"""Misses on one side: a sign test, week by week as forecasts come true, channel by channel.

A week's miss is what the KPI did beyond the forecast at the media and the context that came. Under
the model it is an AR(1), `e_t = rho e_(t-1) + sigma z_t`, so `u_t = e_t - rho e_(t-1)` is new
every week. It is attributed by how far each channel's carried-over media was from its training
mean: the weeks push the channel's coefficient by `S^-1 d_t u_t`, d_t the deviations (also with
rho times the week before taken away), S their covariance in training. A model that is right is
pushed either way with equal chances, and independently from block to block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np

RIDGE = 0.1  # of each variance, added to S: channels that move together share what they missed


@dataclass(frozen=True)
class Pushes:
    """Which way the weeks after training pushed each channel of one run.

    Attributes
    ----------
    weeks : ndarray of int, (n,), increasing
    total : ndarray, (n,)
        New misses u_t, KPI units.
    by_channel : ndarray, (n, C)
        Pushes of the coefficients; NaN for a channel that never varied in training.
    """

    weeks: np.ndarray
    total: np.ndarray
    by_channel: np.ndarray


def new_misses(weeks: np.ndarray, misses: np.ndarray, rho: float, last_week: int) -> np.ndarray:
    """Return `e_t - rho e_(t-1)`, NaN where the week before is not known.

    Parameters
    ----------
    weeks : ndarray of int, (n,), increasing
    misses : ndarray, (n,)
    rho : float
    last_week : int
        Last training week, whose error the forecast knew.

    Examples
    --------
    >>> new_misses(np.array([5, 6, 8]), np.array([2.0, 3.0, 1.0]), 0.5, 4).tolist()
    [2.0, 2.0, nan]
    """
    out = np.full(len(weeks), np.nan)
    before = {int(week): float(miss) for week, miss in zip(weeks, misses, strict=True)}
    before[last_week] = 0.0
    for i, (week, miss) in enumerate(zip(weeks, misses, strict=True)):
        if int(week) - 1 in before:
            out[i] = miss - rho * before[int(week) - 1]
    return out


def pushes(
    weeks: np.ndarray,
    misses: np.ndarray,
    rho: float,
    carried: np.ndarray,
    training: np.ndarray,
) -> Pushes:
    """Attribute a run's misses to its channels.

    Parameters
    ----------
    weeks : ndarray of int, (n,), increasing
        Weeks after training with a miss, as positions in `carried`.
    misses : ndarray, (n,)
    rho : float
        Autocorrelation of the run's errors.
    carried : ndarray, (T, C)
        Carried-over exposure of every week from the first on.
    training : ndarray of int
        Positions of the training weeks.
    """
    fresh = new_misses(weeks, misses, rho, int(training[-1]))
    known = np.isfinite(fresh)
    weeks, fresh = weeks[known], fresh[known]
    mean, spread = carried[training].mean(axis=0), carried[training].std(axis=0)
    varies = spread > 1e-9 * np.maximum(np.abs(mean), 1e-300)
    deviation = (carried - mean) / np.where(varies, spread, 1.0)
    moved = deviation[1:] - rho * deviation[:-1]
    moved = np.vstack([deviation[:1], moved])[:, varies]
    inside = moved[training]
    covariance = inside.T @ inside / len(inside)
    covariance += RIDGE * np.diag(np.diag(covariance))
    by_channel = np.full((len(weeks), carried.shape[1]), np.nan)
    if varies.any() and len(weeks):
        towards = np.linalg.solve(covariance, (moved[weeks] * fresh[:, None]).T)
        by_channel[:, varies] = towards.T
    return Pushes(weeks, fresh, by_channel)


def block_sums(values: np.ndarray, length: int, most: int) -> np.ndarray:
    """Sum consecutive values in blocks, from the newest backwards, at most `most` blocks.

    What is left over at the old end is dropped; the oldest block comes first.

    Examples
    --------
    >>> block_sums(np.arange(7.0), 2, 2).tolist()
    [7.0, 11.0]
    """
    n_blocks = min(len(values) // length, most)
    kept = values[len(values) - n_blocks * length :]
    return kept.reshape(n_blocks, length, *values.shape[1:]).sum(axis=1)


@cache
def two_sided(n_same: int, n: int) -> float:
    """Return the chance that at least `n_same` of n fair signs are on one side, whichever.

    Examples
    --------
    >>> two_sided(8, 8), two_sided(2, 4)
    (0.0078125, 1.0)
    """
    return min(1.0, 2.0 * sum(comb(n, k) for k in range(n_same, n + 1)) / 2.0**n)


@cache
def needed_on_one_side(n: int, level: float) -> int | None:
    """Return how many of n signs must agree for a two-sided p-value of at most `level`.

    The exact binomial with chance one half; None where even n of n would not do.

    Examples
    --------
    >>> needed_on_one_side(8, 0.01), needed_on_one_side(7, 0.01), needed_on_one_side(18, 0.01)
    (8, None, 15)
    """
    for k in range(n // 2 + 1, n + 1):
        if two_sided(k, n) <= level:
            return k
    return None


@dataclass(frozen=True)
class SignTest:
    """What the signs of one series say.

    Attributes
    ----------
    n : int
        Observations.
    n_same : int
        On the side where most of them are.
    direction : int
        1: more came than expected, -1: less, 0: neither.
    p_value : float
        Two-sided, exact; 1 without observations.
    needed : int or None
        Observations on one side from which it is called.
    """

    n: int
    n_same: int
    direction: int
    p_value: float
    needed: int | None

    @property
    def is_called(self) -> bool:
        """Whether the misses are on one side more often than chance allows."""
        return self.needed is not None and self.n_same >= self.needed


def sign_test(values: np.ndarray, level: float, *, least: int) -> SignTest:
    """Test whether values are on both sides of zero with equal chances.

    Parameters
    ----------
    values : ndarray
        Zeros and NaN are left out.
    level : float
        Largest p-value that is called.
    least : int
        Fewer observations are never called.
    """
    signs = np.sign(values[np.isfinite(values) & (values != 0)])
    n, above = len(signs), int((signs > 0).sum())
    n_same = max(above, n - above)
    p_value = two_sided(n_same, n) if n else 1.0
    needed = needed_on_one_side(n, level) if n >= least else None
    return SignTest(n, n_same, int(np.sign(2 * above - n)), p_value, needed)
