"""What each channel's planned money brings at other amounts: draws over a window of weeks.

The money of a window works in it and, carried over, in the `carryover_weeks` after it. Amounts
change in proportion: every week and geo of a channel's plan is multiplied by one factor, its timing
and its price of media stay. Money before the window is given and carries over into it. After the
window there is none, unless what is known is asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixloop.evaluate import fitted_by_geo
from mixloop.forms import is_multiplicative
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.reach import require_frequency
from mixloop.shapes import Shapes, distinct_shapes
from mixloop.transforms import adstock

WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Window:
    """A run's channels over the weeks of a plan, what comes before and what it carries over into.

    T weeks: L before the window, its H, L after it (L the longest carry-over).

    Attributes
    ----------
    posterior : Posterior
    shapes : tuple of Shapes
    given, planned : ndarray, (J, T, C)
        Exposure outside the window and in it, zero elsewhere.
    in_window : ndarray of bool, (T,)
    spend : ndarray, (C,)
        Money of the window, all geos.
    years : ndarray, (T,)
        As in `Posterior.years`.
    frequency : ndarray, (J, T, C), optional
        Contacts per person, of channels that are modelled on reach; the same at all amounts.
    level : ndarray of float, (J, T, S), optional
        Of a product: the model's KPI at the plan; after the window the mean of its weeks.
    """

    posterior: Posterior
    shapes: tuple[Shapes, ...]
    given: np.ndarray
    planned: np.ndarray
    in_window: np.ndarray
    spend: np.ndarray
    years: np.ndarray
    level: np.ndarray | None = None
    frequency: np.ndarray | None = None


def window_of(
    posterior: Posterior, panel: Panel, in_window: np.ndarray, *, with_later: bool = False
) -> Window:
    """Return a run's channels over some consecutive weeks.

    Parameters
    ----------
    panel : Panel
        Aligned to the run. Weeks before its first one count as zero.
    in_window : ndarray of bool, (T,)
    with_later : bool
        Whether the panel's weeks after the window are given; else they are not looked at.
    """
    lag = posterior.carryover_weeks
    at = np.flatnonzero(in_window)
    first, count = at[0], len(at)
    place = np.arange(first - lag, first + count + lag)  # the panel's index of each week
    inside = (place >= first) & (place < first + count)
    is_known = (place >= 0) & (place < (len(panel.weeks) if with_later else first + count))
    exposure = np.zeros((len(panel.geos), len(place), len(panel.channels)))
    exposure[:, is_known] = panel.exposure[:, place[is_known]]
    frequency = None
    if panel.frequency is not None:
        frequency = np.zeros_like(exposure)
        frequency[:, is_known] = panel.frequency[:, place[is_known]]
    level = None
    if is_multiplicative(posterior):
        fitted = np.stack([part.T for part in fitted_by_geo(posterior, panel, in_window)])
        level = np.zeros((*fitted.shape[:2], len(place)))  # (J, S, T)
        level[..., inside] = fitted
        level[..., lag + count :] = fitted.mean(axis=2, keepdims=True)
    return Window(
        posterior=posterior,
        shapes=distinct_shapes(posterior),
        given=np.where(inside[:, None], 0.0, exposure),
        planned=np.where(inside[:, None], exposure, 0.0),
        in_window=inside,
        spend=panel.spend[:, in_window].sum(axis=(0, 1)),
        years=posterior.years(panel.weeks[first] + WEEK * (place - first)),
        level=level,
        frequency=frequency,
    )


def _lift(window: Window, channel: int, geo: int, factors: np.ndarray) -> np.ndarray:
    """Return what a channel's response changes from the plan at each factor: (U, K, T)."""
    shape = window.shapes[channel]
    scale = window.posterior.exposure_scale[geo, channel]
    kernels = shape.weights  # (V, L + 1)
    parts = [part[geo, :, channel] / scale for part in (window.given, window.planned)]
    if shape.is_reach:  # nothing saturates with more people
        person = shape.per_person(require_frequency(window.frequency)[geo, :, channel])
        planned = shape.carried(parts[1] * person, window.years)
        return (factors - 1.0)[:, None] * planned[:, None]
    given, planned = (adstock(part[None], kernels)[shape.kernel_of] for part in parts)
    all_factors = np.append(factors, 1.0)
    carried = given[:, None] + all_factors[:, None] * planned[:, None]  # (U, K + 1, T)
    height = shape.height(carried) * shape.effectiveness(window.years)[:, None]
    return height[:, :-1] - height[:, -1:]


def effect_changes(window: Window, channel: int, factors: np.ndarray) -> np.ndarray:
    """Return draws of what a channel's money changes at each factor, over the window and after it.

    Parameters
    ----------
    factors : ndarray, (K,)
        Multiples of the plan; 0 is none of it.

    Returns
    -------
    ndarray, (K, S), KPI units, all geos
        Zero where the factor is one. Of a product with the other channels at their plan.
    """
    posterior = window.posterior
    out = np.zeros((len(factors), len(posterior.coef)))
    which = window.shapes[channel].which
    for j in range(len(posterior.geos)):
        coef = posterior.coef[:, j, channel]
        lift = _lift(window, channel, j, factors)
        if window.level is None:
            out += lift.sum(axis=2).T[:, which] * (coef * posterior.kpi_scale[j])
        else:
            log_points = lift[which] * coef[:, None, None]  # (S, K, T)
            out += np.einsum("skt,st->ks", np.expm1(log_points), window.level[j])
    return out


def joint_change(window: Window, factors: Sequence[float]) -> np.ndarray:
    """Return draws of what changes when every channel has its factor.

    Returns
    -------
    ndarray, (2, S), KPI units, all geos
        In the window, and after it.
    """
    posterior = window.posterior
    out = np.zeros((2, len(posterior.coef)))
    for j in range(len(posterior.geos)):
        change = np.zeros((len(posterior.coef), len(window.in_window)))  # (S, T)
        for c in np.flatnonzero(np.asarray(factors) != 1.0):
            lift = _lift(window, c, j, np.array([factors[c]]))[:, 0]
            change += lift[window.shapes[c].which] * posterior.coef[:, j, c, None]
        if window.level is None:
            change *= posterior.kpi_scale[j]
        else:
            change = window.level[j] * np.expm1(change)
        out[0] += change[:, window.in_window].sum(axis=1)
        out[1] += change[:, ~window.in_window].sum(axis=1)
    return out
