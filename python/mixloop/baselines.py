"""The plain methods a run is compared with: three naive ones and a non-negative ridge.

All see the KPI summed over geos. They need no posterior, only a run's baseline columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import toeplitz
from scipy.optimize import nnls
from sklearn.model_selection import TimeSeriesSplit

from mixloop.design import baseline_values, group_of
from mixloop.panel import Panel
from mixloop.posterior import BaselineColumn
from mixloop.transforms import adstock, adstock_weights, hill

SEASON_WEEKS = 52
RIDGE_DECAYS = (0.0, 0.3, 0.6)
RIDGE_HALVES = (0.4, 2.0)  # saturated early, nearly linear
RIDGE_ALPHAS = (0.001, 0.1, 1.0, 10.0, 100.0)
RIDGE_FOLDS = 4
RIDGE_MIN_WEEKS = 30


@dataclass(frozen=True)
class PointForecast:
    """A forecast of the KPI over all geos, week by week.

    Attributes
    ----------
    mean : ndarray, (T,)
        NaN where the method has nothing to say. In training weeks what it would have said one step
        before.
    sd : ndarray, (T,)
        Standard deviation of its normal range; NaN where the method gives no range.
    covariance : ndarray, (H, H)
        Of the errors of the H weeks after the last training week: what the range of a sum of weeks
        is made of. NaN where the method gives no range.
    """

    mean: np.ndarray
    sd: np.ndarray
    covariance: np.ndarray


def _forecast(
    mean: np.ndarray, training: np.ndarray, one_step: float, covariance: np.ndarray
) -> PointForecast:
    """Return a forecast: `one_step` is the spread in training, `covariance` what comes after."""
    sd = np.full(len(mean), one_step)
    after = np.arange(len(mean)) > np.flatnonzero(training)[-1]
    sd[after] = np.sqrt(np.diag(covariance))
    return PointForecast(mean, sd, covariance)


def _steps_ahead(training: np.ndarray, last: int) -> np.ndarray:
    """Return the weeks after training as steps after the last known one: (H,)."""
    return np.arange(np.flatnonzero(training)[-1] + 1, len(training)) - last


def _spread(error: np.ndarray, parameters: int) -> float:
    """Return the standard deviation of known errors, NaN where there are too few."""
    known = error[np.isfinite(error)]
    left = len(known) - parameters
    return float(np.sqrt((known**2).sum() / left)) if left > 0 else float("nan")


def last_value(outcome: np.ndarray, training: np.ndarray) -> PointForecast:
    """Forecast every week by the last known one.

    A random walk: h weeks ahead the standard deviation is `s sqrt(h)`, s the root mean square of
    the changes from week to week in training, and the errors of weeks h and k have covariance
    `s^2 min(h, k)` (Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition,
    sections 5.2 and 5.5).

    Parameters
    ----------
    outcome, training
        As in `seasonal_naive`. Weeks are counted from the last known one.

    Examples
    --------
    >>> y = np.array([1.0, 3.0, 1.0, np.nan, np.nan])
    >>> naive = last_value(y, np.arange(5) < 3)
    >>> naive.mean[3:].tolist(), naive.sd.round(3).tolist()
    ([1.0, 1.0], [2.0, 2.0, 2.0, 2.0, 2.828])
    """
    seen = np.where(training, outcome, np.nan)
    mean = np.append(np.nan, seen[:-1])
    known = np.flatnonzero(np.isfinite(seen))
    if len(known) == 0:
        return _without_range(mean, training)
    one_step = _spread(seen - mean, 0)
    steps = _steps_ahead(training, known[-1])
    mean[len(mean) - len(steps) :] = seen[known[-1]]
    return _forecast(mean, training, one_step, one_step**2 * np.minimum.outer(steps, steps))


def drift(outcome: np.ndarray, training: np.ndarray) -> PointForecast:
    """Forecast by the line through the first and the last known week.

    A random walk with drift: h weeks ahead the standard deviation is `s sqrt(h (1 + h / n))`, n the
    weeks between first and last, s the standard deviation of the changes around their mean; the
    errors of weeks h and k have covariance `s^2 (min(h, k) + h k / n)`, the second part because
    they share the error of the slope. Same source as `last_value`.

    Parameters
    ----------
    outcome, training
        As in `seasonal_naive`.

    Examples
    --------
    >>> y = np.array([1.0, 4.0, 5.0, np.nan])
    >>> line = drift(y, np.arange(4) < 3)
    >>> float(line.mean[3]), float(line.sd[3].round(3))
    (7.0, 1.732)
    """
    seen = np.where(training, outcome, np.nan)
    mean = np.append(np.nan, seen[:-1])
    known = np.flatnonzero(np.isfinite(seen))
    if len(known) < 2:
        return _without_range(np.full(len(mean), np.nan), training)
    count = known[-1] - known[0]
    slope = (seen[known[-1]] - seen[known[0]]) / count
    mean += slope
    one_step = _spread(seen - mean, 1)
    steps = _steps_ahead(training, known[-1])
    mean[len(mean) - len(steps) :] = seen[known[-1]] + slope * steps
    together = np.minimum.outer(steps, steps) + np.outer(steps, steps) / count
    return _forecast(mean, training, one_step, one_step**2 * together)


def _without_range(mean: np.ndarray, training: np.ndarray) -> PointForecast:
    """Return a forecast whose spread is unknown."""
    count = len(training) - 1 - np.flatnonzero(training)[-1]
    return PointForecast(mean, np.full(len(mean), np.nan), np.full((count, count), np.nan))


def seasonal_naive(outcome: np.ndarray, training: np.ndarray) -> PointForecast:
    """Forecast each week by the value 52 weeks before it.

    Parameters
    ----------
    outcome : ndarray, (T,)
        KPI of consecutive weeks; NaN where missing.
    training : ndarray of bool, (T,)
        Weeks the method may see; others are never read.

    Returns
    -------
    PointForecast
        `sd` is the root mean square of the method's errors in training; their autocovariances
        (sums of products over the number of errors) say how errors of near weeks go together.

    Examples
    --------
    >>> y = np.append(np.arange(52.0), [5.0, 9.0])
    >>> naive = seasonal_naive(y, np.arange(54) < 53)
    >>> naive.mean[52:].tolist(), naive.sd[52:].tolist()
    ([0.0, 1.0], [5.0, 5.0])
    """
    seen = np.where(training, outcome, np.nan)
    mean = np.full(len(outcome), np.nan)
    mean[SEASON_WEEKS:] = seen[:-SEASON_WEEKS]
    error = seen - mean
    count = np.isfinite(error).sum()
    if count == 0:
        return _without_range(mean, training)
    error = np.nan_to_num(error)
    ahead = len(_steps_ahead(training, 0))
    lagged = [(error[lag:] * error[: len(error) - lag]).sum() / count for lag in range(ahead)]
    return _forecast(mean, training, _spread(seen - mean, 0), toeplitz(lagged or [0.0])[:ahead])


def nonnegative_ridge(
    media: np.ndarray, free: np.ndarray, y: np.ndarray, alpha: float
) -> tuple[float, np.ndarray]:
    """Fit a ridge whose media coefficients may not be negative.

    Minimises `|y - a - X b|^2 + alpha |b|^2` over X = (media, free), as non-negative least squares
    (Lawson and Hanson 1974) with the free columns entered with both signs and the penalty as extra
    rows: the same problem as scikit-learn's `Ridge(positive=True)`, solved exactly.

    Parameters
    ----------
    media : ndarray, (T, C)
    free : ndarray, (T, P)
    y : ndarray, (T,)
    alpha : float
        Penalty, above zero. Columns should be on one scale; the intercept is not penalised.

    Returns
    -------
    intercept : float
    coef : ndarray, (C + P,)
        Of the media, then of the free columns.
    """
    X = np.hstack([media, free])
    centers = X.mean(axis=0)
    signed = np.hstack([X - centers, centers[media.shape[1] :] - free])
    rows = np.vstack([signed, np.sqrt(alpha) * np.eye(signed.shape[1])])
    weights, _ = nnls(rows, np.append(y - y.mean(), np.zeros(signed.shape[1])))
    coef = weights[: X.shape[1]].copy()
    coef[media.shape[1] :] -= weights[X.shape[1] :]
    return float(y.mean() - centers @ coef), coef


def _fit_predict(
    media: np.ndarray, free: np.ndarray, y: np.ndarray, rows: np.ndarray, alpha: float
) -> np.ndarray:
    """Fit on some rows, predict all: (T,). Columns are scaled by their spread in those rows."""
    scaled = []
    for block in (media, free):
        spread = block[rows].std(axis=0)
        scaled.append(block / np.where(spread > 1e-12, spread, np.inf))
    intercept, coef = nonnegative_ridge(scaled[0][rows], scaled[1][rows], y[rows], alpha)
    return intercept + np.hstack(scaled) @ coef


def ridge_forecast(
    panel: Panel, columns: tuple[BaselineColumn, ...], training: np.ndarray
) -> PointForecast:
    """Forecast by a national ridge with non-negative media.

    Media (summed over geos) pass a geometric adstock and a Hill curve with slope 1, one pair of
    settings for all channels; the baseline is the run's trend, seasons and drivers (averaged over
    geos), without changes of trend. Adstock, saturation and penalty are chosen together by
    scikit-learn's `TimeSeriesSplit` in four folds: the smallest squared error ahead counts, the
    first of equals.

    Parameters
    ----------
    panel : Panel
        Aligned to the run; media lead-in included.
    columns : tuple of BaselineColumn
        The run's baseline.
    training : ndarray of bool, (T,)
        Weeks whose KPI may be seen.

    Returns
    -------
    PointForecast
        Fitted values in training, forecasts after it with media and drivers as in the panel;
        without range. All NaN with fewer than 30 known training weeks, too few for four folds.
    """
    outcome = panel.outcome.sum(axis=0)
    rows = np.flatnonzero(training & np.isfinite(outcome))
    prediction = np.full(len(outcome), np.nan)
    if len(rows) < RIDGE_MIN_WEEKS:
        return _without_range(prediction, training)
    used = tuple(c for c in columns if group_of(c.name) not in ("level", "hinge"))
    first = panel.weeks[training][0]
    free = baseline_values(used, panel.weeks, first, panel.drivers, panel.driver_values)
    free = free.mean(axis=0)
    after = panel.weeks >= first  # drivers of the lead-in are not known
    free = np.where(after[:, None], free, 0.0)
    exposure = panel.exposure.sum(axis=0)
    folds = [(rows[fit], rows[held]) for fit, held in TimeSeriesSplit(RIDGE_FOLDS).split(rows)]

    best, best_error = None, np.inf
    for decay, half in product(RIDGE_DECAYS, RIDGE_HALVES):
        carried = adstock(exposure.T, adstock_weights("geometric", decay, 12)).T
        top = carried[rows].max(axis=0)
        media = hill(carried / np.where(top > 0, top, 1.0), half, 1.0)
        for alpha in RIDGE_ALPHAS:
            error = sum(
                ((_fit_predict(media, free, outcome, fit, alpha) - outcome)[held] ** 2).sum()
                for fit, held in folds
            )
            if error < best_error:
                best, best_error = (media, alpha), error
    media, alpha = best
    prediction[after] = _fit_predict(media, free, outcome, rows, alpha)[after]
    return _without_range(prediction, training)
