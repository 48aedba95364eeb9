"""Held-out weeks of earlier origins, forecast by the model and by the plain methods."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import norm

from mixloop.baselines import PointForecast, drift, last_value, ridge_forecast, seasonal_naive
from mixloop.evaluate import align, fitted_by_geo, training_weeks
from mixloop.forecast import expected_kpi, predictive_draws, stable_rng
from mixloop.forms import in_log_points, is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import BACKTESTS, SCORES, conform, empty
from mixloop.scores import (
    coverage,
    crps_from_draws,
    crps_normal,
    durbin_watson,
    point_scores,
)

METHODS = ("mixloop", "ridge", "seasonal_naive", "drift", "last_value")
HORIZONS = (1, 4, 13)  # weeks ahead that scores are given for
COVERED = (50, 80, 90)  # central ranges, in percent
WEEK, SUM = "week", "sum"  # what a row speaks of: its own week, or all weeks from the origin to it


@dataclass(frozen=True)
class _Scored:
    """What one method said about some rows, and how it did.

    Attributes
    ----------
    ranges : ndarray, (N, 4)
        Mean, p05, p50, p95; NaN quantiles of a method without a range.
    crps : ndarray, (N,)
    is_covered : ndarray, (N, 3)
        Whether the actual lies in each of the `COVERED` ranges; of use where there is a range.
    """

    ranges: np.ndarray
    crps: np.ndarray
    is_covered: np.ndarray


def _of_draws(mean: np.ndarray, draws: np.ndarray, actual: np.ndarray) -> _Scored:
    """Score draws (N, S) whose exact mean is known."""
    ranges = summarise(draws)
    ranges[:, 0] = mean
    tails = [(0.5 - share / 200.0, 0.5 + share / 200.0) for share in COVERED]
    low, high = np.moveaxis(np.quantile(draws, tails, axis=1), 1, 0)  # (3, N) each
    is_covered = ((actual >= low) & (actual <= high)).T
    return _Scored(ranges, crps_from_draws(draws, actual), is_covered)


def _of_normal(mean: np.ndarray, sd: np.ndarray, actual: np.ndarray) -> _Scored:
    """Score normal forecasts, where `sd` is not above zero as points."""
    has_range = sd > 0
    spread = np.where(has_range, sd, 1.0)
    ranges = mean[:, None] + spread[:, None] * norm.ppf([0.5, 0.05, 0.5, 0.95])
    ranges[~has_range, 1:] = np.nan
    crps = np.where(has_range, crps_normal(mean, spread, actual), np.abs(mean - actual))
    reach = norm.ppf(0.5 + np.array(COVERED) / 200.0)
    return _Scored(ranges, crps, np.abs(actual - mean)[:, None] <= spread[:, None] * reach)


def _plain_forecasts(
    posterior: Posterior, panel: Panel, training: np.ndarray
) -> dict[str, PointForecast]:
    """Return the forecasts of the methods beside the model, by name."""
    outcome = panel.outcome.sum(axis=0)
    return {
        "ridge": ridge_forecast(panel, posterior.baseline, training),
        "seasonal_naive": seasonal_naive(outcome, training),
        "drift": drift(outcome, training),
        "last_value": last_value(outcome, training),
    }


def _frame(
    posterior: Posterior,
    measure: str,
    weeks: np.ndarray,
    horizon: np.ndarray,
    actual: np.ndarray,
    scored: dict[str, _Scored],
) -> pl.DataFrame:
    """Return rows of all methods for some weeks or sums of weeks; unknown ones are left out."""
    every = [scored[name] for name in METHODS]
    ranges = np.stack([s.ranges for s in every])  # (5, N, 4)
    is_covered = np.stack([s.is_covered for s in every])  # (5, N, 3)
    frame = grid_frame(
        {"method": METHODS, "week": weeks},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "origin_week": posterior.last_week,
            "measure": measure,
            "horizon_weeks": horizon,
            "actual": actual,
            **range_columns("forecast", ranges),
            "absolute_error": np.abs(actual - ranges[..., 0]),
            "crps": np.stack([s.crps for s in every]),
            **{f"is_in_{share}_range": is_covered[..., k] for k, share in enumerate(COVERED)},
            "inputs_hash": np.array(None, dtype=object),
        },
    )
    has_range = pl.col("forecast_p05").is_not_null()
    frame = frame.drop_nulls("absolute_error").with_columns(
        pl.when(has_range).then(name).alias(name)
        for name in (f"is_in_{share}_range" for share in COVERED)
    )
    return conform(frame, BACKTESTS)


def _weekly(
    posterior: Posterior, panel: Panel, keep: np.ndarray, horizon: np.ndarray, model: _Scored
) -> tuple[pl.DataFrame, dict[str, PointForecast]]:
    """Return the rows of single weeks of all methods, and what the plain ones forecast."""
    actual = panel.outcome.sum(axis=0)[keep]
    plain = _plain_forecasts(posterior, panel, training_weeks(posterior, panel))
    scored = {"mixloop": model} | {
        name: _of_normal(f.mean[keep], f.sd[keep], actual) for name, f in plain.items()
    }
    return _frame(posterior, WEEK, panel.weeks[keep], horizon, actual, scored), plain


def _sums(
    posterior: Posterior,
    weeks: np.ndarray,
    actual: np.ndarray,
    model: tuple[np.ndarray, np.ndarray],
    plain: dict[str, PointForecast],
) -> pl.DataFrame:
    """Return the rows of sums over the first 4 and 13 weeks, as far as all of them are known.

    Parameters
    ----------
    weeks, actual : ndarray, (H,)
        The weeks after the origin.
    model : ndarray, (H,) and (H, S)
        Means and draws of the model.
    """
    ends = [h for h in HORIZONS if 1 < h <= len(weeks)]
    if not ends:
        return empty(BACKTESTS)
    mean, draws = model
    total = np.array([actual[:h].sum() for h in ends])
    scored = {
        "mixloop": _of_draws(
            np.array([mean[:h].sum() for h in ends]),
            np.stack([draws[:h].sum(axis=0) for h in ends]),
            total,
        )
    }
    for name, forecast in plain.items():
        ahead = forecast.mean[len(forecast.mean) - len(weeks) :]
        variance = np.array([forecast.covariance[:h, :h].sum() for h in ends])
        sums = np.array([ahead[:h].sum() for h in ends])
        scored[name] = _of_normal(sums, np.sqrt(variance), total)
    last = weeks[np.array(ends) - 1]
    return _frame(posterior, SUM, last, np.array(ends), total, scored)


def backtest_rows(
    posterior: Posterior, panel: Panel, *, horizon_weeks: int, seed: int
) -> pl.DataFrame:
    """Score one backtest run on the weeks after its origin, summed over geos.

    Parameters
    ----------
    panel : Panel
        History through today's last training week: media and drivers after the origin are the
        actual ones, so only the model is judged, not the plan.
    horizon_weeks : int
        Weeks after the origin to score, as far as they have come.

    Returns
    -------
    DataFrame in `schemas.BACKTESTS`
        One row per method and week, and one per method and sum of the first 4 and 13 weeks, whose
        `week` is the last of them. What has a missing KPI in a geo is left out, and what a method
        has no forecast for. The CRPS of a point forecast is its absolute error.
    """
    panel = align(posterior, panel)
    panel = panel.until(posterior.last_week + np.timedelta64(7 * horizon_weeks, "D"))
    after = panel.weeks > posterior.last_week
    if not after.any():
        return empty(BACKTESTS)
    actual = panel.outcome[:, after].sum(axis=0)
    rng = stable_rng(seed, posterior.run_id, "backtest")
    draws = predictive_draws(posterior, panel, rng).sum(axis=1).T  # (H, S)
    mean = expected_kpi(posterior, panel).sum(axis=0)
    horizon = np.arange(1, len(actual) + 1)
    rows, plain = _weekly(posterior, panel, after, horizon, _of_draws(mean, draws, actual))
    return pl.concat([rows, _sums(posterior, panel.weeks[after], actual, (mean, draws), plain)])


def in_sample_rows(posterior: Posterior, panel: Panel, *, seed: int) -> pl.DataFrame:
    """Return the same weekly rows as `backtest_rows` for the weeks a run was trained on.

    The model's range adds to each draw's fit a shock with the long-run spread of its errors,
    `sigma / sqrt(1 - rho^2)`; its mean is the mean fit. Of a product the shock multiplies, and its
    mean is that of a log-normal. Columns as in `schemas.BACKTESTS`, with
    `origin_week` the last training week and `horizon_weeks` zero.
    """
    panel = align(posterior, panel).until(posterior.last_week)
    training = training_weeks(posterior, panel)
    actual = panel.outcome[:, training].sum(axis=0)
    rng = stable_rng(seed, posterior.run_id, "in_sample")
    is_product = is_multiplicative(posterior)
    unit = (in_log_points(posterior) if is_product else posterior).kpi_scale
    sd = posterior.sigma / np.sqrt(1.0 - posterior.rho**2) * unit  # (S, J)
    fit, draws = 0.0, 0.0
    for j, fitted in enumerate(fitted_by_geo(posterior, panel, training)):
        shock = rng.standard_normal(fitted.shape) * sd[:, j]
        fit = fit + (fitted * np.exp(0.5 * sd[:, j] ** 2) if is_product else fitted)
        draws = draws + (fitted * np.exp(shock)) if is_product else draws + fitted + shock
    horizon = np.zeros(len(actual), dtype=int)
    model = _of_draws(fit.mean(axis=1), draws, actual)
    return _weekly(posterior, panel, training, horizon, model)[0]


def _residuals(weeks: pl.Series, error: np.ndarray) -> np.ndarray:
    """Return errors on consecutive weeks from those of sorted weeks, NaN in the gaps between."""
    place = (weeks - weeks[0]).dt.total_days().to_numpy() // 7
    out = np.full(int(place[-1]) + 1, np.nan)
    out[place] = error
    return out


def score_rows(
    rows: pl.DataFrame,
    *,
    run_id: str,
    model_id: str,
    sample: str,
    statistics: Callable[[float], dict[str, float]] | None = None,
) -> pl.DataFrame:
    """Return one row per method with its scores over weekly rows.

    Parameters
    ----------
    rows : DataFrame in `schemas.BACKTESTS`
        Single weeks of one model, possibly of several origins.
    run_id, model_id, sample : str
        Written to every row.
    statistics : callable, optional
        From the model's R2 to its statistics that need the draws; given in sample only.

    Returns
    -------
    DataFrame in `schemas.SCORES`
        `crps` is the mean CRPS over the mean actual; `coverage_90` is null for a method without
        range. `skill` is 1 - CRPS / CRPS of seasonal_naive over the weeks that both forecast;
        null where there is none. `durbin_watson` is in sample only: held-out errors of several
        origins and horizons are no series. What needs a count of parameters or the decomposition is
        null for the methods beside the model.
    """
    out = []
    none = dict.fromkeys(SCORES, None)
    key = ["run_id", "week"]
    naive = rows.filter(pl.col("method") == "seasonal_naive").select(*key, naive_crps="crps")
    for method in METHODS:
        own = rows.filter(pl.col("method") == method).sort(*key)
        if own.is_empty():
            continue
        actual, mean, low, high, crps = (
            own[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
            for name in ("actual", "forecast_mean", "forecast_p05", "forecast_p95", "crps")
        )
        both = own.join(naive, on=key, how="inner", maintain_order="left")
        ours, theirs = both["crps"].to_numpy().sum(), both["naive_crps"].to_numpy().sum()
        points = point_scores(actual, mean)
        if sample == "in_sample":
            points["durbin_watson"] = durbin_watson(_residuals(own["week"], actual - mean))
        if statistics is not None and method == "mixloop":
            points |= statistics(points["r2"])
        out.append(
            none
            | {
                "run_id": run_id,
                "model_id": model_id,
                "method": method,
                "sample": sample,
                "n_weeks": len(own),
                **points,
                "crps": crps.mean() / actual.mean() if actual.mean() > 0 else None,
                "coverage_90": coverage(low, high, actual),
                "skill": 1.0 - ours / theirs if theirs > 0 else None,
            }
        )
    if not out:
        return empty(SCORES)
    frame = pl.DataFrame(out, schema=SCORES)
    return conform(frame.with_columns(pl.col(pl.Float64).fill_nan(None)), SCORES)
