"""The frames the warehouse's fit tables are made of: frames in, frames out.

`posterior` is always the whole append-only table of runs, its rows in the order they were appended
(it has no clock of its own: the last run of a model is the newest). `models`, `outcomes`, `media`,
`drivers`, `plans`, `nodes`, `leaf_media` and `leaf_plans` are the `int_mixloop__model*` tables of
the same names. Every function returns its schema's columns, without rows when there is nothing to
say.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np
import polars as pl

from mixloop.allocation import LEAF_MEDIA
from mixloop.backtest import WEEK, backtest_rows, in_sample_rows, score_rows
from mixloop.consistency import consistency_rows
from mixloop.contributions import contribution_rows
from mixloop.curves import curve_rows
from mixloop.forecast import forecast_rows, stable_rng
from mixloop.hypotheses import hypothesis_rows
from mixloop.judging import fit_statistics, run_draws
from mixloop.panel import Panel, build_panel
from mixloop.performance import performance_rows
from mixloop.posterior import Posterior, posteriors_from_frame
from mixloop.schemas import (
    BACKTESTS,
    CONSISTENCY,
    CONTRIBUTIONS,
    CURVES,
    FORECASTS,
    HYPOTHESES,
    PERFORMANCE,
    SCORES,
    SELECTION,
    SPECIFICATIONS,
    empty,
)
from mixloop.selection import selection_rows
from mixloop.specifications import specification_rows
from mixloop.unchanged import by_hash, code_digest, marked, panel_hash

RUN_FACTS = ("run_id", "model_id", "run_kind", "as_of_week", "first_training_week", "code_hash")


def _runs(posterior: pl.DataFrame) -> pl.DataFrame:
    """Return one row per run with its facts, in append order."""
    return posterior.select(*RUN_FACTS, "seed").unique("run_id", keep="first", maintain_order=True)


def current_runs(posterior: pl.DataFrame, models: pl.DataFrame) -> list[str]:
    """Return the run_id of each model's current live run, sorted by model.

    Current is the live run trained to the model's last training week; where several were (the
    configuration or the data changed), the one appended last.
    """
    live = _runs(posterior).filter(pl.col("run_kind") == "live")
    newest = live.join(
        models.select("model_id", as_of_week="last_training_week"),
        on=["model_id", "as_of_week"],
        how="inner",
        maintain_order="left",
    )
    last = newest.unique("model_id", keep="last", maintain_order=True)
    return last.sort("model_id")["run_id"].to_list()


def backtest_runs(posterior: pl.DataFrame, models: pl.DataFrame) -> list[str]:
    """Return the run_ids of the backtests that speak for the current live runs.

    Those with the live run's first training week and code that end before it; of several with one
    origin, the one appended last. Sorted by model and origin.
    """
    runs = _runs(posterior)
    live = runs.filter(pl.col("run_id").is_in(current_runs(posterior, models)))
    same = ["model_id", "first_training_week", "code_hash"]
    found = runs.filter(pl.col("run_kind") == "backtest").join(
        live.select(*same, live_week="as_of_week"), on=same, how="inner", maintain_order="left"
    )
    found = found.filter(pl.col("as_of_week") < pl.col("live_week"))
    last = found.unique(["model_id", "as_of_week"], keep="last", maintain_order=True)
    return last.sort("model_id", "as_of_week")["run_id"].to_list()


def variant_runs(posterior: pl.DataFrame, live: Posterior) -> dict[str, str]:
    """Return the run_id of each other specification of a live run and what it does otherwise.

    Those of its model, weeks and code; of several that do the same, the one appended last.
    """
    facts = posterior.select(*RUN_FACTS, "configuration").unique("run_id", maintain_order=True)
    code = facts.filter(pl.col("run_id") == live.run_id)["code_hash"].item()
    found = facts.filter(
        pl.col("run_kind") == "specification",
        pl.col("model_id") == live.model_id,
        pl.col("as_of_week") == live.last_week.item(),
        pl.col("first_training_week") == live.first_week.item(),
        pl.col("code_hash") == code,
    )
    by_name = {
        json.loads(asked)["variant"]: run_id
        for run_id, asked in found.select("run_id", "configuration").iter_rows()
    }
    return {run_id: name for name, run_id in sorted(by_name.items())}


def read_runs(posterior: pl.DataFrame, run_ids: list[str]) -> Iterator[Posterior]:
    """Yield the listed runs' posteriors, in the order of the list."""
    for run_id in run_ids:
        yield from posteriors_from_frame(posterior.filter(pl.col("run_id") == run_id))


