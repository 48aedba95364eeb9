"""Build the past date by date, as if the warehouse had been there, then once with everything.

Every date is a `dbt build` with var mixloop__as_of: its runs and forecasts go into the ledger, and
one line says what it brought. A run that the ledger holds is not fitted again, so a replay that was
stopped goes on where it was: give the same command again.

    python scripts/replay.py --from 2025-01-01 --to 2025-12-31 --every 13
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.summary import connect, find_tables
from scripts.warehouse_files import warehouse_files

# Tests speak of today: the last build runs them.
WITHOUT_TESTS = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")

# Weeks of live forecasts that have come, by model: the newest forecast that was made before the
# week, its latest revision; a model's plans compete, the first by name counts.
CAME_TRUE = """
with runs as (
    select model_id, run_id, as_of_week from {runs} where run_kind = 'live' and is_current
),

forecasts as (
    select * from {forecasts}
    where geo = 'all' and component_id = 'kpi' and forecast_kind = 'live'
    qualify row_number() over (
        partition by model_id, week order by as_of_week desc, plan_id asc, revision desc
    ) = 1
),

actuals as (
    select model_id, week, sum(outcome) as actual
    from {model_outcomes}
    group by model_id, week
    having count(outcome) = count(*)
)

select
    forecasts.model_id,
    count(*),
    sum(actual) / sum(forecast_mean) - 1,
    count(*) filter (where actual between forecast_p05 and forecast_p95)
from forecasts
inner join runs on forecasts.model_id = runs.model_id and forecasts.week <= runs.as_of_week
inner join actuals on forecasts.model_id = actuals.model_id and forecasts.week = actuals.week
where forecasts.week > ?
group by forecasts.model_id
order by forecasts.model_id
"""


def replay_dates(first: date, last: date, weeks: int) -> list[date]:
    """Return the dates to build as of, `weeks` apart, from the first to at most the last one.

    Examples
    --------
    >>> [day.isoformat() for day in replay_dates(date(2025, 1, 1), date(2025, 7, 2), 13)]
    ['2025-01-01', '2025-04-02', '2025-07-02']
    """
    if weeks < 1:
        raise ValueError(f"--every must be at least one week, not {weeks}")
    if last < first:
        raise ValueError(f"--to ({last}) is before --from ({first})")
    return [
        first + timedelta(weeks=weeks * k) for k in range((last - first).days // (7 * weeks) + 1)
    ]


def build(day: date | None, variables: Mapping[str, object]) -> int:
    """Build as of a day, or with everything; return dbt's exit code."""
    given = dict(variables) | ({} if day is None else {"mixloop__as_of": day.isoformat()})
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", "build"]
    more = () if day is None else WITHOUT_TESTS
    return subprocess.run([*command, *more, "--vars", json.dumps(given)], check=False).returncode


def addresses(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the tables that the report reads, those that are there."""
    rows = connection.execute(
        "select table_name, table_catalog || '.' || table_schema || '.' || table_name "
        "from information_schema.tables "
        "where table_name in ('int_mixloop__model_outcomes', 'int_mixloop__posterior')"
    ).fetchall()
    return find_tables(connection) | {
        name.removeprefix("int_mixloop__"): address for name, address in rows
    }


def in_the_ledger(warehouse: Path, history: Path) -> tuple[set[str], set[tuple]]:
    """Return the runs, and the forecasts (run, plan, revision), that are kept."""
    if not (warehouse.exists() and history.exists()):
        return set(), set()
    with connect(warehouse, history) as connection:
        tables = addresses(connection)
        if not {"posterior", "forecasts"} <= tables.keys():
            return set(), set()
        runs = connection.execute(f"select distinct run_id from {tables['posterior']}").fetchall()
        plans = connection.execute(
            f"select distinct run_id, plan_id, revision from {tables['forecasts']}"
        ).fetchall()
    return {run for (run,) in runs}, set(plans)


def newest_week(warehouse: Path, history: Path) -> date:
    """Return the last training week of the current runs, or a week before all others."""
    with connect(warehouse, history) as connection:
        runs = addresses(connection).get("runs")
        found = None
        if runs:
            query = f"select max(as_of_week) from {runs} where is_current"
            (found,) = connection.execute(query).fetchone()
    return found or date(1970, 1, 5)


def came_true(warehouse: Path, history: Path, since: date) -> list[tuple]:
    """Return model, weeks, gap and weeks in the range of forecast weeks that came after `since`."""
    with connect(warehouse, history) as connection:
        return connection.execute(CAME_TRUE.format(**addresses(connection)), [since]).fetchall()


def in_words(rows: list[tuple]) -> Iterator[str]:
    """Yield what became of each model's forecasts.

    Examples
    --------
    >>> list(in_words([("revenue", 13, 0.0214, 12)]))
    ['revenue +2.1% on its forecast, 12 of 13 weeks in the 90% range']
    """
    for model, n_weeks, gap, n_inside in rows:
        yield (
            f"{model} {gap:+.1%} on its forecast, {n_inside} of {n_weeks} weeks in the 90% range"
        )


def replay(
    days: list[date | None], variables: Mapping[str, object], past: Mapping[str, object]
) -> int:
    """Build every date, None for everything; print a line for each; return the exit code.

    `variables` are vars of all builds, `past` those of the dates only.
    """
    files = warehouse_files()
    runs, plans = in_the_ledger(*files)
    since: date | None = None
    for day in days:
        name = "everything" if day is None else day.isoformat()
        if build(day, variables if day is None else {**variables, **past}):
            print(
                f"replay: the build {'with' if day is None else 'as of'} {name} failed, see above "
                "and logs/dbt.log; the same command goes on from here",
                file=sys.stderr,
            )
            return 1
        runs_now, plans_now = in_the_ledger(*files)
        newest = newest_week(*files)
        told = [] if since is None else list(in_words(came_true(*files, since)))
        print(
            f"{name:<10}  data to the week of {newest}: runs +{len(runs_now - runs)}, "
            f"forecasts +{len(plans_now - plans)}; "
            + ("; ".join(told) or "no week of a forecast has come"),
            flush=True,
        )
        runs, plans, since = runs_now, plans_now, newest
    return 0


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--from", dest="first", type=date.fromisoformat, required=True)
    parser.add_argument("--to", dest="last", type=date.fromisoformat, required=True)
    parser.add_argument("--every", type=int, default=13, help="weeks between dates")
    parser.add_argument("--vars", type=json.loads, default={}, help="vars of all builds, as JSON")
    parser.add_argument(
        "--past-vars", type=json.loads, default={}, help="vars of the dates, not of the last build"
    )
    parser.add_argument(
        "--past-only", action="store_true", help="leave out the last build, with everything"
    )
    return parser.parse_args(given)


def main() -> int:
    """Replay what the command line asks for."""
    asked = arguments()
    if not os.environ.get("DBT_PROFILES_DIR"):
        os.environ["DBT_PROFILES_DIR"] = "."
    try:
        days = replay_dates(asked.first, asked.last, asked.every)
    except ValueError as error:
        print(f"replay: {error}", file=sys.stderr)
        return 2
    last = [] if asked.past_only else [None]
    return replay([*days, *last], asked.vars, asked.past_vars)


if __name__ == "__main__":
    sys.exit(main())
