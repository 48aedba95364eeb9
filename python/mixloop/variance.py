"""Actual minus published forecast, split by cause: the rows of the variance bridge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl

from mixloop.bridge.changes import Changes, changes_by_geo, noise_variance, rows_of
from mixloop.bridge.layout import CAUSES, KPI, Bridge, Sums, laid_out
from mixloop.bridge.periods import periods_of
from mixloop.bridge.record import Record
from mixloop.bridge.states import ledger_array, states_of
from mixloop.contributions import ALL_GEOS
from mixloop.evaluate import MAIN, baseline_of, hierarchy_components, with_baseline
from mixloop.forecast import exposure_paths, with_total
from mixloop.frames import NORMAL_90, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import VARIANCE, conform, empty


def _split_known(
    posterior: Posterior, ledger: pl.DataFrame, nodes: pl.DataFrame, weeks: np.ndarray
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
        ledger_array(rows, "planned_value", weeks, posterior.geos, names)
        for names in (posterior.channels, leaves)
    )
    lost = []
    for c in {c for c, _ in tree.leaves}:
        own = parts[..., [c == above for above, _ in tree.leaves]]
        planned = np.nan_to_num(whole[..., c])
        together = np.nansum(own, axis=-1)
        if np.isnan(own).all() or not np.allclose(together, planned, rtol=1e-6, atol=1e-9):
            lost.append(posterior.channels[c])
    needs = nodes.filter(pl.col("leaf_id").is_not_null() & pl.col("channel_id").is_in(lost))
    beside = needs.filter(pl.col("hierarchy_id") != MAIN)["hierarchy_id"].unique().to_list()
    below = needs["node_id"].unique().to_list()
    return nodes.filter(~pl.col("hierarchy_id").is_in(beside) & ~pl.col("node_id").is_in(below))


def variance_rows(
    posterior: Posterior,
    ledger: pl.DataFrame,
    panel: Panel,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
    *,
    record: Record | None = None,
    mapping_version: int | None = None,
    goals: Sequence[tuple[str, date, date]] = (),
    labels: Mapping[str, str] | None = None,
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
    record : Record, optional
        What was known when; without it today's data count as always known.
    mapping_version : int, optional
        The mapping that the forecast was published under.
    goals : sequence of (goal_id, first day, last day)
        Periods that are added up beside months and quarters.
    labels : mapping, optional
        Names for people.

    Returns
    -------
    DataFrame in `schemas.VARIANCE`
        For every week, month, quarter and goal period: a row for every cause of every node and
        driver (`bridge.paths`; of a product by `bridge.changes`), `unexplained`, the total of every
        node, of every cause and of the KPI. Additive means sum to `total`, actual minus published
        mean, and so does every draw. Children of modelled channels have their share of the
        channel's effect on either path; forecasts that were published without their plan have no
        rows for them. Ranges are those of the model's parameters; the weekly noise is in
        `z_score`, the variance over the predictive standard deviation. Weeks whose KPI is missing
        are left out (in `all` as soon as one geo misses it).
    """
    weeks = ledger["week"].unique().sort().to_numpy().astype("datetime64[D]")
    window = np.isin(panel.weeks, weeks) & (panel.weeks > posterior.last_week)
    if not window.any():
        return empty(VARIANCE)
    weeks = panel.weeks[window]
    tree = hierarchy_components(posterior, _split_known(posterior, ledger, nodes, weeks))
    states = states_of(
        posterior, ledger, panel, tree, leaf_media, window, record or Record(), mapping_version
    )
    parts = with_baseline(tree, baseline_of(posterior, states.panels[0]))
    rows = rows_of(posterior, tree, states)
    bridge = Bridge(
        run=posterior,
        tree=tree,
        parts=parts,
        states=states,
        rows=rows,
        additive=np.array([parts.is_additive[row.part] for row in rows], dtype=bool),
        weeks=weeks,
        periods=periods_of(weeks, goals),
        labels=labels or {},
    )
    return pl.concat(_geo_frames(bridge, ledger))


