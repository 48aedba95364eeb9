"""The date a build looks back to, and the replay: what is asked for, and what is told."""

from __future__ import annotations

import datetime
import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import jinja2
import pytest
from scripts.replay import arguments, came_true, in_the_ledger, newest_week, replay_dates

ROOT = Path(__file__).resolve().parents[2]
FILES = ("history/as_of.sql", "inputs/known_since.sql", "expressions/week_start.sql")


class ReturnError(Exception):
    """What a macro hands back."""


class CompilerError(Exception):
    """What dbt says and stops with."""


def macros(**variables: object) -> SimpleNamespace:
    """Return the macros as functions, as dbt calls them."""
    project = SimpleNamespace()

    def give(value):
        raise ReturnError(value)

    def fail(text):
        raise CompilerError(text)

    def wrapped(macro):
        def call(*given):
            try:
                return str(macro(*given))
            except ReturnError as returned:
                return returned.args[0]

        return call

    context = {
        "var": lambda name, default=None: variables.get(name, default),
        "modules": SimpleNamespace(re=re, datetime=datetime),
        "exceptions": SimpleNamespace(raise_compiler_error=fail),
        "mixloop": project,
        "return": give,
    }
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    for file in FILES:
        module = environment.from_string((ROOT / "macros" / file).read_text()).make_module(context)
        for name in re.findall(r"macro (\w+)\(", (ROOT / "macros" / file).read_text()):
            setattr(project, name, wrapped(getattr(module, name)))
    return project


@pytest.mark.parametrize(
    ("said", "day"),
    [
        (None, ""),
        ("", ""),
        ("2025-03-31", "2025-03-31"),
        (" 2024-02-29 ", "2024-02-29"),
        (date(2025, 3, 31), "2025-03-31"),  # YAML without quotes
    ],
)
def test_the_var_is_a_date_or_empty(said, day):
    assert macros(mixloop__as_of=said).as_of() == day


@pytest.mark.parametrize(
    "said",
    [
        *("yesterday", "2025-02-29", "2025-13-01", "2025-04-31", "31.03.2025", "2025-3-1"),
        *("2025-03-31 12:00:00", "2025-03-31'; drop table x", "20250331", 20250331, True),
        *("1969-12-31", "0000-00-00"),
    ],
)
def test_anything_else_is_a_clear_error(said):
    with pytest.raises(CompilerError, match=r"mixloop__as_of is .* no date; write YYYY-MM-DD"):
        macros(mixloop__as_of=said).as_of()


def is_known(name: str, day: str, **cells: str | None) -> bool:
    """Evaluate whether a row of texts was known at the end of a day."""
    project = macros()
    since = project.known_since(name)
    named = {column: column for column in (since["loaded_at"], since["date"]) if column}
    columns = ", ".join(f"cast(${column} as varchar) as {column}" for column in named)
    query = f"select {project.is_known(name, day, named)} from (select {columns})"
    given = {column: cells.get(column) for column in named}
    ((known,),) = duckdb.execute(query, given).fetchall()
    return known


@pytest.mark.parametrize(
    ("name", "cells", "first_day"),
    [
        # when it was loaded, to the end of the day, whatever it is about
        ("outcomes", {"date": "2025-01-06", "loaded_at": "2025-03-04 23:59:59"}, "2025-03-04"),
        ("media", {"date": "2025-06-01", "loaded_at": "2025-03-05"}, "2025-03-05"),
        ("plan", {"loaded_at": "2025-03-04 00:00:00"}, "2025-03-04"),
        # without it, when the week of its date is over: a Sunday
        ("outcomes", {"date": "2025-03-03"}, "2025-03-09"),
        ("context", {"date": "2025-03-09"}, "2025-03-09"),
        ("media", {"date": "2025-03-10", "loaded_at": "soon"}, "2025-03-16"),
        ("experiments", {"end_week": "2025-03-03"}, "2025-03-09"),
        ("finance", {"month": "2025-02-01"}, "2025-02-28"),
        ("decisions", {"approved_on": "2025-03-04"}, "2025-03-04"),
        ("overrides", {"accepted_on": "2025-03-04"}, "2025-03-04"),
        ("open_questions", {"asked_on": "2025-03-04"}, "2025-03-04"),
        ("feasibility_answers", {"answered_on": "2025-03-04"}, "2025-03-04"),
    ],
)
def test_a_row_is_known_from_a_day_on(name, cells, first_day):
    day_before = (date.fromisoformat(first_day) - datetime.timedelta(days=1)).isoformat()
    assert is_known(name, first_day, **cells)
    assert not is_known(name, day_before, **cells)


@pytest.mark.parametrize("name", ["media", "plan", "overrides", "decisions", "finance"])
def test_a_row_without_any_date_counts_as_known(name):
    assert is_known(name, "1999-01-01")


