"""Actual minus published forecast, split by cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from mixloop.contributions import ALL_GEOS
from mixloop.design import group_of
from mixloop.evaluate import (
    DRIVER_TYPES,
    Components,
    align,
    baseline_of,
    distinct_shapes,
    geo_components,
    hierarchy_components,
    with_baseline,
)
from mixloop.forecast import carried_error
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import VARIANCE, conform, empty

NORMAL_90 = 2 * 1.6448536269514722  # standard deviations between the 5% and the 95% quantile


def _ledger_array(
    rows: pl.DataFrame,
    column: str,
    weeks: np.ndarray,
    geos: tuple[str, ...],
    items: tuple[str, ...],
) -> np.ndarray:
    """Spread a column of ledger rows over (geos, weeks, items); NaN where there is no row."""
    rows = rows.filter(
        pl.col("geo").is_in(list(geos)),
        pl.col("component_id").is_in(list(items)),
        pl.col("week").is_between(weeks[0].item(), weeks[-1].item()),
    )
    out = np.full((len(geos), len(weeks), len(items)), np.nan)
    geo = np.array([geos.index(name) for name in rows["geo"]], dtype=int)
    item = np.array([items.index(name) for name in rows["component_id"]], dtype=int)
    week = np.searchsorted(weeks, rows["week"].to_numpy().astype("datetime64[D]"))
    out[geo, week, item] = rows[column].to_numpy()
    return out


def _known_today(posterior: Posterior, panel: Panel) -> Panel:
    """Return the aligned panel; exposure of a channel that it does not have is NaN, not zero."""
    aligned = align(posterior, panel)
    gone = np.array([name not in panel.channels for name in aligned.channels], dtype=bool)
    return replace(aligned, exposure=np.where(gone, np.nan, aligned.exposure))


def _two_paths(known: Panel, ledger: pl.DataFrame, window: np.ndarray) -> tuple[Panel, Panel]:
    """Return the panel as planned in the window, and as it came.

    What the ledger did not plan counts as planned as it came. What today's tables do not know (a
    channel that is no longer modelled, a driver without a value) counts as gone to plan.
    """
    is_channel = pl.col("component_type") == "channel"
    planned, came = {}, {}
    for field, names, rows in (
        ("exposure", known.channels, ledger.filter(is_channel)),
        ("driver_values", known.drivers, ledger.filter(~is_channel)),
    ):
        whole = getattr(known, field)
        fact = whole[:, window]
        plan = _ledger_array(rows, "planned_value", known.weeks[window], known.geos, names)
        planned[field], came[field] = whole.copy(), whole.copy()
        planned[field][:, window] = np.where(np.isnan(plan), fact, plan)
        came[field][:, window] = np.where(np.isnan(fact), plan, fact)
    for side in (planned, came):
        side["exposure"] = np.nan_to_num(side["exposure"])
    return replace(known, **planned), replace(known, **came)


def _paths(panel: Panel, nodes: int, ids: tuple[str, ...], window: np.ndarray) -> np.ndarray:
    """Return the value of each cause in the window, (J + 1, K, H); NaN for subtotals.

    `ids` are hierarchy nodes, then drivers. The last row sums exposure and averages drivers.
    """
    out = np.full((len(panel.geos) + 1, len(ids), int(window.sum())), np.nan)
    for c, name in enumerate(panel.channels):
        values = panel.exposure[:, window, c]
        k = ids.index(name)
        out[:-1, k], out[-1, k] = values, values.sum(axis=0)
    for k, name in enumerate(ids[nodes:], start=nodes):
        values = panel.driver_values[:, window, panel.drivers.index(name)]
        out[:-1, k], out[-1, k] = values, values.mean(axis=0)
    return out


def _changes(
    posterior: Posterior, planned: Panel, came: Panel, tree: Components, window: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each geo, then for all, what changed and what was forecast, draw by draw.

    The change of every hierarchy node and baseline component from the planned to the actual path,
    (N + B, H, S), and the forecast at the plan without shocks, (H, S).
    """
    shapes = distinct_shapes(posterior)
    at_plan, at_fact = baseline_of(posterior, planned), baseline_of(posterior, came)
    additive = with_baseline(tree, at_plan).is_additive.astype(float)
    horizon = (planned.weeks[window] - posterior.last_week).astype(int) // 7
    changes, forecasts = 0.0, 0.0
    for j in range(len(posterior.geos)):
        before = geo_components(posterior, shapes, planned, at_plan, tree, j, window)
        after = geo_components(posterior, shapes, came, at_fact, tree, j, window)
        forecast = np.tensordot(additive, before, axes=1) + carried_error(posterior, j, horizon)
        changes, forecasts = changes + (after - before), forecasts + forecast
        yield after - before, forecast
    yield changes, forecasts


