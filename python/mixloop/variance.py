"""Actual minus published forecast, split by cause."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from mixloop.allocation import Leaves, leaves_of, spread
from mixloop.contributions import ALL_GEOS
from mixloop.design import group_of
from mixloop.evaluate import (
    DRIVER_TYPES,
    MAIN,
    Components,
    align,
    baseline_of,
    distinct_shapes,
    geo_components,
    hierarchy_components,
    with_baseline,
)
from mixloop.forecast import carried_draws, exposure_paths, with_total
from mixloop.forms import growth, in_log_points, is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import VARIANCE, conform, empty
from mixloop.trust import pooled_components

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


def _split_known(
    posterior: Posterior, ledger: pl.DataFrame, nodes: pl.DataFrame, known: Panel, weeks: np.ndarray
) -> pl.DataFrame:
    """Return the nodes whose part of the plan was published.

    The ledger's leaves of a channel must add up to the channel: older forecasts have no leaves,
    and a leaf may have moved since. Otherwise the channel's children have no rows, nor has any
    other hierarchy that would need them: what is shown of a hierarchy adds up.
    """
    nodes = nodes.filter(pl.col("model_id") == posterior.model_id)
    tree = hierarchy_components(posterior, nodes)
    rows = ledger.filter(pl.col("component_type") == "channel")
    leaves = tuple(leaf for _, leaf in tree.leaves)
    whole, parts = (
        _ledger_array(rows, "planned_value", weeks, known.geos, names)
        for names in (known.channels, leaves)
    )
    lost = []
    for c in {c for c, _ in tree.leaves}:
        own = parts[..., [c == above for above, _ in tree.leaves]]
        planned = np.nan_to_num(whole[..., c])
        together = np.nansum(own, axis=-1)
        if np.isnan(own).all() or not np.allclose(together, planned, rtol=1e-6, atol=1e-9):
            lost.append(known.channels[c])
    needs = nodes.filter(pl.col("leaf_id").is_not_null() & pl.col("channel_id").is_in(lost))
    beside = needs.filter(pl.col("hierarchy_id") != MAIN)["hierarchy_id"].unique().to_list()
    below = needs["node_id"].unique().to_list()
    return nodes.filter(~pl.col("hierarchy_id").is_in(beside) & ~pl.col("node_id").is_in(below))


def _two_splits(
    planned: Panel,
    came: Panel,
    tree: Components,
    ledger: pl.DataFrame,
    leaf_media: pl.DataFrame | None,
    window: np.ndarray,
) -> tuple[Leaves, Leaves]:
    """Return the leaves' media as planned in the window, and as they came."""
    fact = leaves_of(came, tree.leaves, leaf_media)
    rows = ledger.filter(pl.col("component_type") == "channel")
    weeks, geos = planned.weeks[window], planned.geos
    parts = _ledger_array(rows, "planned_value", weeks, geos, fact.ids)
    whole = _ledger_array(rows, "planned_value", weeks, geos, planned.channels)
    is_planned = np.isfinite(whole[..., fact.channel])
    exposure = fact.exposure.copy()
    exposure[:, window] = np.where(is_planned, np.nan_to_num(parts), exposure[:, window])
    return replace(fact, exposure=spread(planned.exposure, exposure, fact.channel)), fact


def _paths(
    panel: Panel, tree: Components, leaves: Leaves, ids: tuple[str, ...], window: np.ndarray
) -> np.ndarray:
    """Return the value of each cause in the window, (J + 1, K, H); NaN for subtotals.

    `ids` are hierarchy nodes, then drivers. The last row sums exposure and averages drivers.
    """
    count = len(tree.ids)
    out = np.empty((len(panel.geos) + 1, len(ids), int(window.sum())))
    out[:, :count] = exposure_paths(panel, tree, leaves, window)
    for k, name in enumerate(ids[count:], start=count):
        values = panel.driver_values[:, window, panel.drivers.index(name)]
        out[:, k] = with_total(values, np.mean)
    return out


