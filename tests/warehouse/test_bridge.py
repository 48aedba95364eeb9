"""What the variance bridge remembers: panels of runs, mappings, and prices of media."""

import math
from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas

JUMP = 60  # from this week on search costs a quarter more for an impression
LAST = date.fromisoformat(tiny.week(tiny.N_WEEKS - 1))
EARLY = LAST - timedelta(weeks=13)


def frames(change=None):
    """The tiny client as frames; search has impressions."""
    content = tiny.tables()
    for row in content["media"]:
        row["impressions"] = None
        if row["campaign"] == "BR_Search":
            dear = 1.25 if row["date"] >= tiny.week(JUMP) else 1.0
            row["impressions"] = round(row["spend"] / dear * 1000)
    if change is not None:
        change(content)
    return {
        name: pl.DataFrame(
            [{k: None if v is None else str(v) for k, v in row.items()} for row in rows]
        )
        for name, rows in content.items()
    }


def published():
    """One live and one backtest run, with a forecast each."""
    runs = [("live", "live", LAST), ("back", "backtest", EARLY)]
    forecasts = [
        {
            "run_id": run, "model_id": "m", "forecast_kind": kind, "plan_id": "p",
            "plan_source": "client", "as_of_week": week, "geo": "all",
            "week": week + timedelta(weeks=1), "horizon_weeks": 1, "component_id": "kpi",
            "component_type": "kpi", "is_additive": False, "forecast_mean": 1.0,
        }
        for run, kind, week in runs
    ]  # fmt: skip
    current = [
        {"run_id": run, "model_id": "m", "run_kind": kind, "as_of_week": week}
        for run, kind, week in runs
    ]
    return {
        "int_mixloop__forecasts": pl.DataFrame(forecasts, schema=schemas.FORECASTS),
        "int_mixloop__current_runs": pl.DataFrame(current, schema=schemas.CURRENT_RUNS),
    }


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


@pytest.fixture(scope="module")
def built(chain):
    names = (
        "int_mixloop__run_panels", "int_mixloop__mapping_assignments", "int_mixloop__media_prices",
        "int_mixloop__moved_media",
    )  # fmt: skip
    chain.run(names, frames(), given=published())
    return chain


def test_panels_are_what_the_runs_were_given(built):
    rows = built.read(
        "select run_id, item_type, item_id, as_of_week, mapping_version, panel_number, first_week, "
        'spend, "values" from {int_mixloop__run_panels} order by all'
    )
    found = {row[:3]: row[3:] for row in rows}
    assert {key[:2] for key in found} == {
        (run, kind) for run in ("live", "back") for kind in ("kpi", "channel", "leaf", "driver")
    }
    for run, n_weeks in (("live", tiny.N_WEEKS), ("back", tiny.N_WEEKS - 13)):
        weeks = range(n_weeks)
        as_of = LAST if run == "live" else EARLY
        kpi = found[run, "kpi", "sales"]
        assert kpi[:4] == (as_of, 1, 1, tiny.FIRST_WEEK)
        assert kpi[4:] == (None, [float(tiny.outcome(i)) for i in weeks])
        money = [float(tiny.spend("tv", i)) for i in weeks]
        assert found[run, "channel", "tv"][4:] == (money, money)
        assert found[run, "leaf", "tv"][4:] == (money, money)
        price = found[run, "driver", "context:price"]
        assert price[5] == pytest.approx([10 + (i % 9) / 10 for i in weeks])


def test_a_price_that_jumped(built):
    rows = built.read(
        "select channel_id, week, log_price from {int_mixloop__media_prices} order by all"
    )
    assert {row[0] for row in rows} == {"search"}  # the others have no impressions
    assert len(rows) == tiny.N_WEEKS
    for i, (_, week, log_price) in enumerate(rows):
        assert week.isoformat() == tiny.week(i)
        assert log_price == pytest.approx(math.log(1.25) if i >= JUMP else 0.0, abs=1e-5)


def test_nothing_has_moved_under_one_mapping(built):
    assert built.read("select count(*) from {int_mixloop__moved_media}") == [(0,)]
    assert built.read(
        "select leaf_id, channel_id, count(*) from {int_mixloop__mapping_assignments} group by all "
        "order by all"
    ) == [("search", "search", 1), ("social", "social", 1), ("tv", "tv", 1), ("unmapped", None, 1)]


def test_media_that_another_version_had_elsewhere(project_root):
    """Social was of its own under version 1; under today's it is search, and the pilot is TV."""
    chain = Chain(compile_project(project_root))
    names = ("int_mixloop__mapping_assignments", "int_mixloop__run_panels")

    def steady(tables):
        """A thousand impressions of social cost two euros all along."""
        for row in tables["media"]:
            if row["campaign"] == "Social | always on":
                row["impressions"] = row["spend"] * 500

    chain.run(names, frames(steady), given=published())
    before = chain.connection.sql(f"from {chain.relation[names[0]]}").pl()

    def change(tables):
        steady(tables)
        tables["channel_mapping"][2]["channel_id"] = "search"
        rule = {"match_field": "campaign", "match_type": "exact", "pattern": "Pilot"}
        tables["channel_mapping"].append(rule | {"priority": 40, "channel_id": "tv"})

    chain.run(names, frames(change), given=published())
    connection = chain.connection
    connection.register("earlier", before.with_columns(mapping_version=pl.lit(0)))
    connection.execute(f"insert into {chain.relation[names[0]]} by name from earlier")
    connection.execute(f"update {chain.relation[names[1]]} set mapping_version = 0")
    sql = chain.nodes["int_mixloop__moved_media"]["compiled_code"]
    moved = connection.sql(sql).pl().sort("week", "from_leaf_id")
    assert moved["mapping_version"].unique().to_list() == [0]
    social = moved.filter(from_leaf_id="social", to_leaf_id="search", to_channel_id="search")
    assert social["spend"].to_list() == [tiny.spend("social", i) for i in range(tiny.N_WEEKS)]
    pilot = moved.filter(from_leaf_id="unmapped")
    assert pilot.select("to_leaf_id", "from_channel_id", "spend").rows() == [("tv", None, 250.0)]
    assert len(moved) == tiny.N_WEEKS + 1
    connection.execute(f"create table {chain.relation['int_mixloop__moved_media']} as {sql}")
    sql = chain.nodes["int_mixloop__media_prices"]["compiled_code"]
    prices = connection.sql(sql).pl().filter(pl.col("week") == date.fromisoformat(tiny.week(JUMP)))
    found = {
        (is_current, channel): log_price
        for is_current, channel, log_price in prices.select(
            "is_current", "channel_id", "log_price"
        ).iter_rows()
    }
    # search and social together bought what their money buys at the usual prices
    search, social = (tiny.spend(name, JUMP) for name in ("search", "social"))
    both = math.log((search + social) / (search / 1.25 + social))
    assert found == {
        (False, "search"): pytest.approx(math.log(1.25), abs=1e-4),
        (False, "social"): pytest.approx(0.0, abs=1e-4),
        (True, "search"): pytest.approx(both, abs=1e-4),
    }
