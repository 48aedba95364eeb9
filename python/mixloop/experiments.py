"""Lift tests as the client states them: their place in a run's data and what their error counts.

A test is believed less when it is old, when it moved spend at another level than today's, and when
it was short against the channel's carry-over: each factor multiplies the variance of its lift.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from mixloop.panel import Panel
from mixloop.reach import REACH_FREQUENCY, require_frequency, transform_channels, usual_frequency
from mixloop.transforms import TransformGrid, adstock_weights

CURRENT_WEEKS = 13  # today's level of spend is the mean of the last quarter of training
DATES = ("start_week", "end_week")
MOST_INFLATION = 4.0  # of the variance, by the gap of spend and by the duration, each


@dataclass(frozen=True)
class LiftTest:
    """One measured effect of moving a channel's spend.

    Attributes
    ----------
    evidence_id, channel_id : str
    geos : tuple of str
        Geos that took part; empty means all of the model's.
    start_week, end_week : str
        First days of the first and the last week, YYYY-MM-DD.
    spend_actual, spend_counterfactual : float
        Money over all weeks and geos of the test: what was spent, and what would have been.
    lift, standard_error : float
        KPI over the same weeks and geos, actual minus counterfactual. The error is above zero.
    source : str
        `experiment`, or `decision` for a move that an earlier run measured from weeks that are no
        longer trained on.
    """

    evidence_id: str
    channel_id: str
    geos: tuple[str, ...]
    start_week: str
    end_week: str
    spend_actual: float
    spend_counterfactual: float
    lift: float
    standard_error: float
    source: str = "experiment"


@dataclass(frozen=True)
class ErrorFactors:
    """What multiplies the variance of a lift, each at least one."""

    age: float
    gap: float
    duration: float

    @property
    def of_error(self) -> float:
        """Return what multiplies the standard error."""
        return float(np.sqrt(self.age * self.gap * self.duration))


def known_at(tests: Iterable[LiftTest], panel: Panel, n_training: int) -> list[LiftTest]:
    """Return the tests that lie in the training weeks, sorted by name.

    A test that ends after the last training week was not known to a run of that week. A measured
    decision lies before the training weeks, in weeks whose media are there.
    """
    first, last = str(panel.weeks[-n_training]), str(panel.weeks[-1])
    begin = {"experiment": first, "decision": str(panel.weeks[0])}
    known = [test for test in tests if begin[test.source] <= test.start_week]
    known = [test for test in known if test.end_week <= last]
    known = [test for test in known if set(test.geos) <= set(panel.geos)]
    return sorted(known, key=lambda test: test.evidence_id)


def window_of(test: LiftTest, panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return which weeks (T,) and geos (J,) of a panel a test took place in."""
    start, end = np.datetime64(test.start_week), np.datetime64(test.end_week)
    weeks = (panel.weeks >= start) & (panel.weeks <= end)
    geos = np.isin(panel.geos, test.geos) if test.geos else np.ones(len(panel.geos), dtype=bool)
    return weeks, geos


def counterfactual(test: LiftTest, panel: Panel, channel: int) -> np.ndarray:
    """Return the channel's exposure if the test had not been, (J, T).

    The window's exposure is scaled by counterfactual over actual spend. Where nothing ran in the
    window (a test that switched the channel off), the counterfactual money is spread evenly over
    its weeks, over the geos as the channel's money usually is, at the usual price of exposure.
    Of reach, money moves how many people are reached; how often each of them is stays.
    """
    exposure, spend = panel.exposure[:, :, channel], panel.spend[:, :, channel]
    weeks, geos = window_of(test, panel)
    window = np.outer(geos, weeks)
    if exposure[window].sum() > 0 and test.spend_actual > 0:
        return np.where(
            window, exposure * (test.spend_counterfactual / test.spend_actual), exposure
        )
    usual = np.where(geos, spend.sum(axis=1), 0.0)
    share = usual / usual.sum() if usual.sum() > 0 else geos / geos.sum()
    price = spend.sum() / exposure.sum() if spend.sum() > 0 and exposure.sum() > 0 else 1.0
    even = test.spend_counterfactual / weeks.sum() / price
    return np.where(window, share[:, None] * even, exposure)


