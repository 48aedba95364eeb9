"""One plain sentence for a difference between forecast and actual."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

SAID = 3  # causes that a sentence names
SMALL = 0.001  # share of the forecast below which a cause is not named
UNUSUAL = 2.0  # standard deviations
PHRASES = {
    "spend": ("more was spent on {} than planned", "less was spent on {} than planned"),
    "media_price": ("media of {} became cheaper", "media of {} became dearer"),
    "timing": ("{} ran in other weeks than planned",) * 2,
    "frequency": (
        "{} reached people more often than planned",
        "{} reached people less often than planned",
    ),
    "context": ("{} was more favourable than planned", "{} was less favourable than planned"),
    "event": ("{} was more favourable than planned", "{} was less favourable than planned"),
    "restated": ("data of {} were restated",) * 2,
    "mapping": ("media of {} were mapped anew",) * 2,
}


@dataclass(frozen=True)
class Cause:
    """What one cause of one driver changed."""

    driver_id: str
    label: str
    cause: str
    mean: float
    low: float
    high: float


def ranked(causes: Sequence[Cause]) -> list[Cause]:
    """Return causes that changed something, the largest first."""
    moved = [cause for cause in causes if cause.mean != 0]
    return sorted(moved, key=lambda c: (-abs(c.mean), c.driver_id, c.cause))


def as_json(causes: Sequence[Cause], forecast: float) -> str:
    """Return ranked causes as JSON: driver, cause, mean, range and share of the forecast."""
    return json.dumps(
        [
            {
                "rank": rank,
                "driver_id": cause.driver_id,
                "cause": cause.cause,
                "variance_mean": cause.mean,
                "variance_p05": cause.low,
                "variance_p95": cause.high,
                "share_of_forecast": cause.mean / forecast if forecast else None,
            }
            for rank, cause in enumerate(causes, start=1)
        ],
        ensure_ascii=False,
    )


def _rounded(value: float, form: str) -> str:
    """Return a number as text, zero without a minus."""
    text = format(value, form)
    return format(0.0, form) if float(text.replace(",", "")) == 0 else text


def _amount(value: float, forecast: float, sign: str = "+") -> str:
    """Return a difference in percent of the forecast, or as a number where that is zero."""
    if forecast > 0:
        return _rounded(100 * value / forecast, f"{sign}.1f") + "%"
    return _rounded(value, f"{sign},.4g")


def _said(cause: Cause, subject: str, forecast: float) -> str:
    """Return what a cause did in words; what the sentence is about is `it`."""
    phrase = PHRASES[cause.cause][cause.mean < 0]
    if cause.label == subject:
        for noun in ("media", "data"):
            phrase = phrase.replace(f"{noun} of {{}}", f"its {noun}")
    name = "it" if cause.label == subject else cause.label
    return f"{phrase.format(name)} ({_amount(cause.mean, forecast)})"


def _not_explained(rest: float, z_score: float | None, forecast: float) -> str:
    """Return what is left in words."""
    text = f"{_amount(rest, forecast)} is not explained"
    if z_score is None:
        return text
    unusual = ", unusual" if abs(z_score) > UNUSUAL else ""
    return f"{text} (z {_rounded(z_score, '.1f')}{unusual})"


def sentence(
    period: str,
    subject: str,
    forecast: float,
    total: float,
    causes: Sequence[Cause],
    *,
    unexplained: float | None = None,
    z_score: float | None = None,
    weeks: tuple[int, int] = (1, 1),
) -> str:
    """Return what happened in a period and why: the largest causes, and what is not explained.

    What is not explained comes first where it is larger than every cause.

    Parameters
    ----------
    period : str
        The period's name, as `June 2026` or `the week of 2026-06-01`.
    subject : str
        What the difference is of; empty for the KPI.
    causes : sequence of Cause
        From `ranked`.
    unexplained : float, optional
        Not given for nodes, whose effect is never observed.
    weeks : (int, int)
        Weeks that have come, weeks of the period.

    Examples
    --------
    >>> less = [Cause("search", "Search", "spend", -20.0, -30.0, -10.0),
    ...         Cause("tv", "TV", "media_price", -11.0, -15.0, -7.0)]
    >>> sentence("June 2026", "", 1000.0, -41.0, less, unexplained=-10.0, z_score=-0.8)
    'June 2026 was 4.1% below forecast: less was spent on Search than planned (-2.0%), media of TV \
became dearer (-1.1%), -1.0% is not explained (z -0.8).'
    """
    came, whole = weeks
    when = period if came >= whole else f"{period} ({came} of {whole} weeks)"
    what = f"The effect of {subject} in {when}" if subject else when[0].upper() + when[1:]
    if abs(total) <= SMALL * abs(forecast):
        head = f"{what} was as forecast"
    else:
        way = "below" if total < 0 else "above"
        head = f"{what} was {_amount(abs(total), forecast, '')} {way} forecast"
    named = [cause for cause in causes[:SAID] if abs(cause.mean) > SMALL * abs(forecast)]
    parts = [_said(cause, subject, forecast) for cause in named]
    if unexplained is not None:
        is_largest = bool(named) and abs(unexplained) > abs(named[0].mean)
        place = 0 if is_largest else len(parts)
        parts.insert(place, _not_explained(unexplained, z_score, forecast))
    return f"{head}: {', '.join(parts)}." if parts else f"{head}."
