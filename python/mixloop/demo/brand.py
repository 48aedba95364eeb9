"""What the invented brand is: geos, channels, line items, events and the planted figures.

Lindenloom sells bed linen and towels to consumers in four regions. Everything here is a constant
of the demo world; `mixloop.demo.world` turns it into series.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

FIRST_WEEK = date(2023, 1, 2)  # a Monday
N_HISTORY = 156  # weeks of history; the last one ends on Sunday 2025-12-28
N_FUTURE = 26  # weeks of the plan after the last week
N_WEEKS = N_HISTORY + N_FUTURE

GEOS = ("east", "north", "south", "west")
GEO_SHARE = (0.22, 0.34, 0.27, 0.17)  # share of demand and of spend, in the order of GEOS

KPIS = ("revenue", "new_customers")
KPI_LEVEL = {"revenue": 1_580_000.0, "new_customers": 6_900.0}  # weekly, all geos, before growth
KPI_DECIMALS = {"revenue": 2, "new_customers": 0}


@dataclass(frozen=True)
class Channel:
    """One modelled channel and the truth planted for it.

    Attributes
    ----------
    channel_id : str
    weekly_spend : float
        Usual weekly spend, all geos together, in weeks when it is on air.
    revenue_roi : float
        Revenue caused per unit of money, over all history.
    customers_per_1000 : float
        New customers caused per 1,000 of money, over all history.
    decay, half, slope : float
        Geometric adstock, and Hill curve on carried-over spend divided by the usual weekly spend
        of the geo.
    reaction : float
        Elasticity of the budget to demand: 0 is fixed in advance, 1 follows demand in proportion.
    jitter : float
        Standard deviation of the log of actual over planned spend.
    """

    channel_id: str
    weekly_spend: float
    revenue_roi: float
    customers_per_1000: float
    decay: float
    half: float
    slope: float
    reaction: float = 0.0
    jitter: float = 0.06


CHANNELS = (  # sorted by channel_id
    Channel("affiliate", 16_000, 2.9, 9, 0.10, 1.8, 1.0, 1.2, 0.16),
    Channel("audio", 26_000, 1.3, 8, 0.45, 1.2, 1.2),
    Channel("brand_search", 18_000, 3.6, 6, 0.05, 1.5, 1.0, 1.6, 0.12),
    Channel("brand_social", 32_000, 1.4, 9, 0.55, 1.2, 1.3),
    Channel("generic_search", 62_000, 2.3, 14, 0.20, 1.6, 1.0, 1.0, 0.14),
    Channel("marketplace", 27_000, 2.5, 11, 0.15, 1.5, 1.0, 1.1, 0.15),
    Channel("online_video", 36_000, 1.8, 10, 0.50, 1.2, 1.4, 0.0, 0.08),
    Channel("ooh", 60_000, 0.9, 5, 0.60, 1.0, 1.0, 0.0, 0.04),
    Channel("performance_social", 70_000, 2.4, 14, 0.30, 1.5, 1.1, 1.1, 0.14),
    Channel("tv", 150_000, 1.6, 9, 0.65, 1.1, 1.5, 0.0, 0.04),
)
CHANNEL_IDS = tuple(channel.channel_id for channel in CHANNELS)

LATE_STARTER = "audio"
LATE_START = date(2024, 2, 19)

# Bursts of the flighted channels: (channel, geo or "all", first week, weeks on air). What is not
# in a burst is off air.
BURSTS = (
    *(("tv", "all", date(2023, 3, 6), 6), ("tv", "all", date(2023, 9, 11), 6)),
    *(("tv", "all", date(2023, 11, 13), 5), ("tv", "north", date(2024, 3, 4), 7)),
    *(("tv", "east", date(2024, 3, 18), 5), ("tv", "all", date(2024, 9, 9), 7)),
    *(("tv", "all", date(2024, 11, 11), 6), ("tv", "all", date(2025, 3, 3), 5)),
    *(("tv", "south", date(2025, 5, 5), 4), ("tv", "west", date(2025, 5, 12), 4)),
    *(("tv", "all", date(2025, 9, 8), 6), ("tv", "all", date(2025, 11, 10), 6)),
    *(("tv", "all", date(2026, 3, 2), 6), ("tv", "north", date(2026, 5, 11), 4)),
    *(("ooh", "north", date(2023, 2, 6), 4), ("ooh", "south", date(2023, 4, 17), 4)),
    *(("ooh", "all", date(2023, 6, 19), 4), ("ooh", "east", date(2023, 10, 2), 5)),
    *(("ooh", "west", date(2024, 1, 15), 4), ("ooh", "north", date(2024, 4, 15), 5)),
    *(("ooh", "all", date(2024, 6, 17), 4), ("ooh", "south", date(2024, 10, 14), 4)),
    *(("ooh", "east", date(2025, 2, 3), 4), ("ooh", "north", date(2025, 4, 7), 4)),
    *(("ooh", "all", date(2025, 6, 16), 4), ("ooh", "west", date(2025, 8, 18), 4)),
    *(("ooh", "all", date(2025, 11, 17), 4), ("ooh", "all", date(2026, 4, 13), 4)),
)

# Moves the brand decided on: (channel, geo or "all", first week, last week, factor). They are in
# the plan and in the actual spend.
MOVES = (
    ("generic_search", "all", date(2024, 7, 1), date(2026, 6, 29), 1.30),
    ("brand_social", "all", date(2025, 1, 6), date(2026, 6, 29), 0.70),
    ("online_video", "south", date(2024, 9, 9), date(2024, 10, 14), 2.0),  # a lift test
)

# Where the actual spend left the plan of the last 13 weeks.
PLAN_MISSES = (
    ("performance_social", "all", date(2025, 9, 29), date(2025, 12, 22), 1.25),
    ("online_video", "all", date(2025, 9, 29), date(2025, 12, 22), 0.70),
    ("generic_search", "all", date(2025, 11, 3), date(2025, 12, 22), 1.12),
    ("tv", "all", date(2025, 12, 1), date(2025, 12, 22), 0.0),  # two booked weeks were cancelled
)


@dataclass(frozen=True)
class Event:
    """A holiday or sale, as in seeds/events.csv, and what it adds in a week it covers whole.

    The effects are shares of the KPI's level.
    """

    event_id: str
    dates: tuple[date, ...]
    days_before: int
    days_after: int
    revenue: float
    new_customers: float
    geo: str = ""  # empty: everywhere


def _yearly(month: int, day: int) -> tuple[date, ...]:
    return tuple(date(year, month, day) for year in range(2022, 2027))


EVENTS = (
    Event(
        "black_friday",
        (
            *(date(2022, 11, 25), date(2023, 11, 24), date(2024, 11, 29)),
            *(date(2025, 11, 28), date(2026, 11, 27)),
        ),
        *(4, 3, 0.40, 0.46),
    ),
    Event("christmas", _yearly(12, 25), 16, 0, 0.20, 0.10),
    Event(
        "easter",
        (date(2023, 4, 9), date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5)),
        *(3, 1, -0.06, -0.04),
    ),
    Event("flagship_opening", (date(2024, 5, 13),), 0, 20, 0.12, 0.15, "south"),
    Event("january_sale", _yearly(1, 2), 0, 18, 0.10, 0.05),
    Event(
        "summer_sale",
        (date(2023, 6, 26), date(2024, 6, 24), date(2025, 6, 23), date(2026, 6, 22)),
        *(0, 13, 0.14, 0.12),
    ),
)

# Effect of a context variable on the KPI: share of the level for one unit of the variable, counted
# from the variable's mean in that geo. Branded search is a sign of demand, never its cause.
CONTEXT_EFFECTS = {
    "branded_search": {"revenue": 0.0, "new_customers": 0.0},
    "competitor": {"revenue": -0.0009, "new_customers": -0.0014},
    "organic": {"revenue": 0.0022, "new_customers": 0.0016},
    "price": {"revenue": -0.010, "new_customers": -0.012},
    "promotion": {"revenue": 0.55, "new_customers": 0.60},
}
VARIABLES = tuple(CONTEXT_EFFECTS)

# Trend in shares of the level at the start: growth to week 90, slower afterwards.
TREND = {"revenue": (0.0016, 0.0004), "new_customers": (0.0012, -0.0003)}
TREND_BEND = 90
SEASON = {"revenue": (0.075, 0.035), "new_customers": (0.060, 0.030)}  # yearly, half-yearly
NOISE_SD, NOISE_RHO = 0.024, 0.5  # share of the level; AR(1)
