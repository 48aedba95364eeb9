"""A warehouse with as many raw media rows as asked for, and 200 mapping rules; no randomness."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

SOURCES = ("table", "parquet", "folder")
PLATFORMS = ("meta_ads", "google_ads", "tiktok_ads", "microsoft_ads", "dv360")
MARKETS = ("US", "UK", "DE", "FR")
GOALS = ("BR", "NB", "PF", "RT", "TEST")
FORMATS = ("Video", "Search", "Display", "Shopping")
GEOS = ("north", "south", "east", "west")
N_RULES = 200
N_CHANNELS = 40

MEDIA = """
with items as (
    select
        i,
        i % 5 as p,
        i // 5 % 4 as m,
        i // 20 % 5 as g,
        i // 100 % 4 as f,
        i // 400 as series
    from range({n_items}) as t(i)
),

names as (
    select
        i,
        {platforms}[1 + p] as platform,
        concat('Account ', {markets}[1 + m], ' ', i % 3) as account,
        concat_ws('_', {markets}[1 + m], {goals}[1 + g], {formats}[1 + f], 2020 + series % 6)
            || case when i % 7 = 0 then '_Frühling' else '' end as campaign,
        concat_ws(' | ', 'Audience ' || (series * 7 + g), {formats}[1 + f]) as ad_group,
        concat('ad_', lpad(cast(i as varchar), 6, '0'), '_', 300 + 60 * (i % 4), 'x250 v', i % 9)
            as line_item
    from items
),

days as (
    select
        d,
        date '2021-01-04' + cast(d as integer) as date
    from range({n_days}) as t(d)
),

geos as (
    select unnest({geos}) as geo
)

select
    days.date,
    names.platform,
    names.account,
    -- one export in twenty days leaves a space behind, as exports do
    names.campaign || case when days.d % 20 = 7 and names.i % 11 = 3 then ' ' else '' end
        as campaign,
    names.ad_group,
    names.line_item,
    geos.geo,
    cast(hash(names.i, days.d, geos.geo) % 100000 / 100 as decimal(18, 2)) as spend,
    cast(hash(names.i, days.d, geos.geo, 1) % 50000 as bigint) as impressions,
    cast(hash(names.i, days.d, geos.geo, 2) % 900 as bigint) as clicks,
    'EUR' as currency
from days
cross join names
cross join geos
order by days.date, names.platform, hash(names.i, days.d), geos.geo
"""


def rule_rows() -> list[dict[str, object]]:
    """Return 200 rules: exact, prefix, like and regex on all fields, every tenth of two rows."""
    rows: list[dict[str, object]] = []
    for i in range(N_RULES):
        market, goal = MARKETS[i % 4], GOALS[i // 4 % 4]
        form, platform = FORMATS[i // 16 % 4], PLATFORMS[i % 5]
        year = 2020 + i % 6
        first = (
            ("campaign", "exact", f"{market}_{goal}_{form}_{year}"),
            ("campaign", "prefix", f"{market.lower()}_{goal}_{form[:3]}"),
            ("ad_group", "like", f"audience {i}%|%{form}"),
            ("campaign", "regex", f"^{market}_({goal}|RT)_[A-Za-z]+_{year}(_|$)"),
            ("line_item", "prefix", f"AD_{i:04d}"),
            ("account", "exact", f"account {market} {i % 5}"),
            ("line_item", "regex", f"_(300|420)x250 v{i % 12}$"),
            ("campaign", "like", f"%{goal}%frühling%{i}%"),
            ("platform", "exact", platform),
            ("campaign", "prefix", f"{MARKETS[i // 10 % 4]}_{GOALS[min(i // 40, 3)]}_"),
        )[i % 10]
        second = {
            5: ("campaign", "prefix", f"{market}_{goal}"),
            6: ("platform", "exact", platform),
            8: ("campaign", "regex", f"_{goal}_.*{form}"),
        }.get(i % 10)
        rows += [
            {
                "rule_id": f"r{i:03d}",
                "priority": i + 1,
                "match_field": field,
                "match_type": kind,
                "pattern": pattern,
                "channel_id": f"c{i % N_CHANNELS:02d}",
            }
            for field, kind, pattern in filter(None, (first, second))
        ]
    return rows


def client_tables(n_days: int) -> dict[str, pl.DataFrame]:
    """Return what the client would bring beside media."""
    weeks = pl.date_range(
        pl.date(2021, 1, 4),
        pl.date(2021, 1, 4) + pl.duration(days=n_days - 1),
        interval="1w",
        eager=True,
    )
    channels = [{"channel_id": "all", "parent_id": "", "label": "All", "is_modelled": "false"}]
    channels += [
        {"channel_id": f"c{c:02d}", "parent_id": "all", "label": f"C {c}", "is_modelled": "true"}
        for c in range(N_CHANNELS)
    ]
    return {
        "outcomes": pl.DataFrame({"date": weeks})
        .join(pl.DataFrame({"geo": GEOS}), how="cross")
        .with_columns(kpi=pl.lit("sales"), value=pl.lit(100.0)),
        "channel_hierarchy": pl.DataFrame(channels),
        "channel_mapping": pl.DataFrame(rule_rows()),
        "model_definitions": pl.DataFrame({"model_id": ["m"], "kpi": ["sales"], "geos": [""]}),
    }


def make_warehouse(folder: Path, rows: int, source: str) -> dict[str, int]:
    """Write the warehouse file and, by `source`, a Parquet file or a client folder beside it.

    The hand-written query reads `raw.media` in any case: a table, or a view of the Parquet file.
    """
    n_items = min(max(rows // 2000, 100), 20_000)
    n_days = max(rows // (n_items * len(GEOS)), 7)
    client = folder / "client"
    client.mkdir()
    with duckdb.connect(str(folder / "wh.duckdb")) as connection:
        for schema in ("raw", "main_seeds", "bench"):
            connection.execute(f"create schema {schema}")
        for name, frame in client_tables(n_days).items():
            connection.register("frame", frame.with_columns(pl.all().cast(pl.String)))
            schema = "raw" if name == "outcomes" else "main_seeds"
            connection.execute(f"create table {schema}.{name} as from frame")
            connection.unregister("frame")
            frame.write_csv(client / f"{name}.csv")
        media = MEDIA.format(
            n_items=n_items,
            n_days=n_days,
            geos=list(GEOS),
            platforms=list(PLATFORMS),
            markets=list(MARKETS),
            goals=list(GOALS),
            formats=list(FORMATS),
        )
        if source == "table":
            connection.execute(f"create table raw.media as {media}")
        else:
            file = str(client / "media.parquet").replace("'", "''")
            connection.execute(f"copy ({media}) to '{file}' (format parquet)")
            connection.execute(f"create view raw.media as from '{file}'")
        n_rows = connection.execute("select count(*) from raw.media").fetchone()[0]
        connection.execute("checkpoint")
    return {
        "rows": n_rows,
        "line_items": n_items,
        "geos": len(GEOS),
        "days": n_days,
        "rules": N_RULES,
    }
