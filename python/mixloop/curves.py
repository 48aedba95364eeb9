"""Response of each modelled channel to a steady weekly exposure."""

from __future__ import annotations

import numpy as np
import polars as pl

from mixloop.evaluate import align, training_weeks
from mixloop.forms import is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.products import without_channel
from mixloop.reach import REACH_FREQUENCY, mean_frequency, require_frequency
from mixloop.schemas import CURVES, conform
from mixloop.shapes import Shapes, distinct_shapes, full_effect

RECENT_WEEKS = 13


def geo_shares(exposure: np.ndarray) -> np.ndarray:
    """Return each geo's share of a channel's exposure, (J,), from its training weeks (J, T).

    Shares are those of the last 52 weeks; of all weeks where the channel was off by then; equal
    where it never ran.
    """
    for recent in (exposure[:, -52:], exposure):
        by_geo = recent.sum(axis=1)
        if by_geo.sum() > 0:
            return by_geo / by_geo.sum()
    return np.full(len(exposure), 1.0 / len(exposure))


def steady_response(
    shapes: Shapes,
    full: np.ndarray,
    scale: np.ndarray,
    shares: np.ndarray,
    levels: np.ndarray,
    others: np.ndarray | None = None,
    frequency: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return response and marginal response per week at steady exposure levels.

    Parameters
    ----------
    full : ndarray, (S, J)
        Weekly effect at full saturation, KPI units.
    scale, shares : ndarray, (J,)
        Exposure that counts as 1, and the geo's share of the level.
    levels : ndarray, (K,)
        Weekly exposure, all geos together. Adstock weights sum to one, so an exposure held every
        week carries over to itself.
    others : ndarray, (S, J), optional
        Of a product: the mean weekly KPI without the channel. `full` is then in log points, and
        the response is what the channel adds to that KPI.
    frequency : ndarray, (J,), optional
        Contacts per person, held at every level of a channel that is modelled on reach.

    Returns
    -------
    response : ndarray, (K, S)
        KPI units per week, geos summed.
    marginal : ndarray, (K, S)
        KPI units for one more unit of weekly exposure.
    """
    per_level = shares / scale  # (J,)
    u = per_level[:, None] * levels  # (J, K)
    today = shapes.today[:, None, None]
    often = None if frequency is None else frequency[:, None]
    height = shapes.height(u[None], often) * today  # (U, J, K)
    rise = shapes.rise(u[None], often) * per_level[:, None] * today
    response = np.zeros((len(levels), len(full)))
    marginal = np.zeros_like(response)
    for j in range(len(scale)):
        added, slope = (part[:, j].T[:, shapes.which] * full[:, j] for part in (height, rise))
        if others is not None:
            added, slope = others[:, j] * np.expm1(added), others[:, j] * np.exp(added) * slope
        response += added
        marginal += slope
    return response, marginal


def recent_price(spend: np.ndarray, exposure: np.ndarray) -> float:
    """Return money for a unit of exposure, from training weeks (J, T): NaN where it was free.

    Of the last 13 weeks; of all weeks where nothing was paid or nothing ran by then.
    """
    for last in (RECENT_WEEKS, spend.shape[1]):
        money, bought = spend[:, -last:].sum(), exposure[:, -last:].sum()
        if money > 0 and bought > 0:
            return float(money / bought)
    return float("nan")


def recent_frequency(posterior: Posterior, panel: Panel, channel: int) -> np.ndarray | None:
    """Return contacts per person reached in each geo, (J,); None of other units than reach.

    Of the last 13 training weeks; of all training weeks where nobody was reached by then.

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    """
    if posterior.media_units[channel] != REACH_FREQUENCY:
        return None
    keep = training_weeks(posterior, panel)
    reach = panel.exposure[:, keep, channel]
    often = require_frequency(panel.frequency)[:, keep, channel]
    last = slice(-RECENT_WEEKS, None) if reach[:, -RECENT_WEEKS:].any() else slice(None)
    return mean_frequency(reach[:, last], often[:, last])


def live_plan(plans: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the plan that curves are marked with.

    The client's plans come before assumed ones; among several the first by name.
    """
    if plans.is_empty():
        return plans
    first = plans.sort(pl.col("plan_source") != "client", "plan_id").row(0, named=True)
    return plans.filter(pl.col("plan_id") == first["plan_id"])


def planned_exposure(plan: pl.DataFrame, channels: tuple[str, ...]) -> np.ndarray:
    """Return each channel's mean planned weekly exposure, geos summed, (C,); NaN without a plan."""
    rows = plan.filter(pl.col("item_type") == "channel").sort("item_id", "week", "geo")
    n_weeks = plan["week"].n_unique()
    sums = dict(rows.group_by("item_id").agg(pl.col("planned_value").sum()).iter_rows())
    return np.array([sums[c] / n_weeks if c in sums else np.nan for c in channels], dtype=float)


def curve_rows(
    posterior: Posterior, panel: Panel, plans: pl.DataFrame, points: int
) -> pl.DataFrame:
    """Return the response curves of one run.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week.
    plans : DataFrame
        Rows of int_mixloop__model_plans for this model and as_of_week; may be empty.
    points : int
        Levels of each curve, two or more: evenly spaced from 0 to twice the largest training week,
        or to the planned weekly exposure where that is more. Geos grow in proportion to their
        share of the last 52 weeks. Of a channel that is modelled on reach the levels are people
        reached, as often as in the last 13 weeks. Where exposure is not money but was paid for,
        `weekly_spend` is what a level costs at the price of the last 13 weeks with any.

    Returns
    -------
    DataFrame in `schemas.CURVES`

    Raises
    ------
    ValueError
        When `points` is below two.
    """
    if points < 2:
        raise ValueError(f"a curve needs two points or more, not {points}: mixloop__curve_points")
    panel = align(posterior, panel)
    exposure = panel.exposure[:, training_weeks(posterior, panel)]
    weekly = exposure.sum(axis=0)  # (T, C)
    observed = weekly.max(axis=0)
    planned = planned_exposure(live_plan(plans), posterior.channels)
    top = np.fmax(2.0 * observed, planned)
    top = np.where(top > 0, top, posterior.exposure_scale.sum(axis=0))
    levels = top[:, None] * np.linspace(0.0, 1.0, points)  # (C, K)
    others = None
    if is_multiplicative(posterior):
        others = without_channel(posterior, panel, [training_weeks(posterior, panel)])[0]
    spend = panel.spend[:, training_weeks(posterior, panel)]
    price = np.array([recent_price(spend[:, :, c], exposure[:, :, c]) for c in range(len(top))])
    often = [recent_frequency(posterior, panel, c) for c in range(len(top))]
    ranges = np.empty((2, len(posterior.channels), points, 4))
    for c, shapes in enumerate(distinct_shapes(posterior)):
        draws = steady_response(
            shapes,
            full_effect(posterior, c),
            posterior.exposure_scale[:, c],
            geo_shares(exposure[:, :, c]),
            levels[c],
            None if others is None else others[c],
            often[c],
        )
        ranges[:, c] = summarise(np.stack(draws))
    units = np.array(posterior.media_units)[:, None]
    frame = grid_frame(
        {"channel_id": posterior.channels, "point": np.arange(points)},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "media_unit": units,
            "is_pooled": np.array([c in posterior.pools for c in posterior.channels])[:, None],
            "weekly_exposure": levels,
            "weekly_spend": np.where(units == "spend", levels, levels * price[:, None]),
            "weekly_frequency": np.array([np.nan if f is None else f.mean() for f in often])[
                :, None
            ],
            **range_columns("response", ranges[0]),
            **range_columns("marginal_response", ranges[1]),
            "current_weekly_exposure": weekly[-13:].mean(axis=0)[:, None],
            "planned_weekly_exposure": planned[:, None],
            "observed_max_exposure": observed[:, None],
            "is_in_observed_range": levels <= observed[:, None],
        },
    )
    return conform(frame, CURVES)
