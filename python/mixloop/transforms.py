"""Carry-over and saturation of media: adstock kernels, saturation curves and the grid of both.

Every shape is a row of one grid, so that a new kernel is a new row and never a second code path.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

KERNELS = ("geometric", "delayed")
SATURATIONS = ("hill", "exponential")
DRIFTS = (-0.4, -0.2, 0.0, 0.2, 0.4)  # yearly change of log effectiveness, where it may change
PEAK_LAG = 2.0  # weeks until a delayed kernel peaks


def adstock_weights(kernel: str, decay: float, carryover_weeks: int) -> np.ndarray:
    """Return the share of an exposure's effect that falls on each lag.

    Parameters
    ----------
    kernel : {"geometric", "delayed"}
        `geometric`: weight proportional to decay^l; `delayed`: to decay^((l - 2)^2), which peaks
        two weeks after the exposure (Jin et al. 2017, "Bayesian methods for media mix modeling
        with carryover and shape effects", equation 2).
    decay : float
        From 0 (no carry-over) to below 1.
    carryover_weeks : int
        L, the longest lag, zero or more.

    Returns
    -------
    ndarray, (L + 1,)
        Weights for lags 0 to L, summing to one.

    Raises
    ------
    ValueError
        When the kernel is unknown, or decay or L is outside its range.

    Examples
    --------
    >>> adstock_weights("geometric", 0.5, 2).round(4).tolist()
    [0.5714, 0.2857, 0.1429]
    """
    if kernel not in KERNELS:
        raise ValueError(f"kernel must be one of {KERNELS}, not {kernel!r}")
    if not 0.0 <= decay < 1.0:
        raise ValueError(f"decay must be in [0, 1), not {decay!r}")
    if carryover_weeks < 0:
        raise ValueError(f"carryover_weeks must be zero or more, not {carryover_weeks!r}")
    lags = np.arange(carryover_weeks + 1, dtype=float)
    power = lags if kernel == "geometric" else (lags - min(PEAK_LAG, carryover_weeks)) ** 2
    weights = np.power(decay, power)
    return weights / weights.sum()


def adstock(exposure: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Spread exposure over the weeks in which it works: `sum_l weights[l] x[t - l]`.

    Parameters
    ----------
    exposure : ndarray, (..., T)
        Weekly exposure; weeks before the first count as zero.
    weights : ndarray, (..., L + 1)
        One kernel, or one for each leading index.

    Returns
    -------
    ndarray, (..., T)

    Examples
    --------
    >>> adstock(np.array([8.0, 0.0, 0.0, 0.0]), np.array([0.5, 0.25, 0.25])).tolist()
    [4.0, 2.0, 2.0, 0.0]
    """
    lags = weights.shape[-1]
    pad = [(0, 0)] * (exposure.ndim - 1) + [(lags - 1, 0)]
    windows = sliding_window_view(np.pad(exposure, pad), lags, axis=-1)  # (..., T, L + 1)
    return np.einsum("...tl,...l->...t", windows, weights[..., ::-1])


def hill(u: np.ndarray, half: np.ndarray | float, slope: np.ndarray | float) -> np.ndarray:
    """Return the saturated response `u^slope / (u^slope + half^slope)`, in [0, 1).

    Parameters
    ----------
    u : ndarray
        Carried-over exposure divided by its training maximum, zero or more.
    half : ndarray or float
        The u at which half of the full effect is reached, above zero.
    slope : ndarray or float
        Steepness, above zero; above 1 the curve is S-shaped.

    Examples
    --------
    >>> hill(np.array([0.0, 0.5, 1.5]), 0.5, 1.0).tolist()
    [0.0, 0.5, 0.75]
    """
    powered = np.power(u, slope)
    return powered / (powered + np.power(half, slope))


def hill_slope(u: np.ndarray, half: np.ndarray | float, slope: np.ndarray | float) -> np.ndarray:
    """Return the derivative of `hill` by u; at u = 0 the limit from the right.

    Where slope is below 1 that limit is infinite; the value at u = 1e-6 stands in for it.

    Examples
    --------
    >>> hill_slope(np.array([0.5]), 0.5, 1.0).tolist()
    [0.5]
    """
    u = np.maximum(u, 1e-6)
    powered, half_powered = np.power(u, slope), np.power(half, slope)
    return slope * half_powered * powered / u / (powered + half_powered) ** 2


def exponential(u: np.ndarray, half: np.ndarray | float) -> np.ndarray:
    """Return the saturated response `1 - 2^(-u / half)`, in [0, 1).

    Examples
    --------
    >>> exponential(np.array([0.0, 0.5, 1.0]), 0.5).tolist()
    [0.0, 0.5, 0.75]
    """
    return -np.expm1(-np.log(2.0) / half * u)


def exponential_slope(u: np.ndarray, half: np.ndarray | float) -> np.ndarray:
    """Return the derivative of `exponential` by u.

    Examples
    --------
    >>> exponential_slope(np.array([0.0, 0.5]), 0.5).round(4).tolist()
    [1.3863, 0.6931]
    """
    rate = np.log(2.0) / half
    return rate * np.exp(-rate * u)


def half_life_weeks(weights: np.ndarray) -> np.ndarray:
    """Return the weeks until half of an exposure's effect has come, interpolated within a week.

    Parameters
    ----------
    weights : ndarray, (..., L + 1)
        Adstock weights, each summing to one. The share of lag l is spread evenly over [l, l + 1).

    Returns
    -------
    ndarray, (...)

    Examples
    --------
    >>> float(half_life_weeks(np.array([0.25, 0.5, 0.25])))
    1.5
    """
    reached = np.cumsum(weights, axis=-1)
    lag = np.argmax(reached >= 0.5, axis=-1)
    at = np.take_along_axis(weights, lag[..., None], axis=-1)[..., 0]
    before = np.take_along_axis(reached, lag[..., None], axis=-1)[..., 0] - at
    return lag + (0.5 - before) / at


def years_of_training(
    weeks: np.ndarray, first_week: np.datetime64, last_week: np.datetime64
) -> np.ndarray:
    """Return the years from the middle of the training window, held at its ends outside: (T,).

    What a channel's effectiveness is beyond the training window no data say, so it stays what it
    was in the nearest week of it.

    Examples
    --------
    >>> first, last = np.datetime64("2024-01-01"), np.datetime64("2024-12-30")
    >>> weeks = np.array(["2023-12-25", "2024-01-01", "2024-07-01", "2025-06-02"], "datetime64[D]")
    >>> years_of_training(weeks, first, last).round(3).tolist()
    [-0.498, -0.498, 0.0, 0.498]
    """
    last = (last_week - first_week).astype("timedelta64[D]").astype(float)
    days = (weeks - first_week).astype("timedelta64[D]").astype(float)
    return (np.clip(days, 0.0, last) - last / 2.0) / 365.25


@dataclass(frozen=True)
class TransformGrid:
    """The finite set of transforms a channel may have, each point with a prior weight.

    Attributes
    ----------
    kernel, saturation : tuple of str, (G,)
        One of `KERNELS` and one of `SATURATIONS`.
    decay, half, slope : ndarray, (G,)
        An exponential curve has no slope; it has 1 there.
    log_prior : ndarray, (G,)
        Log of prior weights that sum to one over the points of each drift.
    drift : ndarray, (G,)
        Yearly change of the log effectiveness: the response of a week is multiplied by
        `exp(drift * years)`, with years as in `years_of_training`. Not given, it is zero.
    """

    kernel: tuple[str, ...]
    saturation: tuple[str, ...]
    decay: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    log_prior: np.ndarray = field(repr=False)
    drift: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Without drift the effectiveness of every transform is constant."""
        if self.drift is None:
            object.__setattr__(self, "drift", np.zeros(len(self.decay)))


def default_grid(*, has_drift: bool = False) -> TransformGrid:
    """Return the default grid: every kernel shape with every saturation curve.

    With drift every transform comes with each of `DRIFTS` as well.

    Decays are spaced by half-life, halves in even ratios from an eighth of the largest week (the
    channel is deep in saturation) to 2.4 times it (nearly linear), slopes from concave to S-shaped.
    Delayed kernels share a quarter of the prior: most media act at once. Curves in the middle weigh
    more than those at the ends, which say that spend hardly matters or that returns hardly
    diminish; among Hill curves a slope of 1 weighs most, and exponential curves have a fifth.
    """
    shapes = [("geometric", decay, 0.75 / 7) for decay in (0.0, 0.15, 0.3, 0.45, 0.6, 0.75, 0.87)]
    shapes += [("delayed", decay, 0.25 / 2) for decay in (0.5, 0.8)]
    halves = {0.12: 1 / 12, 0.25: 2 / 12, 0.45: 3 / 12, 0.8: 3 / 12, 1.4: 2 / 12, 2.4: 1 / 12}
    hills = {0.7: 0.15, 1.0: 0.4, 1.5: 0.3, 2.3: 0.15}
    curves = [("hill", slope, 0.8 * weight) for slope, weight in hills.items()]
    curves += [("exponential", 1.0, 0.2)]
    rows = [
        (kernel, saturation, decay, half, slope, w * weight_of_curve * weight_of_half)
        for (kernel, decay, w), (half, weight_of_half), (saturation, slope, weight_of_curve) in (
            product(shapes, halves.items(), curves)
        )
    ]
    kernel, saturation, decay, half, slope, prior = zip(*rows, strict=True)
    drifts = DRIFTS if has_drift else (0.0,)
    return TransformGrid(
        kernel=kernel * len(drifts),
        saturation=saturation * len(drifts),
        decay=np.tile(decay, len(drifts)),
        half=np.tile(half, len(drifts)),
        slope=np.tile(slope, len(drifts)),
        log_prior=np.tile(np.log(np.array(prior) / sum(prior)), len(drifts)),
        drift=np.repeat(drifts, len(rows)),
    )
