"""The table of forecast variances: which forecasts are split anew, and which keep their rows."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial

import duckdb
import numpy as np
import polars as pl

from mixloop.bridge.draws import Draws
from mixloop.bridge.record import (
    MEDIA_PRICES,
    MOVED_MEDIA,
    RUN_FACTS,
    RUN_PANELS,
    Record,
)
from mixloop.evaluate import MAIN
from mixloop.panel import Panel
from mixloop.posterior import posteriors_from_frame
from mixloop.publish import History, stacked
from mixloop.schemas import FORECASTS, VARIANCE, conform, empty
from mixloop.unchanged import by_hash, code_digest, marked
from mixloop.variance import variance_rows

Goal = tuple[str, date, date]


def records_of(
    run_panels: pl.DataFrame | duckdb.DuckDBPyRelation | None,
    moved_media: pl.DataFrame | None,
    media_prices: pl.DataFrame | None,
) -> dict[str | None, Record]:
    """Return what is known of every model; under None what holds for a model without panels.

    Of a relation of panels only the facts are read at once, the values when they are needed.
    """
    moved = empty(MOVED_MEDIA) if moved_media is None else conform(moved_media, MOVED_MEDIA)
    prices = empty(MEDIA_PRICES) if media_prices is None else conform(media_prices, MEDIA_PRICES)
    found: dict[str | None, Record] = {None: Record(empty(RUN_PANELS), moved, prices)}
    if run_panels is None:
        return found
    facts = facts_of(run_panels)
    for (model_id,), own in facts.partition_by("model_id", as_dict=True).items():
        found[model_id] = Record(partial(_panels, run_panels, model_id), moved, prices, own)
    return found


def facts_of(run_panels: pl.DataFrame | duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """Return `record.RUN_FACTS` of all panels, one row per run."""
    if isinstance(run_panels, pl.DataFrame):
        return run_panels.select(RUN_FACTS).unique()
    return run_panels.select(*RUN_FACTS).distinct().pl()


def _panels(run_panels: pl.DataFrame | duckdb.DuckDBPyRelation, model_id: str) -> pl.DataFrame:
    """Return the panels of one model."""
    if isinstance(run_panels, pl.DataFrame):
        return run_panels.filter(pl.col("model_id") == model_id).select(list(RUN_PANELS))
    own = duckdb.ColumnExpression("model_id") == duckdb.ConstantExpression(model_id)
    return run_panels.filter(own).pl().select(list(RUN_PANELS))


def goals_of(goals: pl.DataFrame | None, model_id: str) -> list[Goal]:
    """Return a model's goal periods in the order of time; goals without a model hold for all."""
    if goals is None:
        return []
    own = goals.filter(
        pl.col("model_id").is_null() | (pl.col("model_id") == model_id),
        pl.col("goal_id").is_not_null(),
        pl.col("period_start") <= pl.col("period_end"),
    )
    own = own.unique("goal_id", keep="first", maintain_order=True)
    rows = own.select("goal_id", "period_start", "period_end")
    return rows.sort("period_start", "goal_id").rows()


def _digest_of(frame: pl.DataFrame) -> bytes:
    """Return bytes that say what is in a frame, whatever the order of its rows."""
    return np.sort(frame.hash_rows(seed=0).to_numpy()).tobytes()


def inputs_hash(
    code: str,
    ledger: pl.DataFrame,
    panel: Panel,
    record: Record,
    mapping_version: int | None,
    *,
    carryover_weeks: int,
    about: bytes,
    leaf_media: pl.DataFrame | None,
) -> str:
    """Return a hash of all that the rows of one forecast are made from.

    Weeks that come after the forecast's last one are not part of it, so that a forecast that has
    been answered in full keeps its rows.

    Parameters
    ----------
    code : str
        From `unchanged.code_digest`.
    about : bytes
        What the model is today: nodes, goals, labels.
    """
    as_of, run_id = (ledger[name][0] for name in ("as_of_week", "run_id"))
    until = ledger["week"].max()
    since = as_of - timedelta(weeks=carryover_weeks)
    weeks = panel.weeks
    keep = (weeks >= np.datetime64(since)) & (weeks <= np.datetime64(until))
    window = keep & (weeks > np.datetime64(as_of))
    names = (panel.geos, panel.channels, panel.drivers, run_id, mapping_version)
    digest = hashlib.sha256(code.encode() + repr(names).encode() + about)
    digest.update(_digest_of(ledger))
    digest.update(weeks[keep].astype(np.int64).tobytes())
    for values in (panel.outcome, panel.exposure, panel.spend, panel.driver_values):
        digest.update(np.ascontiguousarray(values[:, keep]).tobytes())
    if panel.frequency is not None:
        digest.update(np.ascontiguousarray(panel.frequency[:, keep]).tobytes())
    if leaf_media is not None:
        digest.update(_digest_of(leaf_media.filter(pl.col("week").is_between(since, until))))
    if window.any():
        first = [(run, known) for run, known, _ in record.first_runs(weeks[window])]
        digest.update(repr(first).encode())
        asked = (weeks[keep], window[keep], np.datetime64(as_of), panel.geos, panel.channels)
        for version in (mapping_version, None):
            digest.update(record.price_ratio(*asked, version).round(9).tobytes())
    digest.update(_digest_of(record.moved))
    return digest.hexdigest()[:32]


