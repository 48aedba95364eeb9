"""Which channels have too much or too little money, how surely, and how much is at stake.

A channel's last 52 weeks are taken as a year that comes again, with today's effectiveness, and all
its weeks are scaled up and down together. Draw by draw this gives what the year would bring at any
level of spend: the return on a little more at today's level, the level at which more no longer
earns the hurdle, and what it is worth to move there.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mixloop.evaluate import align, training_weeks
from mixloop.forms import is_multiplicative
from mixloop.frames import range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.products import without_channel
from mixloop.schemas import HYPOTHESES, conform
from mixloop.shapes import Shapes, distinct_shapes, full_effect
from mixloop.transforms import adstock

YEAR = 52
LEVELS = np.linspace(0.0, 2.0, 21)  # times today's spend
NOW = 10  # the level 1.0


def year_response(
    shapes: Shapes,
    full: np.ndarray,
    scale: np.ndarray,
    exposure: np.ndarray,
    others: np.ndarray | None = None,
    frequency: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what a year that comes again brings at each level, and at a little more than today's.

    Parameters
    ----------
    full : ndarray, (S, J)
        Weekly effect at full saturation, KPI units.
    scale : ndarray, (J,)
        Exposure that counts as 1.
    exposure : ndarray, (J, T)
        The year's weekly exposure; what its last weeks carry over falls on the first ones.
    others : ndarray, (S, J), optional
        Of a product: the mean weekly KPI without the channel. `full` is then in log points.
    frequency : ndarray, (J, T), optional
        Contacts per person, of a channel that is modelled on reach: more money reaches more people
        as often.

    Returns
    -------
    response : ndarray, (K, S)
        Mean weekly effect at each of `LEVELS`, geos summed.
    marginal : ndarray, (S,)
        The slope of the response in the level at today's level.
    """
    response = np.zeros((len(LEVELS), len(full)))
    marginal = np.zeros(len(full))
    today = shapes.today[:, None]
    for j in range(len(scale)):
        often = None if frequency is None else frequency[j]
        carried = _carried_year(shapes, exposure[j] / scale[j], often)  # (U, T)

        def height(level: float, carried: np.ndarray = carried) -> np.ndarray:
            return (carried * level if shapes.is_reach else shapes.height(carried * level)) * today

        slope = (carried if shapes.is_reach else shapes.rise(carried) * carried) * today
        for k, level in enumerate(LEVELS):
            response[k] += _of_draws(height(level), shapes.which, full[:, j], others, j)
        if others is None:
            marginal += slope.mean(axis=1)[shapes.which] * full[:, j]
        else:
            worth = np.exp(height(1.0)[shapes.which] * full[:, j, None]) * slope[shapes.which]
            marginal += worth.mean(axis=1) * full[:, j] * others[:, j]
    return response, marginal


def _carried_year(shapes: Shapes, reached: np.ndarray, frequency: np.ndarray | None) -> np.ndarray:
    """Return what is carried over in each week of a year that comes again, (U, T).

    Of a channel that is modelled on reach, people count by how often they were reached.
    """
    n_weeks, n_lags = len(reached), shapes.weights.shape[1] - 1
    # as many whole years before as carry-over reaches back
    again = int(np.ceil(n_lags / n_weeks)) + 1
    if shapes.is_reach:
        worked = np.tile(reached * shapes.per_person(frequency), again)
        return adstock(worked, shapes.weights[shapes.kernel_of])[:, -n_weeks:]
    carried = adstock(np.tile(reached, again)[None], shapes.weights)[:, -n_weeks:]
    return carried[shapes.kernel_of]


def _of_draws(
    height: np.ndarray,
    which: np.ndarray,
    full: np.ndarray,
    others: np.ndarray | None,
    geo: int,
) -> np.ndarray:
    """Return the mean weekly effect of each draw from heights (U, T): (S,)."""
    if others is None:
        return height.mean(axis=1)[which] * full
    return np.expm1(height[which] * full[:, None]).mean(axis=1) * others[:, geo]


