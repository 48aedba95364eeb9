"""How close forecasts came: error measures for points and for whole distributions."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata


def crps_from_draws(draws: np.ndarray, actual: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of a sample of draws.

    Parameters
    ----------
    draws : ndarray, (..., S)
    actual : ndarray, (...)

    Returns
    -------
    ndarray, (...)
        `mean |X - y| - 0.5 mean |X - X'|`, in the unit of the actual; smaller is better. Gneiting
        and Raftery (2007), "Strictly proper scoring rules, prediction, and estimation", equation
        21. The second mean is taken over all pairs of draws by their ranks i = 1 .. S:
        `sum (2 i - S - 1) x_(i) / S^2`, so the cost is that of sorting.

    Examples
    --------
    >>> float(crps_from_draws(np.array([3.0, 1.0]), np.array(2.0)))
    0.5
    """
    ordered = np.sort(draws, axis=-1)
    count = draws.shape[-1]
    rank = 2.0 * np.arange(1, count + 1) - count - 1.0
    spread = ordered @ rank / count**2
    return np.abs(draws - np.asarray(actual)[..., None]).mean(axis=-1) - spread


def crps_normal(mean: np.ndarray, sd: np.ndarray | float, actual: np.ndarray) -> np.ndarray:
    """Return the continuous ranked probability score of a normal forecast.

    `sd (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))`, z = (actual - mean) / sd; Gneiting and
    Raftery (2007), equation 5 with its sign turned.

    Examples
    --------
    >>> round(float(crps_normal(np.array(0.0), 1.0, np.array(0.0))), 4)
    0.2337
    """
    z = (actual - mean) / sd
    return sd * (z * (2.0 * norm.cdf(z) - 1.0) + 2.0 * norm.pdf(z) - 1.0 / np.sqrt(np.pi))


def coverage(low: np.ndarray, high: np.ndarray, actual: np.ndarray) -> float:
    """Return the share of actuals within their range, bounds included; NaN without any."""
    if len(actual) == 0 or np.isnan(low).any():
        return float("nan")
    return float(np.mean((actual >= low) & (actual <= high)))


def point_scores(actual: np.ndarray, forecast: np.ndarray) -> dict[str, float]:
    """Return the error measures of point forecasts.

    Parameters
    ----------
    actual, forecast : ndarray, (T,)
        Without missing values.

    Returns
    -------
    dict
        `r2` (1 - squared error / squared deviation from the mean), `nrmse` (root mean squared
        error / range of the actuals), `mape` (mean |error| / |actual|, over weeks whose actual is
        not zero) and `wmape` (sum |error| / sum |actual|). NaN where a measure is not defined.

    Examples
    --------
    >>> point_scores(np.array([1.0, 3.0]), np.array([2.0, 3.0]))
    {'r2': 0.5, 'nrmse': 0.3535533905932738, 'mape': 0.5, 'wmape': 0.25}
    """
    if len(actual) == 0:
        return dict.fromkeys(("r2", "nrmse", "mape", "wmape"), float("nan"))
    error = np.abs(actual - forecast)
    size = np.abs(actual)

    def ratio(top: float, bottom: float) -> float:
        return float(top / bottom) if bottom > 0 else float("nan")

    nonzero = size > 0
    return {
        "r2": 1.0 - ratio((error**2).sum(), ((actual - actual.mean()) ** 2).sum()),
        "nrmse": ratio(np.sqrt((error**2).mean()), np.ptp(actual)),
        "mape": float((error[nonzero] / size[nonzero]).mean()) if nonzero.any() else float("nan"),
        "wmape": ratio(error.sum(), size.sum()),
    }


def adjusted_r2(r2: float, n_weeks: int, parameters: float) -> float:
    """Return R2 less what so many parameters would explain of pure noise.

    `1 - (1 - R2) (n - 1) / (n - 1 - p)` (Theil 1961), p not counting the level. NaN where the
    weeks are no more than the parameters.

    Examples
    --------
    >>> adjusted_r2(0.5, 11, 5.0)
    0.0
    """
    left = n_weeks - 1.0 - parameters
    return 1.0 - (1.0 - r2) * (n_weeks - 1.0) / left if left > 0 else float("nan")


