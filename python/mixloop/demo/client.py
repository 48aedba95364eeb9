"""The demo world as a client would deliver it: the raw inputs of docs/data-model.md."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from mixloop.demo import brand, mess
from mixloop.demo.demand import all_weeks
from mixloop.demo.line_items import LINE_ITEMS, UNMAPPED
from mixloop.demo.world import DEFAULT_SEED, FULL, Size, World, make_world

MONEY = pl.Decimal(18, 2)

# plan_id, first week, weeks, loaded_at
PLANS = (
    ("plan_2025_q1", date(2024, 12, 30), 13, datetime(2024, 12, 20, 15, 30)),
    ("plan_2025_q2", date(2025, 3, 31), 13, datetime(2025, 3, 21, 15, 30)),
    ("plan_2025_q3", date(2025, 6, 30), 13, datetime(2025, 6, 20, 15, 30)),
    ("plan_2025_q4", date(2025, 9, 29), 13, datetime(2025, 9, 19, 15, 30)),
    ("plan_2026_h1", date(2025, 12, 29), 26, datetime(2025, 12, 19, 15, 30)),
)


@dataclass(frozen=True)
class DemoClient:
    """Raw inputs of the demo client, columns as in docs/data-model.md, and the truth behind them.

    Attributes
    ----------
    media, outcomes, context, plan, plan_context, finance : DataFrame
        The inputs.
    truth : DataFrame
        Grain kpi x week x geo x component_id: `component_type` (channel, level, trend, season,
        event, context, unexplained) and `effect`, in units of the KPI; context counts from the
        variable's mean over history in the geo. Components add up to the KPI.
    truth_spend : DataFrame
        Grain week x geo x channel_id: the money that worked (no duplicates, nothing unmapped).
    """

    media: pl.DataFrame
    outcomes: pl.DataFrame
    context: pl.DataFrame
    plan: pl.DataFrame
    plan_context: pl.DataFrame
    finance: pl.DataFrame
    truth: pl.DataFrame
    truth_spend: pl.DataFrame

    def inputs(self) -> dict[str, pl.DataFrame]:
        """Return the six inputs by name; the truth is not one of them."""
        names = ("media", "outcomes", "context", "plan", "plan_context", "finance")
        return {name: getattr(self, name) for name in names}


def _long(values: np.ndarray, first: int, **more: str) -> pl.DataFrame:
    """Rows week x geo of an array (J, T) whose first week is the world's week number `first`."""
    n_geos, n_weeks = values.shape
    weeks = all_weeks()[first : first + n_weeks]
    return pl.DataFrame(
        {
            "week": np.tile(weeks, n_geos),
            "geo": np.repeat(np.array(brand.GEOS), n_weeks),
            "value": values.ravel(),
        }
    ).with_columns(pl.lit(text).alias(name) for name, text in more.items())


def _money(column: str) -> pl.Expr:
    return pl.col(column).round(2).cast(MONEY)


def _campaigns() -> pl.Series:
    """Campaign names by line item and week, ordered by both."""
    names = []
    for item in LINE_ITEMS:
        for week in all_weeks()[: brand.N_HISTORY].tolist():
            flight = "Spring" if week.month <= 6 else "Autumn" if week.month <= 10 else "Holiday"
            quarter = f"{week.year}Q{(week.month + 2) // 3}"
            names.append(item.campaign.format(year=week.year, quarter=quarter, flight=flight))
    return pl.Series("campaign", names)


