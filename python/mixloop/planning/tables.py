"""The frames of the warehouse's planning tables; arguments as in `mixloop.publish`."""

from __future__ import annotations

import polars as pl

from mixloop.panel import build_panel
from mixloop.planning.hindsight import Terms, hindsight_rows
from mixloop.planning.recommend import plan_of, recommendation_rows
from mixloop.publish import backtest_runs, current_runs, read_runs
from mixloop.schemas import DECISION_BACKTESTS, RECOMMENDATIONS, empty
from mixloop.unchanged import by_hash, code_digest, marked, panel_hash


def recommendations_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    plans: pl.DataFrame,
    *,
    change_max: float,
    step: float,
) -> pl.DataFrame:
    """Return `schemas.RECOMMENDATIONS` of every model's current live run."""
    frames = [empty(RECOMMENDATIONS)]
    for run in read_runs(posterior, current_runs(posterior, models)):
        plan = plan_of(plans, run)
        if plan.is_empty():
            continue
        panel = build_panel(run.model_id, outcomes, media, drivers, plan=plan)
        asked = {"change_max": float(change_max), "step": float(step)}
        frames.append(recommendation_rows(run, panel, plan, **asked))
    return pl.concat(frames)


def decision_backtests_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    horizon_weeks: int,
    change_max: float,
    step: float,
    previous: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return `schemas.DECISION_BACKTESTS`: the advice of every origin, valued by the live run.

    `previous` is the table as the last build left it: origins of which nothing has changed since
    keep their row.
    """
    terms = Terms(int(horizon_weeks), float(change_max), float(step))
    kept, code = by_hash(previous), code_digest()
    model_of = dict(posterior.select("run_id", "model_id").unique().iter_rows())
    earlier = backtest_runs(posterior, models)
    frames = [empty(DECISION_BACKTESTS)]
    for newest_id in current_runs(posterior, models):
        model_id = model_of[newest_id]
        panel = build_panel(model_id, outcomes, media, drivers)
        own = [run_id for run_id in earlier if model_of[run_id] == model_id]
        keys = {run_id: panel_hash(panel, code, run_id, newest_id, terms) for run_id in own}
        todo = [run_id for run_id in own if keys[run_id] not in kept]
        if todo:
            newest, *runs = read_runs(posterior, [newest_id, *todo])
            for run in runs:
                rows = hindsight_rows(newest, [run], panel, terms)
                kept[keys[run.run_id]] = marked(rows, keys[run.run_id])
        frames += [kept[keys[run_id]] for run_id in own]
    return pl.concat(frames)
