"""What an approved budget move should bring, and what it brought, from a run's draws.

A move changes the money of one node of the hierarchy in a window of weeks. Its effect is the KPI
with the money less the KPI without it, over the window and the weeks that carry over from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mixloop.evaluate import align, fitted_by_geo
from mixloop.experiments import LiftTest, counterfactual
from mixloop.forms import is_multiplicative
from mixloop.panel import Panel
from mixloop.posterior import TRANSFORM_COLUMNS, Posterior
from mixloop.reach import usual_frequency
from mixloop.shapes import Shapes, distinct_shapes

RECENT_WEEKS = 13  # the level before a move
USUAL_WEEKS = 52  # how money falls on geos, and what exposure costs
ITSELF, BELOW, ABOVE = "itself", "below", "above"
ONE_WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Move:
    """An approved change of the weekly money of a node, as one model sees it.

    Attributes
    ----------
    decision_id, node_id : str
    role : str
        Where the node is: `itself` a modelled channel, `below` one, or `above` several.
    channels : tuple of str
        The modelled channels that the money is part of, or is spread over.
    geos : tuple of str
        Geos whose money moves; empty means all of the model's.
    start, end : datetime64[D]
        First days of the first and the last week.
    spend_from, spend_to : float
        Money a week, these geos together, without the move and with it.
    """

    decision_id: str
    node_id: str
    role: str
    channels: tuple[str, ...]
    geos: tuple[str, ...]
    start: np.datetime64
    end: np.datetime64
    spend_from: float
    spend_to: float

    @property
    def n_weeks(self) -> int:
        """Return the weeks of the window."""
        return int((self.end - self.start) // ONE_WEEK) + 1


@dataclass(frozen=True)
class Paths:
    """Exposure of some channels with and without a move.

    J geos, T weeks, N channels.

    Attributes
    ----------
    weeks : ndarray of datetime64[D], (T,)
    channels : tuple of str, (N,)
    with_move, without : ndarray, (J, T, N)
    is_window, is_after : ndarray of bool, (T,)
        Weeks of the move, and those after it that carry over from them.
    frequency : ndarray, (J, T, N), optional
        Contacts per person, of channels that are modelled on reach: money moves how many people are
        reached, not how often.
    """

    weeks: np.ndarray
    channels: tuple[str, ...]
    with_move: np.ndarray
    without: np.ndarray
    is_window: np.ndarray
    is_after: np.ndarray
    frequency: np.ndarray | None = None


@dataclass(frozen=True)
class Effect:
    """Draws of a move's effect on the KPI, geos together, (S,)."""

    in_window: np.ndarray
    in_all: np.ndarray


def _until(weeks: np.ndarray, last: np.datetime64) -> np.ndarray:
    """Return the weeks and those that follow them up to `last`."""
    later = np.arange(weeks[-1] + ONE_WEEK, last + np.timedelta64(1, "D"), ONE_WEEK)
    return np.append(weeks, later)


def _taking_part(geos: tuple[str, ...], panel: Panel) -> np.ndarray:
    """Return which geos of a panel take part, (J,)."""
    return np.isin(panel.geos, geos) if geos else np.ones(len(panel.geos), dtype=bool)


def _recent(spend: np.ndarray) -> np.ndarray:
    """Return money a week of the last quarter, from (T, ...)."""
    return spend[-RECENT_WEEKS:].mean(axis=0)


def shares_below(own: np.ndarray, node_spend: np.ndarray) -> np.ndarray:
    """Return the share of a node's money that falls on each modelled channel below it, (N,).

    As in the last 13 weeks, or as in all weeks where nothing ran then; equal where nothing ever
    did. What falls on nodes that are not modelled is in no share.

    Parameters
    ----------
    own : ndarray, (T, N)
    node_spend : ndarray, (T,)
        All money of the node.
    """
    for spend, node in ((_recent(own), _recent(node_spend)), (own.sum(axis=0), node_spend.sum())):
        if spend.sum() > 0:
            return spend / max(spend.sum(), node)
    return np.full(own.shape[1], 1.0 / own.shape[1])


