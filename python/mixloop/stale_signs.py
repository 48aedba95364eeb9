"""The signs that a run's training no longer holds: mix, channels, prices, ranges, age.

Everything is geos together, weeks are positions from the first week with media on. A sign that
cannot be measured is reported with a measured value of None and is never called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from mixloop.likewise import (
    longest_gap,
    ordinary_movement,
    reference_weights,
    total_variation,
)
from mixloop.transforms import adstock

LEAST_WEEKS = 4  # fewer weeks say nothing of a mix, a price or a budget
TOTAL = "total"


@dataclass(frozen=True)
class Thresholds:
    """When a sign is called; the vars of the same names."""

    mix_shift: float = 0.15
    price_shift: float = 0.15
    range_tolerance: float = 0.25
    max_age_weeks: int = 13
    staleness_window_weeks: int = 13
    min_share_of_spend: float = 0.01
    miss_window_weeks: int = 72
    miss_block_weeks: int = 4
    miss_minimum: int = 8
    miss_false_alarm: float = 0.05


@dataclass(frozen=True)
class Signal:
    """One sign of one run, for one channel or the total.

    Attributes
    ----------
    first, last : int or None
        Positions of the weeks that decide.
    n : int
        Observations behind it.
    """

    channel_id: str
    signal: str
    measured: float | None
    threshold: float | None
    is_triggered: bool
    sentence: str
    first: int | None = None
    last: int | None = None
    n: int = 0
    p_value: float | None = None


@dataclass(frozen=True)
class Planned:
    """A plan for the weeks after the last known one.

    Attributes
    ----------
    spend, exposure : ndarray, (H, C)
    is_client : bool
        Whether the client made it; otherwise it is last year's status quo.
    """

    spend: np.ndarray
    exposure: np.ndarray
    is_client: bool = True


@dataclass(frozen=True)
class RunView:
    """What a run was trained on, and what came and is planned since.

    Attributes
    ----------
    channels : tuple of str
    spend, exposure, impressions : ndarray, (T, C)
        Every known week, from the first one with media on.
    weights : ndarray, (C, L + 1)
        Mean carry-over of each channel; zeros for a channel that the run does not know.
    training : ndarray of int
        Positions of the training weeks.
    plans : dict of str to Planned
    """

    channels: tuple[str, ...]
    spend: np.ndarray
    exposure: np.ndarray
    impressions: np.ndarray
    weights: np.ndarray
    training: np.ndarray
    plans: dict[str, Planned] = field(default_factory=dict)

    @property
    def since(self) -> np.ndarray:
        """Positions of the known weeks after training."""
        return np.arange(self.training[-1] + 1, len(self.spend))

    def with_plan(self, values: np.ndarray, planned: np.ndarray | None) -> np.ndarray:
        """Return known weeks, then planned ones."""
        return values if planned is None else np.vstack([values, planned])

    def carried(self, values: np.ndarray) -> np.ndarray:
        """Return values (T, C) carried over by each channel's mean kernel, (T, C)."""
        return adstock(values.T, self.weights).T


def _outlooks(view: RunView) -> Iterator[tuple[str, np.ndarray, Planned | None]]:
    """Yield what is looked at: the weeks since training, then the weeks of each plan."""
    if len(view.since):
        yield "since training", view.since, None
    for name, plan in sorted(view.plans.items()):
        ahead = np.arange(len(view.spend), len(view.spend) + len(plan.spend))
        yield f"in plan {name}", ahead, plan


def named(channel: str) -> str:
    """Return what a channel is called in a sentence."""
    return "all channels" if channel == TOTAL else channel


def weeks_in_words(count: int) -> str:
    """Return a number of weeks.

    Examples
    --------
    >>> weeks_in_words(1), weeks_in_words(13)
    ('1 week', '13 weeks')
    """
    return f"{count} week" if count == 1 else f"{count} weeks"


def _percent(share: float) -> str:
    return f"{100.0 * share:.0f}%"


def mix_signals(view: RunView, limits: Thresholds) -> list[Signal]:
    """Return how far the mix of spend has moved: recent weeks and plans, the furthest one."""
    found = []
    for name, weeks, plan in _outlooks(view):
        weeks = weeks[-limits.staleness_window_weeks :]
        if len(weeks) < LEAST_WEEKS:
            continue
        spend = view.with_plan(view.spend, plan.spend if plan else None)

        def distance(window: np.ndarray, weights: np.ndarray, spend: np.ndarray = spend) -> float:
            return total_variation(spend[window].sum(axis=0), weights @ spend[view.training])

        measured = distance(weeks, reference_weights(weeks, view.training))
        if np.isfinite(measured):
            ordinary = ordinary_movement(distance, view.training, len(weeks))
            found.append((measured, np.nan_to_num(ordinary), name, weeks, spend))
    if not found:
        sentence = "no mix to compare: fewer than four weeks since training, and no plan"
        return [Signal(TOTAL, "mix_shift", None, limits.mix_shift, False, sentence)]
    measured, ordinary, name, weeks, spend = max(
        found, key=lambda row: row[0] - max(row[1], limits.mix_shift)
    )
    threshold = max(limits.mix_shift, ordinary)
    moves = _moves(view, weeks, spend)
    sentence = f"{_percent(measured)} of the money is in other channels {name}: {moves}"
    if ordinary > limits.mix_shift:
        sentence += f" (within training the mix moved by up to {_percent(ordinary)})"
    return [
        Signal(TOTAL, "mix_shift", measured, threshold, measured > threshold, sentence,
               int(weeks[0]), int(weeks[-1]), len(weeks))
    ]  # fmt: skip