def variance_rows(
    posterior: Posterior, ledger: pl.DataFrame, panel: Panel, nodes: pl.DataFrame
) -> pl.DataFrame:
    """Return the variance of one published forecast, for the weeks that have come since.

    Parameters
    ----------
    posterior : Posterior
        The run that made the forecast.
    ledger : DataFrame
        The forecast as published (`schemas.FORECASTS`), one run and one plan.
    panel : Panel
        Today's history of the model.
    nodes : DataFrame
        model_id, node_id, channel_id, is_leaf_node.

    Returns
    -------
    DataFrame in `schemas.VARIANCE`
        `total` is actual minus published mean. Each channel's variance is its effect on the actual
        minus on the planned path, each driver's its coefficient times actual minus planned value;
        `unexplained` is the rest, so additive means sum to `total`, and so does every draw. Media
        before the forecast's first week are today's history on both paths. Ranges are those of the
        model's parameters; the weekly noise is in `z_score`, the variance over the published
        predictive standard deviation. Weeks whose KPI is missing are left out (in `all` as soon as
        one geo misses it).
    """
    tree = hierarchy_components(posterior, nodes)
    weeks = ledger["week"].unique().sort().to_numpy().astype("datetime64[D]")
    window = np.isin(panel.weeks, weeks) & (panel.weeks > posterior.last_week)
    if not window.any():
        return empty(VARIANCE)
    known = _known_today(posterior, panel)
    planned, came = _two_paths(known, ledger, window)
    weeks = panel.weeks[window]
    parts = with_baseline(tree, baseline_of(posterior, planned))
    moves = np.array([group_of(kind) in ("channel", *DRIVER_TYPES) for kind in parts.types])
    causes = tuple(name for name, moved in zip(parts.ids, moves, strict=True) if moved)
    additive = parts.is_additive[moves]
    geos = (*posterior.geos, ALL_GEOS)
    kpi = ledger.filter(pl.col("component_type") == "kpi")
    mean, low, high = (
        _ledger_array(kpi, f"forecast_{part}", weeks, geos, ("kpi",))[:, :, 0]
        for part in ("mean", "p05", "p95")
    )
    actual = came.outcome[:, window]
    actual = np.concatenate([actual, actual.sum(axis=0, keepdims=True)])
    total = actual - mean
    ranges = np.empty((len(geos), len(causes) + 2, len(weeks), 4))
    for j, (effects, forecast) in enumerate(_changes(posterior, planned, came, tree, window)):
        gap = total[j][:, None] - (forecast - forecast.mean(axis=1, keepdims=True))
        rest = gap - np.tensordot(additive.astype(float), effects[moves], axes=1)
        ranges[j] = summarise(np.concatenate([effects[moves], rest[None], gap[None]]))
        ranges[j, -1, :, 0] = total[j]
        ranges[j, -2, :, 0] = total[j] - ranges[j, :-2, :, 0][additive].sum(axis=0)
    return _variance_frame(
        posterior,
        ledger,
        axes={"geo": geos, "driver_id": (*causes, "unexplained", "total"), "week": weeks},
        types=[kind if kind != "channel" else "spend" for kind in np.array(parts.types)[moves]],
        additive=additive,
        values=[_paths(side, len(tree.ids), causes, window) for side in (planned, known)],
        outcome=[mean, actual],
        spread=(high - low) / NORMAL_90,
        ranges=ranges,
    )


def _variance_frame(
    posterior: Posterior,
    ledger: pl.DataFrame,
    *,
    axes: dict[str, tuple[str, ...] | np.ndarray],
    types: list[str],
    additive: np.ndarray,
    values: list[np.ndarray],
    outcome: list[np.ndarray],
    spread: np.ndarray,
    ranges: np.ndarray,
) -> pl.DataFrame:
    """Lay the arrays (J + 1, K + 2, H) out as rows; weeks without an actual are left out."""
    planned, came = (
        np.concatenate([paths, np.full_like(whole, np.nan)[:, None], whole[:, None]], axis=1)
        for paths, whole in zip(values, outcome, strict=True)
    )
    z_score = np.full(ranges.shape[:-1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        z_score[:, -2:] = ranges[:, -2:, :, 0] / spread[:, None]
    horizon = (axes["week"] - posterior.last_week).astype(int) // 7
    frame = grid_frame(
        axes,
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "plan_id": ledger["plan_id"][0],
            "as_of_week": posterior.last_week,
            "horizon_weeks": horizon,
            "driver_type": np.array([*types, "unexplained", "total"])[:, None],
            "is_additive": np.append(additive, [True, False])[:, None],
            "planned_value": planned,
            "actual_value": came,
            **range_columns("variance", ranges),
            "z_score": z_score,
            "is_known": np.isfinite(outcome[1])[:, None],
        },
    )
    return conform(frame.filter(pl.col("is_known")).drop("is_known"), VARIANCE)
