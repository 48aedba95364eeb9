"""Lift tests and beliefs about returns as rows of the regression.

A test says that moving a channel's spend in some weeks and geos brought the lift l, give or take
the standard error se. The model says `sum_j b_j d_j` of the same weeks, where d_j is what the
curve gives at the actual spend minus what it gives at the counterfactual, in geo j:

    l ~ N(sum_j b_j d_j, se^2).

With one geo this adds `d^2 / se^2` to the precision of b and `d l / se^2` to its linear term, for
every transform at once. With several the lift is split into unknown parts l_j that sum to l,

    l_j ~ N(b_j d_j, se^2 w_j),    sum_j w_j = 1,

which leaves l's distribution as it was, makes every geo the case of one geo, and costs one more
draw a sweep.

Axes as in `gibbs`: J geos, K chains, T weeks, C channels, G grid points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """One measured effect, as the sampler sees it.

    Attributes
    ----------
    channel : int
    d : ndarray, (J, G)
        Effect that a coefficient of one stands for, in the lift's unit; zero in geos that had no
        part in it.
    lift, se : float
        What was measured and its standard error, above zero.
    """

    channel: int
    d: np.ndarray
    lift: float
    se: float


class Lifts:
    """What evidence adds to the channels' updates, and the unknown parts of lifts over geos.

    Without evidence nothing is added and no random number is drawn.

    Parameters
    ----------
    rows : tuple of Evidence
    n_chains : int
    """

    def __init__(self, rows: tuple[Evidence, ...], n_chains: int) -> None:
        # A row whose d is zero says the same about every coefficient.
        self.rows = [row for row in rows if np.any(row.d)]
        size = [np.abs(row.d).mean(axis=1) for row in self.rows]
        self.geos = [np.flatnonzero(each) for each in size]  # that had a part in it
        self.weight = [each[at] / each.sum() for each, at in zip(size, self.geos, strict=True)]
        self.lift = [np.full(n_chains, row.lift) for row in self.rows]
        self.part = [  # (geos, K)
            weight[:, None] * lift for weight, lift in zip(self.weight, self.lift, strict=True)
        ]

    def _of(self, channel: int) -> list[int]:
        """Return the rows about a channel."""
        return [i for i, row in enumerate(self.rows) if row.channel == channel]

    def _variance(self, i: int) -> np.ndarray:
        """Return the variance of each geo's part of a lift: (geos, 1)."""
        return (self.rows[i].se ** 2 * self.weight[i])[:, None]

    def add_precision(self, precision: np.ndarray) -> None:
        """Add to the precision of every coefficient at every transform, in place: (C, J, K, G)."""
        for i, row in enumerate(self.rows):
            known = row.d[self.geos[i]] ** 2 / self._variance(i)
            precision[row.channel, self.geos[i]] += known[:, None, :]

    def add_linear(self, channel: int, linear: np.ndarray) -> None:
        """Add to a channel's linear term at every transform, in place: (J, K, G)."""
        for i in self._of(channel):
            scaled = self.part[i] / self._variance(i)
            linear[self.geos[i]] += scaled[:, :, None] * self.rows[i].d[self.geos[i]][:, None, :]

    def add_ratios(
        self,
        members: np.ndarray,
        grid: np.ndarray,
        slope: np.ndarray,
        gram: np.ndarray,
        pull: np.ndarray,
    ) -> None:
        """Add to what is known of ratios of pooled channels at their transforms, in place.

        Parameters
        ----------
        members : ndarray of int, (n,)
        grid : ndarray of int, (K, C)
        slope : ndarray, (n, J, K)
            Coefficients that ratios of one stand for.
        gram : ndarray, (J, K, n, n)
        pull : ndarray, (J, K, n)
        """
        for n, channel in enumerate(members):
            for i in self._of(int(channel)):
                at = self.geos[i]
                d = self.rows[i].d[at][:, grid[:, channel]] * slope[n, at]  # (geos, K)
                gram[at, :, n, n] += d**2 / self._variance(i)
                pull[at, :, n] += d * self.part[i] / self._variance(i)

    def redraw(self, rng: np.random.Generator, grid: np.ndarray, coef: np.ndarray) -> None:
        """Draw the parts of every lift over several geos, given transforms and coefficients.

        Parameters
        ----------
        grid : ndarray of int, (K, C)
        coef : ndarray, (J, K, C)
        """
        for i, row in enumerate(self.rows):
            at = self.geos[i]
            if len(at) < 2:
                continue
            mean = coef[at, :, row.channel] * row.d[at][:, grid[:, row.channel]]
            drawn = mean + np.sqrt(self._variance(i)) * rng.standard_normal(mean.shape)
            self.part[i] = drawn + self.weight[i][:, None] * (self.lift[i] - drawn.sum(axis=0))
