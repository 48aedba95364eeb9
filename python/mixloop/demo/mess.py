"""The mess a real warehouse has, planted where the tests and the documentation can point at it."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl

DUPLICATED_PLATFORM, DUPLICATED_DAY = "meta_ads", date(2024, 10, 15)

RESTATED_PLATFORM = "microsoft_ads"
RESTATED_FROM, RESTATED_TO = date(2025, 3, 3), date(2025, 3, 16)
RESTATED_AT = datetime(2025, 4, 25, 6)

MISSING_GEO, MISSING_WEEK = "south", date(2024, 8, 12)

# Revenue of three weeks was first told without the returns; the corrected rows came later.
CORRECTED_KPI = "revenue"
CORRECTED_FROM, CORRECTED_TO = date(2025, 3, 10), date(2025, 3, 24)
CORRECTED_AT, FIRST_TOLD = datetime(2025, 4, 15, 7), 1.04

# Finance has not booked an invoice of this platform-month: 12% less than the platform reports.
MISBOOKED_PLATFORM, MISBOOKED_MONTH, MISBOOKED_FACTOR = "dv360", date(2025, 2, 1), 0.88


def duplicate_a_day(media: pl.DataFrame) -> pl.DataFrame:
    """Append one platform-day's rows a second time, exactly as they are."""
    again = media.filter(
        (pl.col("platform") == DUPLICATED_PLATFORM) & (pl.col("date") == DUPLICATED_DAY)
    )
    return pl.concat([media, again])


def restate_late(media: pl.DataFrame) -> pl.DataFrame:
    """Mark two weeks of one platform as reported anew, weeks after the fact.

    The spend is the corrected one (it is what worked); only `loaded_at` shows that it came late.
    """
    is_restated = (pl.col("platform") == RESTATED_PLATFORM) & pl.col("date").is_between(
        RESTATED_FROM, RESTATED_TO
    )
    loaded_at = pl.when(is_restated).then(pl.lit(RESTATED_AT)).otherwise(pl.col("loaded_at"))
    return media.with_columns(loaded_at=loaded_at.cast(pl.Datetime("us")))


def lose_a_week(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Drop one geo's outcomes of one week, all KPIs."""
    return outcomes.filter(
        (pl.col("geo") != MISSING_GEO) | (pl.col("date") != pl.lit(MISSING_WEEK))
    )


def correct_late(outcomes: pl.DataFrame) -> pl.DataFrame:
    """Tell some weeks of a KPI twice: first too high, weeks later as they are."""
    is_corrected = (pl.col("kpi") == CORRECTED_KPI) & pl.col("date").is_between(
        CORRECTED_FROM, CORRECTED_TO
    )
    first = outcomes.filter(is_corrected).with_columns((pl.col("value") * FIRST_TOLD).round(2))
    loaded_at = pl.when(is_corrected).then(pl.lit(CORRECTED_AT)).otherwise(pl.col("loaded_at"))
    final = outcomes.with_columns(loaded_at=loaded_at.cast(pl.Datetime("us")))
    return pl.concat([first, final]).sort("kpi", "date", "geo", "loaded_at")