def _moves(view: RunView, weeks: np.ndarray, spend: np.ndarray) -> str:
    """Say which channels' shares moved most."""
    before = reference_weights(weeks, view.training) @ spend[view.training]
    now = spend[weeks].sum(axis=0)
    before, now = before / before.sum(), now / now.sum()
    order = np.argsort(-np.abs(now - before), kind="stable")[:3]
    return ", ".join(
        f"{view.channels[c]} {_percent(before[c])} to {_percent(now[c])}" for c in order
    )


def channel_signals(view: RunView, limits: Thresholds) -> list[Signal]:
    """Return channels that appeared after training and channels that fell silent."""
    plan = next((p for _, p in sorted(view.plans.items()) if p.is_client), None)
    spend = view.with_plan(view.spend, plan.spend if plan else None)
    after = np.arange(view.training[-1] + 1, len(spend))
    total = spend[after].sum()
    trained = spend[view.training] > 0
    out = []
    for c, channel in enumerate(view.channels):
        later = spend[after, c]
        if not trained[:, c].any():
            if not later.sum() > 0:
                continue
            share = later.sum() / total
            first = int(after[later > 0][0])
            sentence = (
                f"{channel} is new: {_percent(share)} of the money since training and planned, "
                "none in training"
            )
            out.append(Signal(channel, "new_channel", share, limits.min_share_of_spend,
                              share > limits.min_share_of_spend, sentence, first,
                              int(after[-1]), len(after)))  # fmt: skip
            continue
        out.append(_silence(view, limits, c, spend[: after[-1] + 1, c] if len(after) else None))
    return out


def _silence(view: RunView, limits: Thresholds, c: int, spend: np.ndarray | None) -> Signal:
    """Return how long a channel has been (or is planned to be) silent at the end."""
    channel, trained = view.channels[c], view.spend[view.training, c]
    pause = longest_gap(trained > 0)
    usual = max(pause, LEAST_WEEKS)
    share = trained.sum() / max(view.spend[view.training].sum(), 1e-300)
    if spend is None:
        sentence = f"no week since training and no plan says whether {channel} goes on"
        return Signal(channel, "dropped_channel", None, usual, False, sentence)
    last_active = int(np.flatnonzero(spend > 0)[-1])
    silent = len(spend) - 1 - last_active
    is_triggered = (
        silent > usual and len(spend) > len(view.spend[: view.training[-1] + 1])
        and share > limits.min_share_of_spend
    )  # fmt: skip
    sentence = f"{channel} has money in the last week that is known or planned"
    if silent:
        sentence = f"{channel} has no money in the last {weeks_in_words(silent)}, plan included; "
        sentence += (
            f"its longest pause in training was {weeks_in_words(pause)}"
            if pause
            else "it never paused in training"
        )
    return Signal(channel, "dropped_channel", float(silent), float(usual), is_triggered, sentence,
                  last_active + 1 if silent else None, len(spend) - 1 if silent else None,
                  len(spend) - 1 - int(view.training[-1]))  # fmt: skip


def price_signals(view: RunView, limits: Thresholds) -> list[Signal]:
    """Return the price of media since training over that of training, where both are known."""
    weeks = view.since[-limits.staleness_window_weeks :]
    out = []
    for c, channel in enumerate(view.channels):
        spend, seen = view.spend[:, c], view.impressions[:, c]
        if not (spend[view.training].sum() > 0 and seen[view.training].sum() > 0):
            continue

        def movement(
            window: np.ndarray,
            weights: np.ndarray,
            spend: np.ndarray = spend,
            seen: np.ndarray = seen,
        ) -> float:
            parts = (spend[window].sum(), seen[window].sum(), weights @ spend[view.training],
                     weights @ seen[view.training])  # fmt: skip
            if min(parts) <= 0:
                return np.nan
            return float(np.log(parts[0] / parts[1]) - np.log(parts[2] / parts[3]))

        moved = np.nan
        if len(weeks) >= LEAST_WEEKS:
            moved = movement(weeks, reference_weights(weeks, view.training))
        if not np.isfinite(moved):
            sentence = f"no price of {channel} to compare: fewer than four weeks since training"
            out.append(Signal(channel, "media_price", None, None, False, sentence))
            continue
        ordinary = np.nan_to_num(
            ordinary_movement(lambda w, r: abs(movement(w, r)), view.training, len(weeks))
        )
        limit = max(np.log1p(limits.price_shift), float(ordinary))
        index = float(np.exp(moved))
        threshold = float(np.exp(limit if moved > 0 else -limit))
        sentence = (
            f"a thousand impressions of {channel} cost {index:.2f} times what they did in training"
        )
        out.append(Signal(channel, "media_price", index, threshold, abs(moved) > limit, sentence,
                          int(weeks[0]), int(weeks[-1]), len(weeks)))  # fmt: skip
    return out


