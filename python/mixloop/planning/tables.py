"""The frames of the warehouse's planning tables; arguments as in `mixloop.publish`."""

from __future__ import annotations

import polars as pl

from mixloop.panel import build_panel
from mixloop.planning.hindsight import Terms, hindsight_rows
from mixloop.planning.recommend import plan_of, recommendation_rows
from mixloop.publish import backtest_runs, current_runs, read_runs
from mixloop.schemas import DECISION_BACKTESTS, RECOMMENDATIONS, empty


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
) -> pl.DataFrame:
    """Return `schemas.DECISION_BACKTESTS`: the advice of every origin, valued by the live run."""
    terms = Terms(int(horizon_weeks), float(change_max), float(step))
    frames = [empty(DECISION_BACKTESTS)]
    earlier = list(read_runs(posterior, backtest_runs(posterior, models)))
    for newest in read_runs(posterior, current_runs(posterior, models)):
        own = [run for run in earlier if run.model_id == newest.model_id]
        panel = build_panel(newest.model_id, outcomes, media, drivers)
        frames.append(hindsight_rows(newest, own, panel, terms))
    return pl.concat(frames)
