"""One plain sentence for a difference between forecast and actual."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

SAID = 3  # causes that a sentence names
SMALL = 0.001  # share of the forecast below which a cause is not named
PHRASES = {
    "spend": ("{} was overspent", "{} was underspent"),
    "media_price": ("media of {} became cheaper", "media of {} became dearer"),
    "timing": ("{} ran at better times than planned", "{} ran at worse times than planned"),
    "context": ("{} came better than planned", "{} came worse than planned"),
    "event": ("{} came better than planned", "{} came worse than planned"),
    "restated": ("data of {} were restated", "data of {} were restated"),
    "mapping": ("{} was mapped anew", "{} was mapped anew"),
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
    """Return what happened in a period and why.

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
    'June 2026 was 4.1% below forecast: Search was underspent (-2.0%), media of TV became dearer \
(-1.1%), -1.0% is not explained (z -0.8).'
    """
    came, whole = weeks
    when = period if came >= whole else f"{period} so far ({came} of {whole} weeks)"
    what = f"The effect of {subject} in {when}" if subject else when[0].upper() + when[1:]
    if abs(total) <= SMALL * abs(forecast):
        head = f"{what} was as forecast"
    else:
        way = "below" if total < 0 else "above"
        head = f"{what} was {_amount(abs(total), forecast, '')} {way} forecast"
    named = [cause for cause in causes[:SAID] if abs(cause.mean) > SMALL * abs(forecast)]
    parts = [
        PHRASES[cause.cause][cause.mean < 0].format(cause.label)
        + f" ({_amount(cause.mean, forecast)})"
        for cause in named
    ]
    if unexplained is not None:
        score = "" if z_score is None else f" (z {_rounded(z_score, '.1f')})"
        parts.append(f"{_amount(unexplained, forecast)} is not explained{score}")
    return f"{head}: {', '.join(parts)}." if parts else f"{head}."