def _media(rng: np.random.Generator, world: World) -> pl.DataFrame:
    """Daily line items without mess, sorted by date, line item and geo."""
    daily = world.daily
    columns = ("platform", "account", "ad_group", "line_item", "cpm", "click_rate", "frequency")
    items = pl.DataFrame({name: [getattr(item, name) for item in LINE_ITEMS] for name in columns})
    n_rows = len(daily.cents)
    rows = items[daily.item].with_columns(
        date=pl.Series(np.datetime64(brand.FIRST_WEEK) + daily.day),
        campaign=_campaigns()[daily.item * brand.N_HISTORY + daily.day // 7],
        geo=pl.Series(brand.GEOS).gather(daily.geo),
        spend=pl.Series(daily.cents) / 100,
        item=pl.Series(daily.item),
        chance=pl.Series(np.exp(0.08 * rng.standard_normal(n_rows))),
    )
    season = pl.when(pl.col("date").dt.month() >= 11).then(1.22).otherwise(1.0)  # dear months
    impressions = (pl.col("spend") / pl.col("cpm") / season * 1000 * pl.col("chance")).round()
    has_clicks, has_reach = pl.col("click_rate") > 0, pl.col("frequency") > 0
    rows = rows.with_columns(impressions=impressions.cast(pl.Int64)).with_columns(
        clicks=pl.when(has_clicks).then(pl.col("impressions") * pl.col("click_rate")),
        reach=pl.when(has_reach).then(pl.col("impressions") / pl.col("frequency")),
    )
    return rows.sort("date", "item", "geo").select(
        *("date", "platform", "account", "campaign", "ad_group", "line_item", "geo"),
        _money("spend"),
        "impressions",
        *(pl.col(name).round().cast(pl.Int64) for name in ("clicks", "reach")),
        pl.when(has_reach).then(pl.col("frequency").round(2)).alias("frequency"),
        loaded_at=pl.col("date").cast(pl.Datetime("us")).dt.offset_by("1d6h"),
    )


def _without_pilots(media: pl.DataFrame) -> pl.DataFrame:
    """Leave out the line items that nobody told the warehouse about."""
    pilots = [item.campaign for item in LINE_ITEMS if item.channel == UNMAPPED]
    return media.filter(~pl.col("campaign").is_in(pilots))


def _finance(rng: np.random.Generator, media: pl.DataFrame, *, is_misbooked: bool) -> pl.DataFrame:
    """Booked totals of the complete months; bookings differ from the platforms by up to 0.8%."""
    last_booked = media["date"].max().replace(day=1)  # this month's books are still open
    totals = (
        media.group_by(pl.col("date").dt.truncate("1mo").alias("month"), "platform")
        .agg(pl.col("spend").sum().cast(pl.Float64))
        .filter(pl.col("month") < last_booked)
        .sort("month", "platform")
    )
    is_off = (pl.col("platform") == mess.MISBOOKED_PLATFORM) & (
        pl.col("month") == mess.MISBOOKED_MONTH
    )
    is_off &= is_misbooked
    gap = pl.Series(1 + rng.uniform(-0.008, 0.008, len(totals)))
    factor = pl.when(is_off).then(mess.MISBOOKED_FACTOR).otherwise(gap)
    return totals.with_columns(spend=(pl.col("spend") * factor).round(2).cast(MONEY)).with_columns(
        loaded_at=pl.col("month").dt.offset_by("1mo9d").cast(pl.Datetime("us")).dt.offset_by("9h")
    )


def _outcomes(world: World) -> pl.DataFrame:
    """Weekly KPIs by geo, without mess."""
    frames = [_long(world.outcome[kpi], 0, kpi=kpi) for kpi in brand.KPIS]
    return _weekly_input(pl.concat(frames), "kpi")


def _context(world: World) -> pl.DataFrame:
    """Weekly context by geo."""
    frames = [_long(world.context[name], 0, variable=name) for name in brand.VARIABLES]
    return _weekly_input(pl.concat(frames), "variable")


def _weekly_input(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Name and order the columns of outcomes and context; a week is known on Tuesday after it."""
    return rows.sort(key, "week", "geo").select(
        pl.col("week").alias("date"),
        "geo",
        key,
        "value",
        loaded_at=pl.col("week").cast(pl.Datetime("us")).dt.offset_by("8d7h"),
    )


def _of_plan(
    values: np.ndarray, plan: tuple[str, date, int, datetime], **more: str
) -> pl.DataFrame:
    """Cut an array (J, N_WEEKS) to the weeks of a plan, as rows."""
    plan_id, first_week, n_weeks, loaded_at = plan
    first = (first_week - brand.FIRST_WEEK) // timedelta(weeks=1)
    rows = _long(values[:, first : first + n_weeks], first, plan_id=plan_id, **more)
    return rows.with_columns(loaded_at=pl.lit(loaded_at).cast(pl.Datetime("us")))


def _plan(world: World) -> pl.DataFrame:
    """Planned spend by plan, week, modelled channel and geo, rounded to 10."""
    rows = pl.concat(
        _of_plan(np.round(world.planned[at], -1), plan, channel_id=name)
        for plan in PLANS
        for at, name in enumerate(brand.CHANNEL_IDS)
    )
    return rows.sort("plan_id", "week", "channel_id", "geo").select(
        *("plan_id", "week", "channel_id", "geo"),
        *(
            (pl.col("value") * factor).round(2).cast(MONEY).alias(name)
            for name, factor in (("planned_spend", 1.0), ("low", 0.9), ("high", 1.1))
        ),
        "loaded_at",
    )


def _plan_context(world: World) -> pl.DataFrame:
    """Expected context by plan, week, geo and variable."""
    rows = pl.concat(
        _of_plan(np.round(world.planned_context[name], 3), plan, variable=name)
        for plan in PLANS
        for name in brand.VARIABLES
    )
    return rows.sort("plan_id", "variable", "week", "geo").select(
        "plan_id", "week", "geo", "variable", "value", "loaded_at"
    )


def _component_type(component_id: str) -> str:
    if component_id in brand.CHANNEL_IDS:
        return "channel"
    return component_id.split(":")[0]


def _truth(world: World) -> pl.DataFrame:
    """Every component's true effect by KPI, week and geo."""
    rows = pl.concat(
        _long(effect, 0, kpi=kpi, component_id=name, component_type=_component_type(name))
        for kpi in brand.KPIS
        for name, effect in world.parts[kpi].items()
    )
    columns = ("kpi", "week", "geo", "component_id", "component_type")
    return rows.sort(*columns).select(*columns, pl.col("value").alias("effect"))


def _truth_spend(world: World) -> pl.DataFrame:
    """Money that worked, by week, geo and modelled channel."""
    rows = pl.concat(
        _long(world.spend[at], 0, channel_id=name) for at, name in enumerate(brand.CHANNEL_IDS)
    )
    return rows.sort("week", "geo", "channel_id").select(
        "week", "geo", "channel_id", pl.col("value").alias("spend")
    )


def _cut(frame: pl.DataFrame, size: Size) -> pl.DataFrame:
    """Keep the size's geos and weeks of a frame that has either column, `date` or `week`."""
    day = "date" if "date" in frame.columns else "week"
    first = brand.FIRST_WEEK + timedelta(weeks=brand.N_HISTORY - size.n_weeks)
    return frame.filter(pl.col("geo").is_in(list(size.geos)), pl.col(day) >= first)


def generate(size: Size = FULL, *, seed: int = DEFAULT_SEED, with_mess: bool = True) -> DemoClient:
    """Make the demo client's inputs and their truth; the same arguments give the same rows.

    Parameters
    ----------
    size : Size
        `FULL`, or `SMALL` for tests: the same world seen in fewer geos, weeks and days.
    seed : int
        Seed of the one random generator.
    with_mess : bool
        False leaves out what is wrong with the demo's data on purpose: the mess of
        `mixloop.demo.mess`, and the line items that no rule claims.
    """
    rng = np.random.default_rng(seed)
    world = make_world(rng, size.weekdays)
    media, outcomes = _cut(_media(rng, world), size), _cut(_outcomes(world), size)
    if not with_mess:
        media = _without_pilots(media)
    finance = _finance(rng, media, is_misbooked=with_mess)
    if with_mess:
        media = mess.duplicate_a_day(mess.restate_late(media))
        outcomes = mess.correct_late(mess.lose_a_week(outcomes))
    return DemoClient(
        media=media,
        outcomes=outcomes,
        context=_cut(_context(world), size),
        plan=_cut(_plan(world), size),
        plan_context=_cut(_plan_context(world), size),
        finance=finance,
        truth=_cut(_truth(world), size),
        truth_spend=_cut(_truth_spend(world), size),
    )