def effect_per_coefficient(
    test: LiftTest,
    panel: Panel,
    channel: int,
    scale: np.ndarray,
    worth: np.ndarray,
    grid: TransformGrid,
    carryover_weeks: int,
    years: np.ndarray | None = None,
    unit: str = "spend",
) -> np.ndarray:
    """Return the lift that a coefficient of one stands for, under every transform: (J, G).

    What carries over counts up to the test's last week, because the lift was measured up to then.

    Parameters
    ----------
    scale : ndarray, (J,)
        Exposure that counts as 1.
    worth : ndarray, (J, T)
        KPI that one unit of the model's scale stands for, by geo and week of the panel.
    years : ndarray, (T,), optional
        Of the panel's weeks, as in `transforms.years_of_training`; needed where effectiveness
        drifts.
    unit : str
        What the channel's exposure counts.
    """
    weeks, geos = window_of(test, panel)
    seen = np.flatnonzero(weeks)
    span = slice(max(seen[0] - carryover_weeks, 0), seen[-1] + 1)
    both = np.stack([panel.exposure[:, :, channel], counterfactual(test, panel, channel)], axis=2)
    within = None if years is None else years[span]
    often = None
    if unit == REACH_FREQUENCY:
        known = require_frequency(panel.frequency)[:, :, channel]
        usual = usual_frequency(panel.exposure[:, :, channel], known)
        often = usual[:, span, None].repeat(2, axis=2)
    media = transform_channels(
        both[:, span] / scale[:, None, None],
        often,
        (grid, grid),
        (unit, unit),
        carryover_weeks,
        within,
    )
    gained = (media[0] - media[1])[:, :, weeks[span]]  # (J, G, weeks of the test)
    return np.einsum("jgt,jt->jg", gained, np.where(geos[:, None], worth[:, weeks], 0.0))


def unseen_share(
    n_weeks: int, grid: TransformGrid, log_prior: np.ndarray, carryover_weeks: int
) -> float:
    """Return the share of an exposure's effect that is expected to come after so many weeks.

    Parameters
    ----------
    log_prior : ndarray, (G,)
        Log weights of the channel's transforms before looking at the data.
    """
    shapes = zip(grid.kernel, grid.decay, strict=True)
    late = [adstock_weights(k, float(d), carryover_weeks)[n_weeks:].sum() for k, d in shapes]
    return float(np.exp(log_prior) @ np.array(late))


def spend_gap(test: LiftTest, panel: Panel, channel: int) -> float:
    """Return how far today's spend is from the levels the test compared, as a factor from 1.

    Levels are money a week over the test's geos. Between the two levels of the test there is no
    gap; outside, the gap is the ratio to the nearer one (infinite where one of them is zero).
    """
    weeks, geos = window_of(test, panel)
    current = panel.spend[geos, -CURRENT_WEEKS:, channel].sum(axis=0).mean()
    levels = np.array([test.spend_actual, test.spend_counterfactual]) / weeks.sum()
    if levels.min() <= current <= levels.max():
        return 1.0
    near = levels.min() if current < levels.min() else levels.max()
    small, large = sorted((current, near))
    return float(large / small) if small > 0 else float("inf")


def error_factors(
    test: LiftTest,
    panel: Panel,
    channel: int,
    grid: TransformGrid,
    log_prior: np.ndarray,
    carryover_weeks: int,
    half_life_weeks: float,
) -> ErrorFactors:
    """Return what multiplies the variance of a test's lift in a run that ends with the panel.

    - age: 2^(weeks since the test's last week / half_life_weeks);
    - gap: 1 + log2(gap of spend)^2, so that half or double the spend doubles the variance;
    - duration: 1 / (1 - share of the effect that comes after the test).
    """
    weeks, _ = window_of(test, panel)
    age = (panel.weeks[-1] - panel.weeks[weeks][-1]).astype(int) / 7.0
    has_spend = panel.spend[:, :, channel].any()
    gap = 1.0 + np.log2(spend_gap(test, panel, channel)) ** 2 if has_spend else 1.0
    unseen = unseen_share(int(weeks.sum()), grid, log_prior, carryover_weeks)
    return ErrorFactors(
        age=float(2.0 ** (age / half_life_weeks)),
        gap=float(min(gap, MOST_INFLATION)),
        duration=float(min(1.0 / max(1.0 - unseen, 1e-9), MOST_INFLATION)),
    )


def read_lift_tests(rows: pl.DataFrame) -> tuple[LiftTest, ...]:
    """Read lift tests of one model from rows of `int_mixloop__model_evidence` that count."""
    names = [name for name in LiftTest.__annotations__ if name in rows.columns and name != "geos"]
    return tuple(
        LiftTest(
            **{name: row[name] for name in names} | {name: str(row[name]) for name in DATES},
            geos=tuple(sorted(row["geos"] or ())),
        )
        for row in rows.sort("evidence_id").iter_rows(named=True)
    )
