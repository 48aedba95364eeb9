"""The arrays a model is fitted to and evaluated on, made from the warehouse's long frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Panel:
    """One model's history (and, for a forecast, its planned future) as dense arrays.

    J geos, T consecutive weeks, C modelled channels, D drivers (context variables and events).
    Geos, channels and drivers are sorted by name; weeks ascend by seven days.

    Attributes
    ----------
    geos, channels, drivers : tuple of str
        Names along the J, C and D axes. A driver is `context:<variable>` or `event:<event_id>`.
    weeks : ndarray of datetime64[D], (T,)
        First day of each week. May begin before the first training week (media lead-in).
    outcome : ndarray, (J, T)
        The KPI in its own unit; NaN where it is unknown (lead-in, missing or future weeks).
    exposure : ndarray, (J, T, C)
        Media in each channel's model unit (spend or impressions) per week, zero or more.
    spend : ndarray, (J, T, C)
        Money in the client's currency per week.
    driver_values : ndarray, (J, T, D)
        Context values in their own units and event shares (0 to 1); NaN where unknown (lead-in).
    """

    geos: tuple[str, ...]
    weeks: np.ndarray
    channels: tuple[str, ...]
    drivers: tuple[str, ...]
    outcome: np.ndarray
    exposure: np.ndarray
    spend: np.ndarray
    driver_values: np.ndarray
