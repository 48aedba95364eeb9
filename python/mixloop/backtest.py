"""Held-out weeks of earlier origins, forecast by the model and by the plain methods."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from mixloop.baselines import PointForecast, ridge_forecast, seasonal_naive
from mixloop.evaluate import align, fitted_by_geo, training_weeks
from mixloop.forecast import expected_kpi, predictive_draws, stable_rng
from mixloop.forms import in_log_points, is_multiplicative
from mixloop.frames import fixed, grid_frame, range_columns, summarise
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

NORMAL_P95 = 1.6448536269514722
METHODS = ("mixloop", "ridge", "seasonal_naive")


def _normal_rows(
    forecast: PointForecast, actual: np.ndarray, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return ranges (T', 4) and CRPS (T',) of a normal forecast, or of a point without `sd`."""
    mean = forecast.mean[keep]
    if not forecast.sd > 0:
        ranges = np.full((len(mean), 4), np.nan)
        ranges[:, 0] = mean
        return ranges, np.abs(mean - actual)
    ranges = fixed(mean) + forecast.sd * NORMAL_P95 * np.array([0.0, -1.0, 0.0, 1.0])
    return ranges, crps_normal(mean, forecast.sd, actual)


def _all_methods(
    posterior: Posterior,
    panel: Panel,
    keep: np.ndarray,
    ranges: np.ndarray,
    crps: np.ndarray,
    horizon: np.ndarray,
) -> pl.DataFrame:
    """Return rows of the model (given) and of the plain methods for the kept weeks.

    Parameters
    ----------
    keep : ndarray of bool, (T,)
    ranges, crps, horizon : ndarray, (T', 4), (T',), (T',)
        The model's forecasts, their scores, and weeks ahead.
    """
    training = training_weeks(posterior, panel)
    outcome = panel.outcome.sum(axis=0)
    actual = outcome[keep]
    ridge = ridge_forecast(panel, posterior.baseline, training)
    naive = seasonal_naive(outcome, training)
    scored = {
        "mixloop": (ranges, crps),
        "ridge": _normal_rows(ridge, actual, keep),
        "seasonal_naive": _normal_rows(naive, actual, keep),
    }
    spread = np.stack([scored[name][0] for name in METHODS])  # (3, T', 4)
    frame = grid_frame(
        {"method": METHODS, "week": panel.weeks[keep]},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "origin_week": posterior.last_week,
            "horizon_weeks": horizon,
            "actual": actual,
            **range_columns("forecast", spread),
            "absolute_error": np.abs(actual - spread[..., 0]),
            "crps": np.stack([scored[name][1] for name in METHODS]),
            "is_in_90_range": (actual >= spread[..., 1]) & (actual <= spread[..., 3]),
        },
    )
    has_range = pl.col("forecast_p05").is_not_null()
    frame = frame.drop_nulls("absolute_error").with_columns(
        pl.when(has_range).then("is_in_90_range").alias("is_in_90_range")
    )
    return conform(frame, BACKTESTS)


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
        Methods mixloop, ridge and seasonal_naive. Weeks whose KPI is missing in a geo are left
        out, and a method's weeks for which it has no forecast. The CRPS of a point forecast is its
        absolute error.
    """
    panel = align(posterior, panel)
    panel = panel.until(posterior.last_week + np.timedelta64(7 * horizon_weeks, "D"))
    after = panel.weeks > posterior.last_week
    if not after.any():
        return empty(BACKTESTS)
    actual = panel.outcome[:, after].sum(axis=0)
    rng = stable_rng(seed, posterior.run_id, "backtest")
    draws = predictive_draws(posterior, panel, rng).sum(axis=1).T  # (H, S)
    ranges = summarise(draws)
    ranges[:, 0] = expected_kpi(posterior, panel).sum(axis=0)
    return _all_methods(
        posterior,
        panel,
        after,
        ranges,
        crps_from_draws(draws, actual),
        np.arange(1, len(actual) + 1),
    )


def in_sample_rows(posterior: Posterior, panel: Panel, *, seed: int) -> pl.DataFrame:
    """Return the same rows as `backtest_rows` for the weeks a run was trained on.

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
    ranges = summarise(draws)
    ranges[:, 0] = fit.mean(axis=1)
    horizon = np.zeros(len(actual), dtype=int)
    return _all_methods(posterior, panel, training, ranges, crps_from_draws(draws, actual), horizon)


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
        Weeks of one model, possibly of several origins.
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