def _seeds(posterior: pl.DataFrame) -> dict[str, int]:
    """Return the seed of every run."""
    return dict(_runs(posterior).select("run_id", "seed").rows())


class History:
    """Panels of each model's whole history, built once when first asked for."""

    def __init__(self, outcomes: pl.DataFrame, media: pl.DataFrame, drivers: pl.DataFrame) -> None:
        self._frames = (outcomes, media, drivers)
        self._panels: dict[str, Panel] = {}

    def __getitem__(self, model_id: str) -> Panel:
        if model_id not in self._panels:
            self._panels[model_id] = build_panel(model_id, *self._frames)
        return self._panels[model_id]


def stacked(frames: Iterable[pl.DataFrame], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """Stack frames of one schema; an empty frame of it when there are none."""
    return pl.concat([empty(schema), *frames])


def _controllable(drivers: pl.DataFrame, run: Posterior) -> set[str]:
    """Return the drivers of a run's model that the client decides about."""
    if "is_controllable" not in drivers.columns:
        return set()
    own = drivers.filter(pl.col("model_id") == run.model_id, pl.col("is_controllable"))
    return set(own["driver_id"].unique())


def contributions_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.CONTRIBUTIONS` of every model's current live run."""
    history = History(outcomes, media, drivers)
    current = read_runs(posterior, current_runs(posterior, models))
    frames = [
        contribution_rows(
            run, history[run.model_id], nodes, _own(leaf_media, run), _controllable(drivers, run)
        )
        for run in current
    ]
    return stacked(frames, CONTRIBUTIONS)


def performance_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.PERFORMANCE` of every model's current live run."""
    history = History(outcomes, media, drivers)
    hurdles = dict(models.select("model_id", "hurdle_roi").rows())
    current = read_runs(posterior, current_runs(posterior, models))
    frames = [
        performance_rows(
            run,
            history[run.model_id],
            nodes,
            float(hurdles[run.model_id]),
            _own(leaf_media, run),
        )
        for run in current
    ]
    return stacked(frames, PERFORMANCE)


def _own(leaf_media: pl.DataFrame | None, run: Posterior) -> pl.DataFrame | None:
    """Return the leaf rows of a run's model."""
    if leaf_media is None:
        return None
    return leaf_media.filter(pl.col("model_id") == run.model_id)


def _planned_leaves(
    leaf_media: pl.DataFrame | None, leaf_plans: pl.DataFrame | None, run: Posterior, plan_id: str
) -> pl.DataFrame | None:
    """Return a run's leaf rows up to its last training week, then those of a plan."""
    if leaf_media is None or leaf_plans is None:
        return None
    history = _own(leaf_media, run).filter(pl.col("week") <= run.last_week.item())
    plan = _plans_of(leaf_plans, run).filter(pl.col("plan_id") == plan_id)
    plan = plan.rename({"planned_value": "exposure", "planned_spend": "spend"})
    if "planned_frequency" in plan.columns:
        plan = plan.rename({"planned_frequency": "frequency"})
    return pl.concat(
        [
            rows.select(name for name in LEAF_MEDIA if name in rows.columns)
            for rows in (history, plan)
        ],
        how="diagonal_relaxed",
    )


def _plans_of(plans: pl.DataFrame, run: Posterior) -> pl.DataFrame:
    """Return the plans made as of a run's last training week."""
    return plans.filter(
        (pl.col("model_id") == run.model_id) & (pl.col("as_of_week") == run.last_week.item())
    )


def curves_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    plans: pl.DataFrame,
    points: int,
) -> pl.DataFrame:
    """Return `schemas.CURVES` of every model's current live run, `points` levels a curve."""
    history = History(outcomes, media, drivers)
    current = read_runs(posterior, current_runs(posterior, models))
    frames = [
        curve_rows(run, history[run.model_id], _plans_of(plans, run), int(points))
        for run in current
    ]
    return stacked(frames, CURVES)


