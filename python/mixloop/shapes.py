"""The curves of a run's draws: distinct transforms of each channel, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mixloop.allocation import carried_shares, shares_of
from mixloop.forms import is_multiplicative
from mixloop.posterior import Posterior
from mixloop.reach import REACH_FREQUENCY, of_frequency, require_frequency
from mixloop.transforms import (
    adstock,
    adstock_weights,
    exponential,
    exponential_slope,
    hill,
    hill_slope,
)


@dataclass(frozen=True)
class Shapes:
    """The distinct transforms among the draws of one channel, each computed once.

    U distinct transforms, V distinct adstock kernels, S draws.

    Attributes
    ----------
    weights : ndarray, (V, L + 1)
        Adstock weights, each row summing to one.
    kernel_of : ndarray of int, (U,)
        The kernel of each transform.
    half, slope : ndarray, (U,)
    which : ndarray of int, (S,)
        The transform of each draw.
    is_exponential : ndarray of bool, (U,)
        Curves without a slope; the others are Hill curves.
    drift : ndarray, (U,)
        Yearly change of the log effectiveness.
    today : ndarray, (U,)
        Effectiveness in the last training week, over that in the middle of the training window.
    is_reach : bool
        Whether the channel is modelled on reach and frequency: curves are then of frequency.
    """

    weights: np.ndarray
    kernel_of: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    which: np.ndarray
    is_exponential: np.ndarray
    drift: np.ndarray
    today: np.ndarray
    is_reach: bool = False

    def height(self, u: np.ndarray, frequency: np.ndarray | None = None) -> np.ndarray:
        """Return the response of every transform to carried-over exposure over its scale.

        Parameters
        ----------
        u : ndarray, (1 or U, ...)
        frequency : ndarray, broadcastable to (...), optional
            Contacts per person, of a channel that is modelled on reach.

        Returns
        -------
        ndarray, (U, ...), from 0 to below 1 (of reach, to below u)
        """
        if self.is_reach:
            return u * self.per_person(frequency, u.ndim - 1)
        return self._of_curves(hill, exponential, u)

    def rise(self, u: np.ndarray, frequency: np.ndarray | None = None) -> np.ndarray:
        """Return the derivative of `height` by u, (U, ...)."""
        if self.is_reach:
            flat = self.per_person(frequency, u.ndim - 1)
            return np.broadcast_to(flat, (len(flat), *u.shape[1:]))
        return self._of_curves(hill_slope, exponential_slope, u)

    def per_person(self, frequency: np.ndarray | None, ndim: int | None = None) -> np.ndarray:
        """Return what contacts make of a person reached, (U, ...), with `ndim` axes after U."""
        often = np.asarray(require_frequency(frequency))
        often = often.reshape((1,) * ((ndim or often.ndim) - often.ndim) + often.shape)
        return of_frequency(often, self.half, self.slope, self.is_exponential)

    def _of_curves(self, of_hill: Callable, of_exponential: Callable, u: np.ndarray) -> np.ndarray:
        tail = (-1,) + (1,) * (u.ndim - 1)
        half = self.half.reshape(tail)
        out = of_hill(u, half, self.slope.reshape(tail))
        if self.is_exponential.any():
            at = self.is_exponential
            out[at] = of_exponential(np.broadcast_to(u, out.shape)[at], half[at])
        return out

    def effectiveness(self, years: np.ndarray) -> np.ndarray:
        """Return each transform's multiplier, `years` (T,) after mid-training: (U, T)."""
        return np.exp(self.drift[:, None] * years)

    def saturated(
        self,
        exposure: np.ndarray,
        scale: np.ndarray,
        years: np.ndarray | None = None,
        frequency: np.ndarray | None = None,
    ) -> np.ndarray:
        """Return the saturated response of every transform, times its effectiveness.

        Parameters
        ----------
        exposure : ndarray, (..., T)
        scale : ndarray, broadcastable to (..., T)
            Exposure that counts as 1, above zero.
        years : ndarray, (T,), optional
            From `Posterior.years`; without it effectiveness is that of the middle of training.
        frequency : ndarray, (..., T), optional
            Contacts per person, of a channel that is modelled on reach.

        Returns
        -------
        ndarray, (U, ..., T), from 0 to below the effectiveness
        """
        reached = exposure / scale
        if self.is_reach:
            return self.carried(reached * self.per_person(frequency), years)
        carried = adstock(reached[None], self._kernels(exposure.ndim))
        response = self.height(carried[self.kernel_of])
        return self._drifted(response, years)

    def carried(self, worked: np.ndarray, years: np.ndarray | None) -> np.ndarray:
        """Return what every transform carries over of its own weekly exposure: (U, ..., T)."""
        response = adstock(worked, self._kernels(worked.ndim - 1)[self.kernel_of])
        return self._drifted(response, years)

    def unlimited(self, reach: np.ndarray, scale: np.ndarray, years: np.ndarray) -> np.ndarray:
        """Return the response to reach (..., T) at unlimited frequency, (U, ..., T)."""
        return self.carried(np.broadcast_to(reach / scale, (len(self.half), *reach.shape)), years)

    def leaf_exposure(
        self, exposure: np.ndarray, frequency: np.ndarray | None, whole: np.ndarray | None
    ) -> np.ndarray:
        """Return what each leaf of a channel that is modelled on reach adds in its own week.

        People reached count by their contacts with the leaf, in the proportions that make the
        leaves add up to the channel, whose frequency is that of all of them together.

        Parameters
        ----------
        exposure : ndarray, (n, ..., T)
            People reached by each leaf, adding up to the channel.
        frequency : ndarray, (n, ..., T), optional
            Contacts of a person with the leaf; not given, with the channel.
        whole : ndarray, (..., T)
            Contacts of a person with the channel.

        Returns
        -------
        ndarray, (n, U, ..., T)
        """
        channel = exposure.sum(axis=0) * self.per_person(whole)
        if frequency is None:
            frequency = np.broadcast_to(whole, exposure.shape)
        worked = exposure[:, None] * np.stack([self.per_person(leaf) for leaf in frequency])
        return shares_of(worked) * channel

    def leaf_shares(
        self, exposure: np.ndarray, frequency: np.ndarray | None, whole: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return each leaf's share of what its channel carries over, and where to look it up.

        Parameters
        ----------
        exposure, frequency, whole
            As in `leaf_exposure`; without frequency for channels that are not modelled on reach.

        Returns
        -------
        share : ndarray, (n, V or U, ..., T)
        row_of : ndarray of int, (U,)
            The share's row of each transform.
        """
        if not self.is_reach:
            return carried_shares(exposure, self.weights), self.kernel_of
        worked = self.leaf_exposure(exposure, frequency, whole)
        carried = np.stack([self.carried(leaf, None) for leaf in worked])
        return shares_of(carried), np.arange(len(self.half))

    def _kernels(self, ndim: int) -> np.ndarray:
        """Return the kernels for exposure of `ndim` axes, weeks last: (V, 1, ..., L + 1)."""
        return self.weights.reshape(len(self.weights), *(1,) * (ndim - 1), -1)

    def _drifted(self, response: np.ndarray, years: np.ndarray | None) -> np.ndarray:
        """Multiply a response (U, ..., T), in place, by the effectiveness of its weeks."""
        if years is not None and self.drift.any():
            ones = (1,) * (response.ndim - 2)
            response *= self.effectiveness(years).reshape(-1, *ones, len(years))
        return response


def distinct_shapes(posterior: Posterior) -> tuple[Shapes, ...]:
    """Return the distinct transforms of each channel, (C,)."""
    out = []
    for c in range(len(posterior.channels)):
        names, code = np.unique(posterior.kernel[:, c], return_inverse=True)
        is_exponential = posterior.saturation[:, c] == "exponential"
        curves = (
            *(posterior.half[:, c], posterior.slope[:, c], is_exponential),
            posterior.drift[:, c],
        )
        rows = np.column_stack([code.ravel(), posterior.decay[:, c], *curves])
        shapes, which = np.unique(rows, axis=0, return_inverse=True)
        kernels, kernel_of = np.unique(shapes[:, :2], axis=0, return_inverse=True)
        weights = [
            adstock_weights(str(names[int(code)]), float(decay), posterior.carryover_weeks)
            for code, decay in kernels
        ]
        half, slope, family, drift = shapes[:, 2:].T
        today = np.exp(drift * posterior.years(np.array([posterior.last_week]))[0])
        kernels = (np.array(weights), kernel_of.ravel())
        is_reach = posterior.media_units[c] == REACH_FREQUENCY
        curves = (half, slope, which.ravel(), family > 0, drift, today)
        out.append(Shapes(*kernels, *curves, is_reach))
    return tuple(out)


def full_effect(posterior: Posterior, channel: int) -> np.ndarray:
    """Return a channel's weekly effect at full saturation in KPI units, (S, J).

    Of a product in log points: what they are worth depends on the other parts.
    """
    if is_multiplicative(posterior):
        return posterior.coef[:, :, channel]
    return posterior.coef[:, :, channel] * posterior.kpi_scale
