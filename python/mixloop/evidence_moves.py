"""How far one row of evidence moved every channel of its model.

A row is about one channel, and moves the others with it: what one channel gains in weeks that it
shares with another one, the other one loses. The moves come from the draws that the row's own
comparison already has (`calibration`): the run's own, weighed, or those of the fit without the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mixloop.diagnostics import convergence
from mixloop.importance import range_values, weighted_summary


@dataclass(frozen=True)
class Effects:
    """Draws of every channel's effect over the training weeks.

    Attributes
    ----------
    draws : ndarray, (C, S)
    effective : ndarray, (C,)
        Independent draws that each mean stands on.
    """

    draws: np.ndarray
    effective: np.ndarray


@dataclass(frozen=True)
class Channels:
    """The channels of a model in its training weeks.

    Attributes
    ----------
    names : tuple of str, (C,)
    exposure : ndarray, (J, T, C)
    spend : ndarray, (C,)
    kpi : float
        Sum over all geos and weeks.
    pools : tuple of ndarray of int
        Channels that are drawn together.
    """

    names: tuple[str, ...]
    exposure: np.ndarray
    spend: np.ndarray
    kpi: float
    pools: tuple[np.ndarray, ...] = ()

    def are_siblings(self, one: int, other: int) -> bool:
        """Say whether two channels are in one pool."""
        return one != other and any(one in pool and other in pool for pool in self.pools)


def media_correlation(exposure: np.ndarray, channel: int) -> np.ndarray:
    """Return how alike each channel's media are to those of one channel, (C,), NaN for unknown.

    Parameters
    ----------
    exposure : ndarray, (J, T, C)
        Media of the training weeks. Weeks are compared within geos, geos weigh by their media.
    """
    around = exposure - exposure.mean(axis=1, keepdims=True)
    product = np.einsum("jt,jtc->c", around[:, :, channel], around)
    size = np.sqrt((around**2).sum(axis=(0, 1)))
    with np.errstate(invalid="ignore", divide="ignore"):
        return product / (size[channel] * size)


def effective_draws(effects: np.ndarray, n_chains: int) -> np.ndarray:
    """Return the independent draws that each channel's mean stands on, (C,), from (C, K * N)."""
    draws = np.moveaxis(effects.reshape(len(effects), n_chains, -1), 0, 2)
    _, bulk, _ = convergence(draws)
    return np.clip(np.nan_to_num(bulk, nan=1.0), 1.0, effects.shape[1])


def _correlation(x: np.ndarray, y: np.ndarray) -> float | None:
    """Return the correlation of two series of draws; None where one of them never moves."""
    a, b = x - x.mean(), y - y.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / size if size > 0 else None


def reweighting_error(draws: np.ndarray, weight: np.ndarray, effective: float) -> float:
    """Return the standard error of the weighted mean minus the even mean of the same draws.

    Parameters
    ----------
    draws, weight : ndarray, (S,)
    effective : float
        Independent draws that they are worth.
    """
    even = 1.0 / len(draws)
    gap = weight * (draws - weight @ draws) - even * (draws - draws.mean())
    return float(np.sqrt((gap**2).sum() * len(draws) / effective))


def moves_of_a_row(
    channels: Channels,
    tested: int,
    after: Effects,
    before: Effects,
    weight: np.ndarray,
    tested_effect: np.ndarray,
) -> list[dict[str, Any]]:
    """Return what a row of evidence moved, channel by channel.

    Parameters
    ----------
    channels : Channels
    tested : int
        The channel that the row is about.
    after, before : Effects
        With and without the row; the same object where its draws are only weighed.
    weight : ndarray
        Of the draws before.
    tested_effect : ndarray, (S,)
        Draws of the effect that the row measured, with it.

    Returns
    -------
    list of dict
        Effects before and after; `shift`, the move in standard deviations of before, and
        `shift_error`, how far the sampler's noise moves it; both correlations.
    """
    likeness = media_correlation(channels.exposure, tested)
    even = np.full(after.draws.shape[1], 1.0 / after.draws.shape[1])
    out = []
    for c, channel in enumerate(channels.names):
        mean, sd, levels = weighted_summary(before.draws[c], weight)
        mean_after, sd_after, levels_after = weighted_summary(after.draws[c], even)
        if before is after:
            error = reweighting_error(before.draws[c], weight, before.effective[c])
        else:
            spread = np.array([sd, sd_after])
            worth = np.array([before.effective[c], after.effective[c]])
            error = float(np.sqrt((spread**2 / worth).sum()))
        out.append(
            {"channel_id": channel}
            | range_values("effect_before", mean, levels)
            | range_values("effect_after", mean_after, levels_after)
            | {
                "shift": (mean_after - mean) / sd if sd > 0 else None,
                "shift_error": error / sd if sd > 0 else None,
                "media_correlation": float(likeness[c]) if np.isfinite(likeness[c]) else None,
                "effect_correlation": _correlation(tested_effect, after.draws[c]),
                "is_pool_sibling": channels.are_siblings(tested, c),
                "window_kpi": channels.kpi,
                "window_spend": float(channels.spend[c]),
            }
        )
    return out