def forecasts_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    plans: pl.DataFrame,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
    leaf_plans: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.FORECASTS` of the current live runs and of backtests that have plans.

    A run is forecast at every plan whose `as_of_week` is its last training week. The random
    numbers depend on the run's seed, the run and the plan only.
    """
    seeds = _seeds(posterior)
    wanted = current_runs(posterior, models) + backtest_runs(posterior, models)
    frames = []
    for run in read_runs(posterior, wanted):
        own = _plans_of(plans, run).sort("plan_id", "week", "geo", "item_type", "item_id")
        for plan in own.partition_by("plan_id", maintain_order=True):
            plan_id = plan["plan_id"][0]
            is_client = (plan["plan_source"] == "client").any()
            rows = forecast_rows(
                run,
                build_panel(run.model_id, outcomes, media, drivers, plan=plan),
                nodes,
                stable_rng(seeds[run.run_id], run.run_id, plan_id),
                plan_id=plan_id,
                plan_source="client" if is_client else "assumed",
                leaf_media=_planned_leaves(leaf_media, leaf_plans, run, plan_id),
            )
            frames.append(rows)
    return stacked(frames, FORECASTS)


def backtests_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    horizon_weeks: int = 13,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.BACKTESTS` of the backtest runs, `horizon_weeks` from each origin on.

    `previous` is the table as the last build left it: origins of which nothing has changed since
    keep their rows.
    """
    history = History(outcomes, media, drivers)
    runs = _runs(posterior)
    facts = {row["run_id"]: row for row in runs.iter_rows(named=True)}
    kept, code = by_hash(previous), code_digest()
    frames = []
    for run_id in backtest_runs(posterior, models):
        fact, weeks = facts[run_id], int(horizon_weeks)
        end = np.datetime64(fact["as_of_week"]) + np.timedelta64(7 * weeks, "D")
        panel = history[fact["model_id"]].until(end)
        key = panel_hash(panel, code, run_id, fact["seed"], weeks)
        if key not in kept:
            (run,) = read_runs(posterior, [run_id])
            rows = backtest_rows(run, panel, horizon_weeks=weeks, seed=fact["seed"])
            kept[key] = marked(rows, key)
        frames.append(kept[key])
    return stacked(frames, BACKTESTS)


def scores_table(
    posterior: pl.DataFrame,
    backtests: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
) -> pl.DataFrame:
    """Return `schemas.SCORES` of the current live runs, in sample and over their backtests."""
    history = History(outcomes, media, drivers)
    seeds = _seeds(posterior)
    frames = []
    for run in read_runs(posterior, current_runs(posterior, models)):
        keys = {"run_id": run.run_id, "model_id": run.model_id}
        fitted = in_sample_rows(run, history[run.model_id], seed=seeds[run.run_id])
        statistics = partial(fit_statistics, run_draws(run, history[run.model_id]))
        is_own_week = (pl.col("model_id") == run.model_id) & (pl.col("measure") == WEEK)
        held_out = backtests.filter(is_own_week)
        frames.append(score_rows(fitted, **keys, sample="in_sample", statistics=statistics))
        frames.append(score_rows(held_out, **keys, sample="out_of_sample"))
    return stacked(frames, SCORES)


def selection_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    material_share: float,
) -> pl.DataFrame:
    """Return `schemas.SELECTION` of the current live runs."""
    history = History(outcomes, media, drivers)
    dropped = dict(posterior.select("run_id", "dropped").unique("run_id", keep="first").rows())
    frames = [
        selection_rows(
            run, history[run.model_id], dropped[run.run_id], material_share=float(material_share)
        )
        for run in read_runs(posterior, current_runs(posterior, models))
    ]
    return stacked(frames, SELECTION)


def specifications_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
) -> pl.DataFrame:
    """Return `schemas.SPECIFICATIONS` of the current live runs and their other specifications."""
    history = History(outcomes, media, drivers)
    frames = []
    for run in read_runs(posterior, current_runs(posterior, models)):
        named = variant_runs(posterior, run)
        variants = list(zip(named.values(), read_runs(posterior, list(named)), strict=True))
        frames.append(specification_rows(run, history[run.model_id], variants))
    return stacked(frames, SPECIFICATIONS)


def consistency_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
) -> pl.DataFrame:
    """Return `schemas.CONSISTENCY` of the current live runs and the backtests that go with them."""
    history = History(outcomes, media, drivers)
    hurdles = dict(models.select("model_id", "hurdle_roi").rows())
    earlier = list(read_runs(posterior, backtest_runs(posterior, models)))
    frames = [
        consistency_rows(
            run,
            [other for other in earlier if other.model_id == run.model_id],
            history[run.model_id],
            hurdle_roi=float(hurdles[run.model_id]),
        )
        for run in read_runs(posterior, current_runs(posterior, models))
    ]
    return stacked(frames, CONSISTENCY)


def hypotheses_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    lean: float,
) -> pl.DataFrame:
    """Return `schemas.HYPOTHESES` of every model's current live run."""
    history = History(outcomes, media, drivers)
    hurdles = dict(models.select("model_id", "hurdle_roi").rows())
    frames = [
        hypothesis_rows(
            run,
            history[run.model_id],
            hurdle_roi=float(hurdles[run.model_id]),
            lean=float(lean),
        )
        for run in read_runs(posterior, current_runs(posterior, models))
    ]
    return stacked(frames, HYPOTHESES)
