"""Periods that weeks belong to: a week belongs where its first day is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July", "August"),
    *("September", "October", "November", "December"),
)


@dataclass(frozen=True)
class Period:
    """A week, month, quarter or goal period.

    Attributes
    ----------
    kind : str
        `week`, `month`, `quarter` or `goal`.
    period_id, label : str
    start, end : date
        Weeks whose first day is between them belong to the period.
    """

    kind: str
    period_id: str
    label: str
    start: date
    end: date

    def count(self, week: date) -> int:
        """Return how many weeks belong to the period, `week` being the first day of any week."""
        first = self.start + timedelta((week - self.start).days % 7)
        return max((self.end - first).days // 7 + 1, 0)


def _month(year: int, month: int, length: int) -> tuple[date, date]:
    after = date(year + (month - 1 + length) // 12, (month - 1 + length) % 12 + 1, 1)
    return date(year, month, 1), after - timedelta(1)


def periods_of(
    weeks: np.ndarray, goals: Sequence[tuple[str, date, date]] = ()
) -> list[tuple[Period, np.ndarray]]:
    """Return every period that holds some of the weeks, and which of them: (H,) bool.

    Weeks first, then months, quarters and goals, each in the order of time.

    Parameters
    ----------
    goals : sequence of (goal_id, first day, last day)

    Examples
    --------
    >>> found = periods_of(np.array(["2026-05-25", "2026-06-01"], dtype="datetime64[D]"))
    >>> [(period.label, held.tolist()) for period, held in found[2:]]
    [('May 2026', [True, False]), ('June 2026', [False, True]), ('Q2 2026', [True, True])]
    """
    days = [week.item() for week in weeks]
    every = [Period("week", str(d), f"the week of {d}", d, d) for d in days]
    for year, month in dict.fromkeys((d.year, d.month) for d in days):
        name = f"{year}-{month:02d}"
        every.append(Period("month", name, f"{MONTHS[month - 1]} {year}", *_month(year, month, 1)))
    for year, quarter in dict.fromkeys((d.year, (d.month + 2) // 3) for d in days):
        bounds = _month(year, 3 * quarter - 2, 3)
        every.append(Period("quarter", f"{year}-Q{quarter}", f"Q{quarter} {year}", *bounds))
    every += [Period("goal", name, f"goal {name}", start, end) for name, start, end in goals]
    held = [np.array([p.start <= d <= p.end for d in days], dtype=bool) for p in every]
    return [(p, at) for p, at in zip(every, held, strict=True) if at.any()]
