"""Make Acme's raw tables in acme.duckdb: what a connector and the shop's own jobs would bring.

python load_raw.py [FILE]
"""

from __future__ import annotations

import sys

import duckdb

WEEKS = 70
TABLES = {
    # daily, with the column names of the ad reporting packages
    "vendor.ad_reporting__ad_group_report": """
        select
            date '2024-01-07' + cast(day as integer) as date_day,
            platform,
            'Acme ' || platform as account_name,
            campaign_name,
            'all' as ad_group_name,
            cast(base + 2 * (day // 7 % rhythm) as decimal(12, 2)) as spend,
            cast(20 * base as bigint) as impressions,
            cast(base as bigint) as clicks
        from range(7 * ?) as days(day)
        cross join (
            values
                ('google_ads', 'search_brand', 40, 5),
                ('youtube', 'video_spring', 25, 7),
                ('reddit_ads', 'test-2024', 1, 2)
        ) as campaigns(platform, campaign_name, base, rhythm)
        where platform != 'youtube' or day // 7 % 13 < 8
    """,
    "shop.weekly_orders": """
        select
            date '2024-01-07' + 7 * cast(week as integer) as week,
            'orders' as kpi,
            1000 + 2 * week + 10 * (week % 5) + 8 * (week % 7) * (week % 13 < 8)::int
            + 40 * (week % 13 < 8)::int as value
        from range(?) as weeks(week)
    """,
    "vendor.media_plan": """
        select
            'base' as plan_id,
            date '2024-01-07' + 7 * cast(week as integer) as week,
            channel_id,
            planned_spend
        from range(?, 100) as weeks(week)
        cross join (values ('search', 300), ('video', 190)) as channels(channel_id, planned_spend)
        where week < 76
    """,
}


def main(path: str) -> None:
    """Write the tables, and say how many rows each has."""
    with duckdb.connect(path) as connection:
        for name, query in TABLES.items():
            connection.execute(f"create schema if not exists {name.split('.')[0]}")
            connection.execute(f"create or replace table {name} as {query}", [WEEKS])
            print(f"{name}: {len(connection.table(name))} rows")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "acme.duckdb")
