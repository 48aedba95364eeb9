"""A clean client, and every kind of fault that the integrity checks know, one at a time.

The clean client is the demo without its planted mess: two geos, 104 weeks, media on Tuesdays and
Fridays. A `Fault` changes its tables and says what must be found: check, series, severity, the
weeks, the rows. What must be found beside it, because the same fault is two faults (media that is
gone is also gone from the comparison with finance), is listed too; nothing else may be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from mixloop.demo import DEFAULT_SEED, SMALL, generate
from mixloop.demo.folder import SEED_FILES

Tables = dict[str, pl.DataFrame]
Found = tuple[str, str, str]  # check, series, severity
TEXT = pl.String()


def clean_client(root: Path, *, seed: int = DEFAULT_SEED) -> Tables:
    """Return the tables of the clean client: inputs, and the demo's client tables."""
    inputs = generate(SMALL, seed=seed, with_mess=False).inputs()
    inputs["media"] = inputs["media"].with_columns(currency=pl.lit("USD"))
    tables = {
        name: pl.read_csv(root / "seeds" / f"{name}.csv", infer_schema=False) for name in SEED_FILES
    }
    geos = pl.lit(";".join(SMALL.geos))
    tables["model_definitions"] = tables["model_definitions"].with_columns(geos=geos)
    for name in ("decisions", "experiments"):  # those of geos that the small world has
        known = pl.col("geos").is_null() | pl.col("geos").is_in(SMALL.geos)
        tables[name] = tables[name].filter(known)
    return inputs | tables


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with the clean client.

    Attributes
    ----------
    plant : function
        From the clean tables to the tables that differ.
    found : tuple
        Check, series and severity of what must be found.
    weeks : tuple of date, optional
        First and last week of it.
    rows : function, optional
        From the changed tables to the first rows that must be named.
    beside : tuple of tuple
        What else must be found above info.
    """

    plant: Callable[[Tables], Tables]
    found: Found
    weeks: tuple[date, date] | None = None
    rows: Callable[[Tables], list[int]] | None = None
    beside: tuple[Found, ...] = ()


def series(platform: str, geo: str, first: date, last: date) -> pl.Expr:
    """Return which rows of media belong to a series and lie in these weeks (Mondays)."""
    days = pl.col("date").is_between(first, last + timedelta(days=6))
    return (pl.col("platform") == platform) & (pl.col("geo") == geo) & days


def kpi(name: str, geo: str, first: date, last: date) -> pl.Expr:
    """Return which rows of outcomes belong to a series and lie in these weeks."""
    weeks = pl.col("date").is_between(first, last)
    return (pl.col("kpi") == name) & (pl.col("geo") == geo) & weeks


def dropped(table: str, where: pl.Expr) -> Callable[[Tables], Tables]:
    """Return a fault that takes rows away."""
    return lambda tables: {table: tables[table].filter(~where)}


def changed(table: str, where: pl.Expr, **values: pl.Expr) -> Callable[[Tables], Tables]:
    """Return a fault that overwrites values of some rows; the types stay."""

    def plant(tables: Tables) -> Tables:
        frame = tables[table]
        new = [
            pl.when(where).then(value.cast(frame.schema[name])).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        ]
        return {table: frame.with_columns(new)}

    return plant


def added(table: str, rows: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[Tables], Tables]:
    """Return a fault that appends rows."""
    return lambda tables: {table: pl.concat([tables[table], rows(tables[table])])}


def cut(first: date) -> Callable[[Tables], Tables]:
    """Return a fault that forgets everything before a date."""

    def plant(tables: Tables) -> Tables:
        return {
            name: tables[name].filter(pl.col("month" if name == "finance" else "date") >= first)
            for name in ("media", "outcomes", "context", "finance")
        }

    return plant


def numbers(table: str, where: pl.Expr, n: int = 5) -> Callable[[Tables], list[int]]:
    """Return where the first rows of a kind are: positions in the table, from 1."""

    def rows(tables: Tables) -> list[int]:
        found = tables[table].with_row_index("row", offset=1).filter(where)
        return found["row"].to_list()[:n]

    return rows


def repeated(table: str, where: pl.Expr, n: int = 5) -> Callable[[Tables], list[int]]:
    """Return where the first rows of a kind are that stand in a table for the second time."""

    def rows(tables: Tables) -> list[int]:
        n_rows, n_twice = len(tables[table]), len(tables[table].filter(where)) // 2
        return list(range(n_rows - n_twice + 1, n_rows + 1))[:n]

    return rows


def question(**values: str) -> Callable[[Tables], Tables]:
    """Return a fault that asks one more question, like the demo's first."""

    def rows(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.head(1).with_columns(pl.lit(v).alias(k) for k, v in values.items())

    return added("open_questions", rows)


END = date(2025, 12, 22)
SEPTEMBER = (date(2024, 9, 2), date(2024, 9, 16))
WEEK = (date(2025, 6, 9), date(2025, 6, 9))  # no event, no test
SPRING = (date(2025, 3, 10), END)
STUCK = (date(2025, 5, 5), date(2025, 6, 2))
BLACK_FRIDAY = (date(2024, 11, 25), date(2024, 11, 25))

meta_september = series("meta_ads", "north", *SEPTEMBER)
meta_friday = series("meta_ads", "north", *WEEK) & (pl.col("date") == date(2025, 6, 13))
awin_end = series("awin", "south", date(2025, 11, 10), END)
google_week = series("google_ads", "north", *WEEK)
tiktok_week = series("tiktok_ads", "south", *WEEK)
tiktok_spring = series("tiktok_ads", "north", *SPRING)
amazon_week = series("amazon_ads", "north", *WEEK)
meta_spring = series("meta_ads", "south", *SPRING)
revenue_week = kpi("revenue", "north", *WEEK)
customers_week = kpi("new_customers", "south", *WEEK)
a_month = (pl.col("platform") == "spotify_ads") & (pl.col("month") == date(2025, 3, 1))


def finance_month(platform: str) -> Found:
    """Return the finding of a month in which media and finance differ."""
    return ("finance_month_gap", platform, "warn")


FAULTS: dict[str, Fault] = {
    "weeks of media missing": Fault(
        dropped("media", meta_september),
        ("media_weeks_missing", "meta_ads in north", "warn"),
        SEPTEMBER,
        beside=(finance_month("meta_ads"),),
    ),
    "a day of media missing": Fault(
        dropped("media", meta_friday),
        ("media_days_missing", "meta_ads in north", "warn"),
        WEEK,
        beside=(finance_month("meta_ads"),),
    ),
    "a series stops before the others": Fault(
        dropped("media", awin_end),
        ("media_stops_early", "awin in south", "warn"),
        (date(2025, 11, 10), END),
        beside=(finance_month("awin"),),
    ),
    "media ends before outcomes": Fault(
        dropped("media", pl.col("date") >= date(2025, 12, 8)),
        ("media_ends_before_outcomes", "all media", "warn"),
        (date(2025, 12, 8), END),
    ),
    "a week of one KPI missing": Fault(
        dropped("outcomes", revenue_week),
        ("outcomes_weeks_missing", "revenue in north", "warn"),
    ),
    "a week of every KPI missing": Fault(
        dropped("outcomes", revenue_week | kpi("new_customers", "north", *WEEK)),
        ("spend_without_outcome", "north", "warn"),
        WEEK,
        beside=(
            ("outcomes_weeks_missing", "revenue in north", "warn"),
            ("outcomes_weeks_missing", "new_customers in north", "warn"),
        ),
    ),
    "a week of context missing": Fault(
        dropped(
            "context",
            (pl.col("variable") == "price")
            & (pl.col("geo") == "south")
            & (pl.col("date") == WEEK[0]),
        ),
        ("context_weeks_missing", "price in south", "warn"),
    ),
    "rows exported twice": Fault(
        added("media", lambda media: media.filter(tiktok_week)),
        ("repeated_media_row", "all media", "warn"),
        rows=repeated("media", tiktok_week),
        beside=(finance_month("tiktok_ads"),),
    ),
    "one month booked otherwise": Fault(
        changed("finance", a_month, spend=pl.col("spend").cast(pl.Float64) * 0.9),
        ("finance_month_gap", "spotify_ads", "warn"),
        (date(2025, 3, 1), date(2025, 3, 1)),
        rows=numbers("finance", a_month),
    ),
    "a platform booked a fifth lower": Fault(
        changed(
            "finance",
            pl.col("platform") == "dv360",
            spend=pl.col("spend").cast(pl.Float64) * 0.8,
        ),
        ("finance_gap", "dv360", "blocking"),
        (date(2024, 2, 1), date(2025, 11, 1)),
        beside=(finance_month("dv360"),),
    ),
    "finance names a platform otherwise": Fault(
        changed("finance", pl.col("platform") == "awin", platform=pl.lit("Awin network")),
        ("finance_gap", "awin network", "blocking"),
        beside=(finance_month("awin network"),),
    ),
    "two currencies": Fault(
        changed("media", tiktok_week, currency=pl.lit("eur")),
        ("currency_mix", "all media", "blocking"),
        WEEK,
        rows=numbers("media", tiktok_week),
    ),
    "spend without impressions": Fault(
        changed("media", google_week, impressions=pl.lit(0), clicks=pl.lit(0)),
        ("spend_without_impressions", "google_ads in north", "warn"),
        WEEK,
        rows=numbers("media", google_week),
    ),
    "impressions without spend": Fault(
        changed("media", amazon_week, spend=pl.lit(0)),
        ("impressions_without_spend", "amazon_ads in north", "warn"),
        WEEK,
        rows=numbers("media", amazon_week),
        beside=(finance_month("amazon_ads"),),
    ),
    "a week of spend eight times too high": Fault(
        changed("media", amazon_week, spend=pl.col("spend").cast(pl.Float64) * 8),
        ("media_outlier", "amazon_ads in north", "warn"),
        WEEK,
        rows=numbers("media", amazon_week),
        beside=(("media_price_jump", "amazon_ads in north", "warn"), finance_month("amazon_ads")),
    ),
    "a week of impressions in thousands": Fault(
        changed("media", amazon_week, impressions=pl.col("impressions") / 1000),
        ("media_price_jump", "amazon_ads in north", "warn"),
        WEEK,
    ),
    "impressions in thousands from a date on": Fault(
        changed(
            "media",
            tiktok_spring,
            impressions=pl.col("impressions") / 1000,
            clicks=pl.col("clicks") / 1000,
        ),
        ("media_price_jump", "tiktok_ads in north", "warn"),
        (SPRING[0], SPRING[0]),
        rows=numbers("media", series("tiktok_ads", "north", SPRING[0], SPRING[0])),
    ),
    "clicks counted otherwise from a date on": Fault(
        changed("media", meta_spring, clicks=pl.col("clicks") * 0.3),
        ("media_click_rate_shift", "meta_ads in south", "warn"),
        (SPRING[0], SPRING[0]),
        rows=numbers("media", series("meta_ads", "south", SPRING[0], SPRING[0])),
    ),
    "the level of a KPI falls for good": Fault(
        changed("outcomes", kpi("revenue", "north", *SPRING), value=pl.col("value") * 0.4),
        ("outcome_level_shift", "revenue in north", "warn"),
        (SPRING[0], SPRING[0]),
        rows=numbers("outcomes", kpi("revenue", "north", SPRING[0], SPRING[0])),
    ),
    "a week of a KPI too high": Fault(
        changed("outcomes", revenue_week, value=pl.col("value") * 5),
        ("outcome_outlier", "revenue in north", "warn"),
        WEEK,
        rows=numbers("outcomes", revenue_week),
    ),
    "a week of a KPI too low": Fault(
        changed("outcomes", customers_week, value=pl.col("value") * 0.3),
        ("outcome_outlier", "new_customers in south", "warn"),
        WEEK,
        rows=numbers("outcomes", customers_week),
    ),
    "a week of a KPI is zero": Fault(
        changed("outcomes", revenue_week, value=pl.lit(0)),
        ("outcome_zero", "revenue in north", "warn"),
        WEEK,
        rows=numbers("outcomes", revenue_week),
    ),
    "a KPI is carried forward": Fault(
        changed("outcomes", kpi("revenue", "south", *STUCK), value=pl.lit(500_000)),
        ("outcome_stuck", "revenue in south", "warn"),
        STUCK,
        rows=numbers("outcomes", kpi("revenue", "south", *STUCK)),
    ),
    "a variable is ten times too high": Fault(
        changed(
            "context",
            (pl.col("variable") == "competitor")
            & (pl.col("geo") == "north")
            & (pl.col("date") == WEEK[0]),
            value=pl.col("value") * 10,
        ),
        ("context_outlier", "competitor in north", "warn"),
        WEEK,
    ),
    "history of 90 weeks": Fault(
        cut(date(2024, 4, 8)),
        ("short_history", "revenue", "warn"),
        beside=(("short_history", "new_customers", "warn"),),
    ),
    "a campaign that no rule claims": Fault(
        added(
            "media",
            lambda media: (
                media.filter(google_week)
                .head(1)
                .with_columns(campaign=pl.lit("pilot"), spend=pl.lit(9).cast(media.schema["spend"]))
            ),
        ),
        ("unmapped_spend", "all media", "warn"),
    ),
    "an open question that blocks": Fault(
        question(question_id="q3", is_blocking="true"),
        ("open_blocking_question", "q3", "blocking"),
        rows=lambda _: [4],
    ),
    "a question about no line item": Fault(
        question(question_id="q3", line_item_id="0" * 32),
        ("unknown_line_item", "q3", "warn"),
        rows=lambda _: [4],
    ),
}

# Things that look like faults and are none: nothing above info may come of them.
HARMLESS: dict[str, Callable[[Tables], Tables]] = {
    "a strong Black Friday": changed(
        "outcomes", pl.col("date").is_in([BLACK_FRIDAY[0]]), value=pl.col("value") * 3
    ),
    "a season that the client has not named": lambda tables: changed(
        "outcomes",
        pl.col("date").is_in([WEEK[0], WEEK[0] - timedelta(weeks=52)]),
        value=pl.col("value") * 3,
    )(tables),
    "a campaign of four weeks": changed(
        "media",
        series("spotify_ads", "north", date(2025, 5, 5), date(2025, 5, 26)),
        spend=pl.col("spend").cast(pl.Float64) * 6,
        impressions=pl.col("impressions") * 6,
        clicks=pl.col("clicks") * 6,
    ),
    "budget from dear to cheap placements": changed(
        "media",
        series("google_ads", "north", *SPRING) & pl.col("campaign").str.contains("Search"),
        spend=pl.col("spend").cast(pl.Float64) * 0.1,
        impressions=pl.col("impressions") * 0.1,
        clicks=pl.col("clicks") * 0.1,
    ),
    "a pause every summer": dropped(
        "media",
        series("radio", "north", date(2024, 8, 5), date(2024, 8, 12))
        | series("radio", "north", date(2025, 8, 4), date(2025, 8, 11)),
    ),
    "corrections of cents": changed(
        "media",
        google_week & (pl.col("line_item") == "RSA_BrandCore"),
        impressions=pl.lit(0),
        spend=pl.lit(0.01),
    ),
}
# These change the sums that finance has booked; the bookings follow.
BOOKED = (
    "a campaign of four weeks",
    "budget from dear to cheap placements",
    "a pause every summer",
)


def booked(tables: Tables) -> pl.DataFrame:
    """Return bookings that are what media says."""
    finance = tables["finance"]
    spent = (
        tables["media"]
        .group_by(pl.col("date").dt.truncate("1mo").alias("month"), "platform")
        .agg(pl.col("spend").sum())
    )
    both = finance.drop("spend").join(spent, on=["month", "platform"], how="left")
    return both.select(finance.columns)


def above_info(rows: Sequence[Found]) -> set[Found]:
    """Return the findings that are warnings or worse."""
    return {row for row in rows if row[2] in ("warn", "blocking")}