def durbin_watson(residual: np.ndarray) -> float:
    """Return the Durbin-Watson statistic of weekly residuals, from 0 to 4; 2 is no correlation.

    `sum (e_t - e_(t-1))^2 / sum e_t^2` (Durbin and Watson 1950), about `2 (1 - r)` with r the
    lag-1 autocorrelation.

    Parameters
    ----------
    residual : ndarray, (T,)
        Consecutive weeks, NaN where unknown. Only pairs of known neighbours count: their mean
        squared step over the mean square, times (n - 1) / n, which for a full series is the same.

    Returns
    -------
    float
        NaN without two neighbours, or where every residual is zero.

    Examples
    --------
    >>> durbin_watson(np.array([1.0, -1.0, 1.0, -1.0]))
    3.0
    """
    known = residual[np.isfinite(residual)]
    steps = np.diff(residual)
    steps = steps[np.isfinite(steps)]
    size = (known**2).sum()
    if len(steps) == 0 or not size > 0:
        return float("nan")
    count = len(known)
    return float((steps**2).mean() * (count - 1) / size)


def largest_autocorrelation(residual: np.ndarray, lags: int) -> float:
    """Return the autocorrelation of largest size among the first lags, with its sign.

    `mean e_t e_(t-l) / mean e_t^2`, over the pairs that are known.

    Parameters
    ----------
    residual : ndarray, (T,)
        Consecutive weeks with mean about zero, NaN where unknown.

    Returns
    -------
    float
        NaN where no pair is known, or every residual is zero.

    Examples
    --------
    >>> largest_autocorrelation(np.array([1.0, 0.0, -1.0, 0.0, 1.0]), 2)
    -1.1111111111111112
    """
    size = np.nanmean(residual**2) if np.isfinite(residual).any() else 0.0
    if not size > 0:
        return float("nan")
    found = []
    for lag in range(1, lags + 1):
        pairs = residual[lag:] * residual[:-lag]
        pairs = pairs[np.isfinite(pairs)]
        if len(pairs):
            found.append(float(pairs.mean() / size))
    return max(found, key=abs, default=float("nan"))


def rssd(share_of_spend: np.ndarray, share_of_effect: np.ndarray) -> np.ndarray:
    """Return the distance between where the money went and where the effect came from.

    Root of the sum of squared differences of shares, as Robyn's decomposition distance: 0 where
    every channel's effect is its share of the money, at most the root of two.

    Parameters
    ----------
    share_of_spend : ndarray, (C,)
    share_of_effect : ndarray, (C, ...)

    Examples
    --------
    >>> rssd(np.array([0.5, 0.5]), np.array([0.8, 0.2])).round(4).item()
    0.4243
    """
    spend = share_of_spend.reshape(-1, *(1,) * (share_of_effect.ndim - 1))
    return np.sqrt(((share_of_effect - spend) ** 2).sum(axis=0))


def spread_with_level(residual: np.ndarray, level: np.ndarray) -> float:
    """Return the rank correlation (Spearman's) of the size of errors with the level of the KPI.

    About zero where errors are as large in weak weeks as in strong ones, towards one where they
    grow with the level. Weeks whose residual is NaN are left out; NaN with fewer than three weeks
    or where either never varies.

    Examples
    --------
    >>> spread_with_level(np.array([0.1, -0.2, 0.4, -0.8, np.nan]), np.array([1, 2, 3, 4, 5.0]))
    1.0
    """
    known = np.isfinite(residual)
    if known.sum() < 3:
        return float("nan")
    size, height = rankdata(np.abs(residual[known])), rankdata(level[known])
    size, height = size - size.mean(), height - height.mean()
    scale = np.sqrt((size**2).sum() * (height**2).sum())
    return float((size * height).sum() / scale) if scale > 0 else float("nan")