def test_tables_without_dates_are_taken_as_they_are():
    project = macros()
    for name in ("channel_hierarchy", "channel_mapping", "model_definitions", "goals", "events"):
        assert project.known_since(name) is None


def test_a_run_is_known_when_its_last_week_is_over():
    condition = macros(mixloop__as_of="2025-03-09").is_run_known("week")
    weeks = "values (date '2025-03-03'), (date '2025-03-10')"
    known = duckdb.sql(f"select {condition} from ({weeks}) as t(week) order by week").fetchall()
    assert known == [(True,), (False,)]
    assert macros().is_run_known("week") == "true"


def test_dates_of_a_replay():
    first, last = date(2025, 1, 1), date(2025, 12, 31)
    assert [d.isoformat() for d in replay_dates(first, last, 13)] == [
        *("2025-01-01", "2025-04-02", "2025-07-02", "2025-10-01", "2025-12-31"),
    ]
    assert replay_dates(first, first, 13) == [first]
    with pytest.raises(ValueError, match=r"--to .* is before --from"):
        replay_dates(last, first, 13)
    with pytest.raises(ValueError, match="at least one week"):
        replay_dates(first, last, 0)
    asked = arguments(["--from=2025-01-01", "--to=2025-02-01", "--past-vars", '{"x": 1}'])
    assert (asked.first, asked.every, asked.past_vars, asked.past_only) == (
        first,
        13,
        {"x": 1},
        False,
    )


@pytest.fixture
def warehouse(tmp_path):
    """Return a warehouse and a history file with forecasts and with some weeks that came."""
    files = tmp_path / "w.duckdb", tmp_path / "w_history.duckdb"
    week = "date '2025-01-06' + 7 *"
    with duckdb.connect(str(files[0])) as connection:
        connection.execute("create schema main_mixloop; create schema main_intermediate")
        connection.execute(
            "create table main_mixloop.mixloop__runs as "
            f"select 'a' as model_id, 'r3' as run_id, 'live' as run_kind, {week} 3 as as_of_week, "
            "true as is_current union all "
            f"select 'a', 'r1', 'live', {week} 0, false"
        )
        connection.execute(
            "create table main_intermediate.int_mixloop__model_outcomes as "
            f"select 'a' as model_id, geo, {week} cast(i as integer) as week, "
            "case when i = 3 and geo = 'n' then null else 50.0 + i end as outcome "
            "from range(4) as t(i) cross join (values ('n'), ('s')) as g(geo)"
        )
    with duckdb.connect(str(files[1])) as connection:
        connection.execute("create schema main_mixloop; create schema main_intermediate")
        connection.execute(
            "create table main_intermediate.int_mixloop__posterior as "
            "select unnest(['r1', 'r1', 'r2', 'r3']) as run_id"
        )
        connection.execute(
            "create table main_mixloop.mixloop__forecasts as "
            "select 'a' as model_id, run_id, 'plan' as plan_id, revision, 'live' as forecast_kind, "
            f"'all' as geo, 'kpi' as component_id, {week} made as as_of_week, {week} i as week, "
            "mean as forecast_mean, mean - 3.0 as forecast_p05, mean + 3.0 as forecast_p95 "
            "from (values ('r1', 1, 0, 1, 90.0), ('r1', 2, 0, 1, 100.0), ('r1', 2, 0, 2, 110.0), "
            "('r1', 2, 0, 3, 120.0), ('r3', 1, 3, 4, 120.0)) as f(run_id, revision, made, i, mean)"
        )
    return files


def test_what_came_true_is_told_from_the_newest_revision(warehouse):
    # weeks 1 and 2: 102 and 104 against 100 and 110; week 3 lacks a geo, week 4 has not come
    ((model, n_weeks, gap, n_inside),) = came_true(*warehouse, date(2025, 1, 6))
    assert (model, n_weeks, n_inside) == ("a", 2, 1)
    assert gap == pytest.approx(206 / 210 - 1)
    ((_, n_weeks, gap, n_inside),) = came_true(*warehouse, date(2025, 1, 13))
    assert (n_weeks, n_inside) == (1, 0) and gap == pytest.approx(104 / 110 - 1)


def test_the_ledger_is_counted_by_run_and_by_plan(warehouse, tmp_path):
    runs, plans = in_the_ledger(*warehouse)
    assert runs == {"r1", "r2", "r3"}
    assert plans == {("r1", "plan", 1), ("r1", "plan", 2), ("r3", "plan", 1)}
    assert newest_week(*warehouse) == date(2025, 1, 27)
    assert in_the_ledger(tmp_path / "no.duckdb", tmp_path / "no_history.duckdb") == (set(), set())