def with_gone_channels(
    nodes: pl.DataFrame, ledger: pl.DataFrame, components: pl.DataFrame | None
) -> pl.DataFrame:
    """Return a model's nodes and those above channels of a forecast that it models no longer.

    A channel that is still in the main tree, but has lost its media to another mapping, is part of
    the nodes above it, so that they add up.

    Parameters
    ----------
    nodes : DataFrame
        model_id, hierarchy_id, node_id, channel_id, leaf_id of the model.
    ledger : DataFrame in `schemas.FORECASTS`
        What one run forecast.
    components : DataFrame, optional
        component_id, hierarchy_id, parent_id.
    """
    if components is None or "parent_id" not in components.columns:
        return nodes
    own = ledger.filter(pl.col("component_type") == "channel", pl.col("is_additive"))
    gone = sorted({*own["component_id"]} - {*nodes["channel_id"]})
    main = components.filter(pl.col("hierarchy_id") == MAIN)
    parent = dict(main.select("component_id", "parent_id").rows())
    rows = []
    for channel in gone:
        node = channel
        while node is not None and node in parent:
            rows.append((ledger["model_id"][0], MAIN, node, channel, None))
            node = parent[node]
    names = ("model_id", "hierarchy_id", "node_id", "channel_id", "leaf_id")
    more = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    return pl.concat([nodes.select(names), more])


def about_model(nodes: pl.DataFrame, goals: list[Goal], labels: Mapping[str, str]) -> bytes:
    """Return bytes that say what the model's nodes, goals and labels are."""
    said = json.dumps([[str(part) for part in goal] for goal in goals])
    return _digest_of(nodes) + said.encode() + json.dumps(labels, sort_keys=True).encode()


def variance_table(
    posterior: pl.DataFrame | duckdb.DuckDBPyRelation,
    forecasts: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
    *,
    run_panels: pl.DataFrame | duckdb.DuckDBPyRelation | None = None,
    moved_media: pl.DataFrame | None = None,
    media_prices: pl.DataFrame | None = None,
    goals: pl.DataFrame | None = None,
    components: pl.DataFrame | None = None,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.VARIANCE` of every published forecast that has weeks with an actual.

    Parameters
    ----------
    posterior : DataFrame or DuckDBPyRelation
        Of a relation only the draws of forecasts that are split anew are read.
    forecasts : DataFrame
        The published ledger, with the mapping version it was published under; other columns beyond
        `schemas.FORECASTS` are ignored. Forecasts of models that today's outcomes do not hold are
        left out.
    run_panels, moved_media, media_prices : DataFrame, optional
        `bridge.record.Record`, of all models.
    goals : DataFrame, optional
        goal_id, model_id, period_start, period_end.
    components : DataFrame, optional
        component_id, label; with hierarchy_id and parent_id, nodes above channels that are no
        longer modelled hold them still.
    previous : DataFrame, optional
        Rows of an earlier call: those of forecasts whose inputs are the same are taken from it.

    Raises
    ------
    ValueError
        When a published forecast's run is not in `posterior`. Forecasts of runs whose draws were
        removed on record are not among `forecasts`.
    """
    history = History(outcomes, media, drivers)
    ledger = conform(forecasts.select(list(FORECASTS)), FORECASTS)
    ledger = ledger.filter(pl.col("model_id").is_in(outcomes["model_id"].unique().to_list()))
    ledger = ledger.sort("model_id", "as_of_week", "run_id", "plan_id")
    draws = Draws(posterior)
    lost = sorted(set(ledger["run_id"]) - set(draws.carryover_weeks))
    if lost:
        raise ValueError(
            f"published forecasts of {len(lost)} runs have no posterior draws, first {lost[:5]}: "
            "the history database lost rows of int_mixloop__posterior; restore it from a copy"
        )
    records = records_of(run_panels, moved_media, media_prices)
    labels = {} if components is None else dict(components.select("component_id", "label").rows())
    versions = _mapping_versions(forecasts)
    kept, code = by_hash(previous), code_digest()
    frames = []
    for own in ledger.partition_by("run_id", maintain_order=True):
        run_id, model_id = own.row(0, named=True)["run_id"], own.row(0, named=True)["model_id"]
        panel, aims = history[model_id], goals_of(goals, model_id)
        record = records.get(model_id, records[None])
        leaves = None if leaf_media is None else leaf_media.filter(pl.col("model_id") == model_id)
        tree = with_gone_channels(nodes.filter(pl.col("model_id") == model_id), own, components)
        about = about_model(tree, aims, labels)
        run = None
        for plan in own.partition_by("plan_id", maintain_order=True):
            version = versions.get((run_id, plan["plan_id"][0]))
            same = inputs_hash(
                code, plan, panel, record, version,
                carryover_weeks=draws.carryover_weeks[run_id], about=about, leaf_media=leaves,
            )  # fmt: skip
            if same in kept:
                frames.append(kept[same].select(list(VARIANCE)))
                continue
            run = run or posteriors_from_frame(draws.of([run_id]))[0]
            rows = variance_rows(
                run, plan, panel, tree, leaves,
                record=record, mapping_version=version, goals=aims, labels=labels,
            )  # fmt: skip
            frames.append(marked(rows, same))
    return stacked(frames, VARIANCE)


def _mapping_versions(forecasts: pl.DataFrame) -> dict[tuple[str, str], int | None]:
    """Return the mapping that each run and plan was published under."""
    if "mapping_version" not in forecasts.columns:
        return {}
    rows = forecasts.select("run_id", "plan_id", "mapping_version").unique()
    return {(run, plan): version for run, plan, version in rows.iter_rows()}