def weekly_money(move: Move, panel: Panel, node_spend: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weekly money of each of the move's channels without and with it, (N,) each.

    Below a modelled channel the rest of the channel goes on as in the last 13 weeks; above, the
    money is spread by `shares_below`.

    Parameters
    ----------
    panel : Panel
        What is known before the move.
    node_spend : ndarray, (T,)
        The node's own money in the panel's weeks, geos of the move together.
    """
    own = _money_of(move, panel)
    share, rest = np.ones(own.shape[1]), np.zeros(own.shape[1])
    if move.role == ABOVE:
        share = shares_below(own, node_spend)
    if move.role == BELOW:
        rest = np.maximum(_recent(own) - _recent(node_spend), 0.0)
    return rest + share * move.spend_from, rest + share * move.spend_to


def _money_of(move: Move, panel: Panel) -> np.ndarray:
    """Return the weekly money of the move's channels in its geos, (T, N)."""
    at = [panel.channels.index(channel) for channel in move.channels]
    return panel.spend[_taking_part(move.geos, panel)][:, :, at].sum(axis=0)


def exposure_of_money(
    exposure: np.ndarray, spend: np.ndarray, taking_part: np.ndarray
) -> np.ndarray:
    """Return the exposure in each geo that one unit of money buys, (J,).

    Money falls on the geos that take part as in the last 52 weeks, or as in all weeks where
    nothing ran; equally where nothing ever did. Exposure costs what it did in the same weeks.

    Parameters
    ----------
    exposure, spend : ndarray, (J, T)
    """
    for weeks in (slice(-USUAL_WEEKS, None), slice(None)):
        by_geo = np.where(taking_part, spend[:, weeks].sum(axis=1), 0.0)
        bought = exposure[taking_part][:, weeks].sum()
        if by_geo.sum() > 0 and bought > 0:
            return by_geo / by_geo.sum() * bought / by_geo.sum()
    everywhere = exposure.sum() / spend.sum() if spend.sum() > 0 and exposure.sum() > 0 else 1.0
    return taking_part / taking_part.sum() * everywhere


def _frequency(panel: Panel, channels: list[int], n_weeks: int) -> np.ndarray | None:
    """Return how often channels reach people in weeks from the panel's first on, (J, n, N)."""
    if panel.frequency is None:
        return None
    found = [
        usual_frequency(panel.exposure[:, :, c], panel.frequency[:, :, c], n_weeks)
        for c in channels
    ]
    return np.stack(found, axis=2)


def planned_paths(
    move: Move, panel: Panel, node_spend: np.ndarray, last_known: np.datetime64, carryover: int
) -> Paths:
    """Return exposure as it was known on approval, then at steady weekly money.

    Parameters
    ----------
    panel : Panel
        History of the run's channels; weeks after `last_known` are not looked at.
    node_spend : ndarray, (T,)
        The node's own money in the panel's weeks, geos of the move together.
    last_known : datetime64[D]
        Last training week of the run that predicts.
    """
    known = panel.until(last_known)
    money = weekly_money(move, known, node_spend[: len(known.weeks)])
    weeks = _until(known.weeks, move.end + carryover * ONE_WEEK)
    weeks = weeks[weeks <= move.end + carryover * ONE_WEEK]
    is_window = (weeks >= move.start) & (weeks <= move.end)
    at = [panel.channels.index(channel) for channel in move.channels]
    history = known.exposure[:, : len(weeks), at]
    later = np.zeros((len(panel.geos), len(weeks) - history.shape[1], len(at)))
    without = np.concatenate([history, later], axis=1)
    assumed = (weeks > last_known) | (weeks >= move.start)
    taking_part = _taking_part(move.geos, panel)
    unit = np.stack(
        [exposure_of_money(known.exposure[:, :, c], known.spend[:, :, c], taking_part) for c in at],
        axis=1,
    )  # (J, N)
    level, level_with = ((unit * each)[:, None, :] for each in money)
    without = np.where(assumed[:, None] & taking_part[:, None, None], level, without)
    with_move = np.where(is_window[:, None] & taking_part[:, None, None], level_with, without)
    often = _frequency(known, at, len(weeks))
    return Paths(weeks, move.channels, with_move, without, is_window, weeks > move.end, often)


def moved_money(move: Move, panel: Panel, node_spend: np.ndarray) -> tuple[LiftTest, ...]:
    """Return what happened in the move's window against the money without it, by channel.

    Parameters
    ----------
    panel : Panel
        Holds the weeks of the move.
    node_spend : ndarray, (T,)
        The node's own money in the panel's weeks, geos of the move together.
    """
    window = (panel.weeks >= move.start) & (panel.weeks <= move.end)
    own, node = _money_of(move, panel), node_spend[window].sum()
    spent, total = own[window].sum(axis=0), move.spend_from * move.n_weeks
    without = np.full(len(spent), total)
    if move.role == ABOVE:
        without = total * (spent / node if node > 0 else shares_below(own, node_spend))
    if move.role == BELOW:
        without = np.maximum(spent - node + total, 0.0)
    return tuple(
        LiftTest(
            evidence_id=move.decision_id,
            channel_id=channel,
            geos=move.geos,
            start_week=str(move.start),
            end_week=str(move.end),
            spend_actual=float(spent[n]),
            spend_counterfactual=float(without[n]),
            lift=0.0,
            standard_error=1.0,
        )
        for n, channel in enumerate(move.channels)
    )


def actual_paths(tests: tuple[LiftTest, ...], panel: Panel, carryover: int) -> Paths:
    """Return the exposure that was, and what it would have been without a move.

    Weeks that carry over and are not known yet get the exposure of the last 13 weeks.

    Parameters
    ----------
    tests : tuple of LiftTest
        One for each channel, all of one window.
    panel : Panel
        Holds the weeks of the window.
    """
    start, end = np.datetime64(tests[0].start_week), np.datetime64(tests[0].end_week)
    weeks = _until(panel.weeks, max(end + carryover * ONE_WEEK, panel.weeks[-1]))
    at = [panel.channels.index(test.channel_id) for test in tests]
    unknown = len(weeks) - len(panel.weeks)

    def lengthened(exposure: np.ndarray) -> np.ndarray:
        level = panel.exposure[:, -RECENT_WEEKS:][:, :, at].mean(axis=1, keepdims=True)
        return np.concatenate([exposure, np.repeat(level, unknown, axis=1)], axis=1)

    without = [counterfactual(test, panel, c) for test, c in zip(tests, at, strict=True)]
    keep = weeks <= end + carryover * ONE_WEEK
    often = _frequency(panel, at, len(weeks))
    return Paths(
        weeks=weeks[keep],
        channels=tuple(test.channel_id for test in tests),
        with_move=lengthened(panel.exposure[:, :, at])[:, keep],
        without=lengthened(np.stack(without, axis=2))[:, keep],
        is_window=((weeks >= start) & (weeks <= end))[keep],
        is_after=(weeks > end)[keep],
        frequency=None if often is None else often[:, keep],
    )


def _worth(posterior: Posterior, panel: Panel, weeks: np.ndarray) -> np.ndarray:
    """Return a product's KPI without noise by geo, week and draw, (J, T, S).

    Weeks that the run was not trained on get the mean of the last 52 training weeks.
    """
    trained = (panel.weeks >= posterior.first_week) & (panel.weeks <= posterior.last_week)
    at = np.searchsorted(panel.weeks[trained], weeks)
    is_known = np.isin(weeks, panel.weeks[trained])
    out = []
    for fitted in fitted_by_geo(posterior, panel, trained):  # (training weeks, S)
        average = fitted[-USUAL_WEEKS:].mean(axis=0)
        mine = fitted[np.minimum(at, len(fitted) - 1)]
        out.append(np.where(is_known[:, None], mine, average))
    return np.stack(out)


def _from_window(paths: Paths, carryover: int) -> Paths:
    """Return the weeks of the window, those after it, and those before that carry over into it."""
    first = max(int(np.argmax(paths.is_window)) - carryover, 0)
    often = paths.frequency
    return Paths(
        weeks=paths.weeks[first:],
        channels=paths.channels,
        with_move=paths.with_move[:, first:],
        without=paths.without[:, first:],
        is_window=paths.is_window[first:],
        is_after=paths.is_after[first:],
        frequency=None if often is None else often[:, first:],
    )


def _shapes(posterior: Posterior, channels: tuple[str, ...]) -> dict[str, Shapes]:
    """Return the distinct transforms of some channels of a run."""
    at = [posterior.channels.index(channel) for channel in channels]
    drawn = {name: getattr(posterior, name)[:, at] for name in TRANSFORM_COLUMNS}
    units = tuple(posterior.media_units[c] for c in at)
    part = replace(posterior, channels=channels, media_units=units, **drawn)
    return dict(zip(channels, distinct_shapes(part), strict=True))


def effect_of(posterior: Posterior, paths: Paths, panel: Panel, *, has_happened: bool) -> Effect:
    """Return the draws of what the KPI gains from one path against the other.

    Of a product the gain is a share of the KPI: of the one with the move where it has happened,
    of the usual one where it is still to come.

    Parameters
    ----------
    panel : Panel
        History; only a product needs it.
    """
    paths = _from_window(paths, posterior.carryover_weeks)
    shapes = _shapes(posterior, paths.channels)
    keep = paths.is_window | paths.is_after
    years = posterior.years(paths.weeks)
    gains = []
    for j in range(len(posterior.geos)):
        gain = np.zeros((int(keep.sum()), len(posterior.coef)))
        for n, channel in enumerate(paths.channels):
            both = np.stack([paths.with_move[j, :, n], paths.without[j, :, n]])
            if (both[0] == both[1]).all():
                continue
            c, shape = posterior.channels.index(channel), shapes[channel]
            often = None if paths.frequency is None else paths.frequency[[j, j], :, n]
            scale = posterior.exposure_scale[j, c]
            height = shape.saturated(both, scale, years, often)[..., keep]
            gain += (height[:, 0] - height[:, 1]).T[:, shape.which] * posterior.coef[:, j, c]
        gains.append(gain)
    change = np.stack(gains)  # (J, kept weeks, S)
    if is_multiplicative(posterior):
        worth = _worth(posterior, align(posterior, panel), paths.weeks[keep])
        change = worth * (-np.expm1(-change) if has_happened else np.expm1(change))
    else:
        change = change * posterior.kpi_scale[:, None, None]
    by_week = change.sum(axis=0)
    return Effect(by_week[paths.is_window[keep]].sum(axis=0), by_week.sum(axis=0))