def _published(bridge: Bridge, ledger: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return the published forecast: mean and spread of the KPI, (J + 1, H), and of the nodes."""
    geos = (*bridge.run.geos, ALL_GEOS)
    kpi = ledger.filter(pl.col("component_type") == KPI)
    mean, low, high = (
        ledger_array(kpi, f"forecast_{part}", bridge.weeks, geos, (KPI,))[:, :, 0]
        for part in ("mean", "p05", "p95")
    )
    channels = ledger.filter(pl.col("component_type") == "channel")
    nodes = ledger_array(channels, "forecast_mean", bridge.weeks, geos, bridge.tree.ids)
    return {"mean": mean, "spread": (high - low) / NORMAL_90, "nodes": nodes}


def _geo_frames(bridge: Bridge, ledger: pl.DataFrame) -> list[pl.DataFrame]:
    """Return the rows of each geo, then of all."""
    run, states = bridge.run, bridge.states
    published = _published(bridge, ledger)
    actual, first = (
        np.concatenate([side, side.sum(axis=0, keepdims=True)])
        for side in (states.panels[-1].outcome[:, states.window], states.first_outcome)
    )
    horizon = (bridge.weeks - run.last_week).astype(int) // 7
    weights = np.array([held for _, held in bridge.periods], dtype=float)
    values = _values(bridge)
    plan_id, frames, whole, noise = ledger["plan_id"][0], [], None, 0.0
    geos = (*run.geos, ALL_GEOS)
    for j, changes in enumerate((*changes_by_geo(run, bridge.tree, states, bridge.rows), None)):
        if changes is not None:
            whole = changes if whole is None else whole.plus(changes)
            known = weights * np.isfinite(actual[j])
            own = noise_variance(run, j, changes.forecast, horizon, known).mean(axis=1)
            known = weights * np.isfinite(actual[-1])
            noise = noise + noise_variance(run, j, changes.forecast, horizon, known).mean(axis=1)
        else:
            changes, own = whole, noise
        frame = _one_geo(
            bridge,
            changes,
            {name: part[j] for name, part in published.items()},
            (actual[j], first[j]),
            own,
            [side[j] for side in values],
        )
        more = {"geo": geos[j], "plan_id": plan_id, "inputs_hash": None}
        frames.append(frame.with_columns(pl.lit(v, pl.String).alias(n) for n, v in more.items()))
    return [conform(frame, VARIANCE) for frame in frames]


def _values(bridge: Bridge) -> list[np.ndarray]:
    """Return the value of every component at each step, (J + 1, K, H); NaN where it has no unit."""
    states, tree, window = bridge.states, bridge.tree, bridge.states.window
    out = []
    for panel, leaves in zip(states.panels, states.leaves, strict=True):
        value = np.full((len(panel.geos) + 1, len(bridge.parts.ids), len(bridge.weeks)), np.nan)
        value[:, : bridge.n_nodes] = exposure_paths(panel, tree, leaves, window)
        for d, name in enumerate(panel.drivers):
            at = bridge.parts.ids.index(name, bridge.n_nodes)
            value[:, at] = with_total(panel.driver_values[:, window, d], np.mean)
        out.append(value)
    gone = tree.members @ states.is_gone > 0
    for place, (c, _) in enumerate(tree.leaves):
        gone |= (tree.portions[:, place] > 0) & states.is_gone[c]
    out[-1][:, : bridge.n_nodes][:, gone] = np.nan
    return out


def _over_periods(draws: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return sums over the weeks of each period, (..., P, S), from (..., H, S)."""
    return np.moveaxis(np.tensordot(weights, draws, axes=(1, draws.ndim - 2)), 0, -2)


def _one_geo(
    bridge: Bridge,
    changes: Changes,
    published: dict[str, np.ndarray],
    outcome: tuple[np.ndarray, np.ndarray],
    noise: np.ndarray,
    values: list[np.ndarray],
) -> pl.DataFrame:
    """Return the rows of one geo: lines, restated KPI, unexplained, then totals; by period."""
    actual, first = outcome
    known = np.isfinite(actual)
    held = np.array([weeks for _, weeks in bridge.periods]) & known
    used = held.any(axis=1)
    held, noise = held[used], noise[used]
    periods = [period for (period, _), keep in zip(bridge.periods, used, strict=True) if keep]
    if not periods:
        return empty(VARIANCE)
    weights = held.astype(float)
    mean = np.where(known, published["mean"], 0.0)
    gap = np.where(known, actual - mean, 0.0)
    restated = np.where(known & np.isfinite(first), actual - first, 0.0)
    lines = _over_periods(changes.lines, weights)
    forecast = _over_periods(changes.forecast, weights)
    total, again, expected = weights @ gap, weights @ restated, weights @ mean
    sums = np.tensordot(bridge.sums, lines, axes=1)
    sums[bridge.n_nodes + CAUSES.index("restated")] += again[:, None]
    off = forecast - forecast.mean(axis=1, keepdims=True)
    all_draws = total[:, None] - off
    rest = all_draws - lines[bridge.additive].sum(axis=0) - again[:, None]
    ranges = summarise(
        np.concatenate(
            [lines, np.repeat(again[None, :, None], lines.shape[-1], axis=2), rest[None], sums,
             all_draws[None]]
        )
    )  # fmt: skip
    count = len(bridge.rows)
    of_lines, of_kpi = ranges[:count, :, 0], ranges[count, :, 0]
    ranges[-1, :, 0] = total
    ranges[count + 1, :, 0] = total - of_lines[bridge.additive].sum(axis=0) - of_kpi
    spread = np.sqrt(noise + forecast.var(axis=1))
    is_week = np.array([period.kind == "week" for period in periods])
    spread[is_week] = weights[is_week] @ np.where(known, published["spread"], 0.0)
    nodes = weights @ np.nan_to_num(published["nodes"])
    lost = np.isnan(published["nodes"][known]).any(axis=0)
    nodes[:, lost] = _over_periods(changes.planned[lost], weights).mean(axis=-1).T
    return laid_out(
        bridge,
        Sums(
            periods=periods,
            held=held,
            ranges=ranges,
            spread=spread,
            forecast=expected,
            actual=weights @ np.where(known, actual, 0.0),
            first=weights @ np.where(known, np.where(np.isfinite(first), first, actual), 0.0),
            nodes=nodes,
        ),
        values,
    )
