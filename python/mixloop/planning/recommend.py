"""Rows of a recommendation: for each channel the money of the plan, what is advised, and why."""

from __future__ import annotations

import numpy as np
import polars as pl

from mixloop.curves import live_plan
from mixloop.evaluate import align, training_weeks
from mixloop.forecast import future_weeks
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.planning.advise import Advice, advise, bounds
from mixloop.planning.response import window_of
from mixloop.posterior import Posterior
from mixloop.schemas import RECOMMENDATIONS, conform


def held_by(advice: Advice, step: float) -> list[str | None]:
    """Return what keeps each channel from moving further, (C,).

    `low` or `high` where it was moved and less than one step is left to that bound, `fixed` where
    the bounds leave no step either way, `no_spend` where there is nothing to scale; else None.
    """
    amount = step * advice.spend.sum()
    room_up = (advice.high - advice.factor) * advice.spend
    room_down = (advice.factor - advice.low) * advice.spend
    out: list[str | None] = []
    for c, spend in enumerate(advice.spend):
        if spend <= 0:
            out.append("no_spend")
        elif (advice.high[c] - 1.0) * spend < amount and (1.0 - advice.low[c]) * spend < amount:
            out.append("fixed")
        elif advice.factor[c] > 1.0 and room_up[c] < amount:
            out.append("high")
        elif advice.factor[c] < 1.0 and room_down[c] < amount:
            out.append("low")
        else:
            out.append(None)
    return out


def recommendation_rows(
    posterior: Posterior, panel: Panel, plan: pl.DataFrame, *, change_max: float, step: float
) -> pl.DataFrame:
    """Return what one run advises on the money of a plan.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, then the plan's weeks.
    plan : DataFrame
        The plan's rows of int_mixloop__model_plans.
    change_max : float
        Largest change of a channel's money, as a share of it.
    step : float
        Smallest amount that is moved, as a share of the budget.

    Returns
    -------
    DataFrame in `schemas.RECOMMENDATIONS`
        One row per channel. Money is per week; effects are those of the whole horizon, carry-over
        after it included.
    """
    panel = align(posterior, panel)
    in_window = future_weeks(posterior, panel)
    low, high = bounds(panel, training_weeks(posterior, panel), in_window, change_max)
    advice = advise(window_of(posterior, panel, in_window), low, high, step=step)
    weeks = panel.weeks[in_window]
    weekly = advice.spend / len(weeks)
    recommended = advice.effect_now + advice.effect_change
    moved = int(advice.is_moved.sum())
    source = "client" if (plan["plan_source"] == "client").any() else "assumed"
    frame = grid_frame(
        {"channel_id": posterior.channels},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "plan_id": plan["plan_id"][0],
            "plan_source": source,
            "as_of_week": posterior.last_week,
            "first_week": weeks[0],
            "last_week": weeks[-1],
            "horizon_weeks": len(weeks),
            "media_unit": np.array(posterior.media_units),
            "spend_now": weekly,
            "spend_recommended": weekly * advice.factor,
            "spend_low": weekly * low,
            "spend_high": weekly * high,
            "change": np.where(advice.spend > 0, advice.factor - 1.0, np.nan),
            "held_by": np.array(held_by(advice, step), dtype=object),
            **range_columns("effect_now", summarise(advice.effect_now)),
            **range_columns("effect_recommended", summarise(recommended)),
            **range_columns("effect_change", summarise(advice.effect_change)),
            **range_columns("gain", summarise(advice.gain)),
            "p_better": (advice.gain > 0).mean() if moved else np.nan,
            "n_moved": moved,
        },
    )
    return conform(frame, RECOMMENDATIONS)


def plan_of(plans: pl.DataFrame, posterior: Posterior) -> pl.DataFrame:
    """Return the plan that a run advises on: the client's, else the assumed one; maybe no rows."""
    return live_plan(
        plans.filter(
            (pl.col("model_id") == posterior.model_id)
            & (pl.col("as_of_week") == posterior.last_week.item())
        )
    )