def range_signals(view: RunView, limits: Thresholds) -> list[Signal]:
    """Return how far weeks since training and planned ones go beyond the largest in training.

    For each channel and in total: one week's media (`spend_range`), what has been carried over
    (`carryover_range`), and all weeks' money against as many weeks of training (`budget_range`).
    """
    out = []
    rows: dict[str, list[tuple]] = {}
    for name, weeks, plan in _outlooks(view):
        spend = view.with_plan(view.spend, plan.spend if plan else None)
        exposure = view.with_plan(view.exposure, plan.exposure if plan else None)
        series = {
            "spend_range": _and_total(exposure, spend),
            "carryover_range": _and_total(view.carried(exposure), view.carried(spend)),
            "budget_range": _rolling(_and_total(spend, spend), len(weeks)),
        }
        for signal, values in series.items():
            is_whole = signal == "budget_range"
            at = weeks[-1:] if is_whole else weeks
            start = int(weeks[0]) if is_whole else None
            rows.setdefault(signal, []).append((name, at, values, start))
    names = (*view.channels, TOTAL)
    for signal in ("spend_range", "carryover_range", "budget_range"):
        for c, channel in enumerate(names):
            found = [_beyond(view, *row, c) for row in rows.get(signal, [])]
            out += _range_signal(view, limits, signal, channel, [row for row in found if row])
    return out


def _and_total(values: np.ndarray, spend: np.ndarray) -> np.ndarray:
    """Append the total of spend as a last column."""
    return np.column_stack([values, spend.sum(axis=1)])


def _rolling(values: np.ndarray, length: int) -> np.ndarray:
    """Return sums over the last `length` weeks, fewer at the beginning."""
    sums = np.vstack([np.zeros(values.shape[1]), np.cumsum(values, axis=0)])
    back = np.maximum(np.arange(1, len(sums)) - length, 0)
    return sums[1:] - sums[back]


def _beyond(
    view: RunView, name: str, weeks: np.ndarray, values: np.ndarray, start: int | None, c: int
) -> tuple | None:
    """Return a series over training's peak, and by how much such peaks differ; None without."""
    most = values[view.training, c].max()
    if most <= 0:
        return None
    margin = record_margin(values[view.training, c], len(weeks))
    return values[weeks, c] / most, margin, name, float(most), weeks, start


def record_margin(values: np.ndarray, length: int) -> float:
    """Return by how much training's own highest week went beyond its other weeks, at least 1.

    The highest value over the highest one outside of the window of `length` weeks around it.

    Examples
    --------
    >>> record_margin(np.array([1.0, 2.0, 5.0, 2.0, 4.0, 1.0]), 3)
    1.25
    """
    top = int(values.argmax())
    away = np.abs(np.arange(len(values)) - top) > length // 2
    rest = values[away].max() if away.any() else 0.0
    return float(values[top] / rest) if rest > 0 else 1.0


def _range_signal(
    view: RunView, limits: Thresholds, signal: str, channel: str, found: list[tuple]
) -> list[Signal]:
    """Return the furthest of the outlooks as one signal; none for a channel without training."""
    if not found:
        return []
    ratio, margin, name, most, weeks, start = max(found, key=lambda row: row[0].max() / row[1])
    threshold = (1.0 + limits.range_tolerance) * margin
    outside = weeks[ratio > threshold]
    what = {
        "spend_range": "a week of",
        "carryover_range": "carried-over media of",
        "budget_range": "the money of the whole period for",
    }[signal]
    measured = float(ratio.max())
    sentence = (
        f"{what} {named(channel)} reaches {measured * most:,.0f} {name}, {measured:.2f} times the "
        f"most in training ({most:,.0f})"
    )
    at = int(outside[0]) if len(outside) else int(weeks[int(ratio.argmax())])
    at = at if start is None else start
    return [
        Signal(channel, signal, measured, threshold, bool(len(outside)), sentence, at,
               int(weeks[-1]), int(weeks[-1]) - at + 1)
    ]  # fmt: skip


def age_signal(view: RunView, limits: Thresholds) -> Signal:
    """Return how many known weeks the run has not seen."""
    weeks = len(view.since)
    came = "has" if weeks == 1 else "have"
    sentence = f"{weeks_in_words(weeks)} {came} come since training"
    return Signal(TOTAL, "age", float(weeks), float(limits.max_age_weeks),
                  weeks > limits.max_age_weeks, sentence,
                  int(view.training[-1]) + limits.max_age_weeks + 1
                  if weeks > limits.max_age_weeks else None,
                  len(view.spend) - 1, weeks)  # fmt: skip