def direction_of(p_over: float, lean: float) -> str:
    """Return `over`, `under` or, where neither is likely enough, `open`.

    Examples
    --------
    >>> [direction_of(p, 0.6) for p in (0.7, 0.5, 0.4)]
    ['over', 'open', 'under']
    """
    if p_over >= lean:
        return "over"
    return "under" if 1.0 - p_over >= lean else "open"


def stake(
    response: np.ndarray, marginal: np.ndarray, spend: float, hurdle: float, *, down: bool
) -> dict[str, np.ndarray | float]:
    """Return how much could be moved and what that is worth, per week.

    Parameters
    ----------
    response, marginal : ndarray, (K, S) and (S,)
        From `year_response`.
    spend : float
        Mean weekly spend of the year.
    down : bool
        Whether money is taken away, down to nothing; otherwise it is added, up to twice as much.

    Returns
    -------
    dict
        `movable` (S,): money beyond, or short of, each draw's own best level on that side;
        `best_spend`: the weekly spend that is best on average on that side; `gain` (S,): what
        going there is worth in KPI units after the hurdle on the money.
    """
    net = response - hurdle * spend * LEVELS[:, None]
    side = slice(0, NOW + 1) if down else slice(NOW, None)
    levels = LEVELS[side]
    best = levels[net[side].argmax(axis=0)]
    average = int(net[side].mean(axis=1).argmax())
    return {
        "movable": np.abs(best - 1.0) * spend,
        "best_spend": float(levels[average] * spend),
        "gain": net[side][average] - net[NOW],
    }


def hypothesis_rows(
    posterior: Posterior, panel: Panel, *, hurdle_roi: float, lean: float
) -> pl.DataFrame:
    """Return one row for each channel with money in the last 52 training weeks.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    hurdle_roi : float
        Return that spend must beat.
    lean : float
        Probability from which a channel is said to have too much or too little.

    Returns
    -------
    DataFrame in `schemas.HYPOTHESES`
        The money at stake is that on the likelier side, also where nothing is said.
    """
    panel = align(posterior, panel)
    keep = training_weeks(posterior, panel)
    year = keep & (np.cumsum(keep[::-1])[::-1] <= YEAR)
    others = None
    if is_multiplicative(posterior):
        others = without_channel(posterior, panel, [year])[0]
    weekly = panel.spend[:, year].sum(axis=0).mean(axis=0)
    rows, ranges = [], []
    for c, shapes in enumerate(distinct_shapes(posterior)):
        if weekly[c] <= 0:
            continue
        response, slope = year_response(
            shapes,
            full_effect(posterior, c),
            posterior.exposure_scale[:, c],
            panel.exposure[:, year, c],
            None if others is None else others[c],
            None if panel.frequency is None else panel.frequency[:, year, c],
        )
        marginal = slope / weekly[c]
        p_over = float((marginal < hurdle_roi).mean())
        found = stake(response, marginal, float(weekly[c]), hurdle_roi, down=p_over >= 0.5)
        ranges.append(summarise(np.stack([marginal, found["movable"], found["gain"]])))
        rows.append(
            {
                "channel_id": posterior.channels[c],
                "weekly_spend": float(weekly[c]),
                "p_over": p_over,
                "direction": direction_of(p_over, lean),
                "best_weekly_spend": found["best_spend"],
            }
        )
    frame = pl.DataFrame(
        rows,
        schema={name: HYPOTHESES[name] for name in ("channel_id", "weekly_spend", "p_over",
                                                    "direction", "best_weekly_spend")},
    )  # fmt: skip
    found = np.array(ranges).reshape(-1, 3, 4)
    columns = {
        name: values
        for k, stem in enumerate(("marginal_roi", "movable_spend", "gain"))
        for name, values in range_columns(stem, found[:, k]).items()
    }
    frame = frame.with_columns(
        run_id=pl.lit(posterior.run_id),
        model_id=pl.lit(posterior.model_id),
        as_of_week=pl.lit(posterior.last_week.item()),
        hurdle_roi=pl.lit(float(hurdle_roi)),
        is_pooled=pl.col("channel_id").is_in(list(posterior.pools)),
        **{name: pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()},
    )
    return conform(frame, HYPOTHESES)