def _changes(
    posterior: Posterior,
    planned: tuple[Panel, Leaves],
    came: tuple[Panel, Leaves],
    tree: Components,
    window: np.ndarray,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield for each geo, then for all, what changed and what was forecast, draw by draw.

    The change of every hierarchy node and baseline component from the planned to the actual path,
    (N + B, H, S), and the forecast at the plan without shocks, (H, S). Of a product, every part
    that moved has its share of the change from one path to the other by its log points, so that
    parts that did not move have none: `change in log points x forecast x growth(their sum)`.
    """
    shapes = distinct_shapes(posterior)
    is_product = is_multiplicative(posterior)
    parts_of = in_log_points(posterior) if is_product else posterior
    (plan, plan_leaves), (fact, fact_leaves) = planned, came
    at_plan, at_fact = baseline_of(posterior, plan), baseline_of(posterior, fact)
    additive = with_baseline(tree, at_plan).is_additive.astype(float)
    horizon = (plan.weeks[window] - posterior.last_week).astype(int) // 7
    changes, forecasts = 0.0, 0.0
    for j in range(len(posterior.geos)):
        before = geo_components(parts_of, shapes, plan, at_plan, tree, plan_leaves, j, window)
        after = geo_components(parts_of, shapes, fact, at_fact, tree, fact_leaves, j, window)
        fitted, change = np.tensordot(additive, before, axes=1), after - before
        if is_product:
            fitted = posterior.kpi_scale[j] * np.exp(fitted)
        forecast = fitted + carried_draws(posterior, j, fitted, horizon)
        if is_product:
            change *= forecast * growth(np.tensordot(additive, change, axes=1))
        changes, forecasts = changes + change, forecasts + forecast
        yield change, forecast
    yield changes, forecasts


def variance_rows(
    posterior: Posterior,
    ledger: pl.DataFrame,
    panel: Panel,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
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
        model_id, hierarchy_id, node_id, channel_id, leaf_id.
    leaf_media : DataFrame, optional
        geo, week, leaf_id, spend, exposure of this model; needed when nodes name leaves.

    Returns
    -------
    DataFrame in `schemas.VARIANCE`
        `total` is actual minus published mean. Each channel's variance is its effect on the actual
        minus on the planned path, each driver's its coefficient times actual minus planned value
        (of a product both by `_changes`);
        `unexplained` is the rest, so additive means sum to `total`, and so does every draw. Media
        before the forecast's first week are today's history on both paths. Children of modelled
        channels have their share of the channel's effect on either path; forecasts that were
        published without their plan have no rows for them. Ranges are those of the
        model's parameters; the weekly noise is in `z_score`, the variance over the published
        predictive standard deviation. Weeks whose KPI is missing are left out (in `all` as soon as
        one geo misses it).
    """
    weeks = ledger["week"].unique().sort().to_numpy().astype("datetime64[D]")
    window = np.isin(panel.weeks, weeks) & (panel.weeks > posterior.last_week)
    if not window.any():
        return empty(VARIANCE)
    known = _known_today(posterior, panel)
    planned, came = _two_paths(known, ledger, window)
    weeks = panel.weeks[window]
    tree = hierarchy_components(posterior, _split_known(posterior, ledger, nodes, known, weeks))
    leaves = _two_splits(planned, came, tree, ledger, leaf_media, window)
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
    paths = zip((planned, came), leaves, strict=True)
    for j, (effects, forecast) in enumerate(_changes(posterior, *paths, tree, window)):
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
        parts={
            "is_additive": np.append(additive, [True, False]),
            "allocation": np.append(parts.allocation[moves], [None, None]),
            "hierarchy_id": np.append(np.array(parts.hierarchy, object)[moves], [None, None]),
            "is_pooled": np.append(pooled_components(posterior, parts)[moves], [False, False]),
        },
        values=[
            _paths(side, tree, split, causes, window)
            for side, split in zip((planned, known), leaves, strict=True)
        ],
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
    parts: dict[str, np.ndarray],
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
            **{name: values[:, None] for name, values in parts.items()},
            "planned_value": planned,
            "actual_value": came,
            **range_columns("variance", ranges),
            "z_score": z_score,
            "is_known": np.isfinite(outcome[1])[:, None],
        },
    )
    return conform(frame.filter(pl.col("is_known")).drop("is_known"), VARIANCE)
