"""Builds of the whole project, again and again: the same rows, and nothing published is lost."""

import duckdb
import pytest
from scripts.fingerprint import MEASUREMENTS
from tests.warehouse.place import FILES, assert_same
from tests.warehouse.tiny import HORIZON, N_WEEKS, week, write_folder

pytestmark = pytest.mark.slow
FORECASTS = "history.main_mixloop.mixloop__forecasts"
PREDICTIONS = "history.main_intermediate.int_mixloop__decision_predictions"
OUTCOMES = "main_mixloop.mixloop__decision_outcomes"
ENTERED = ("int_mixloop__decision_records", "int_mixloop__ledger_candidates", "mixloop__ledger")
MEASUREMENTS_OF_DECISIONS = "history.main_intermediate.int_mixloop__decision_measurements"


def rows(ledger: list[tuple]) -> set[str]:
    """Return rows that hold lists as a set."""
    return set(map(str, ledger))


def test_full_refresh_and_a_lost_warehouse_file_keep_the_history(place):
    """What an `--empty` run leaves of the history is looked at in test_ledger.py."""
    before, ledger = place.fingerprint(), place.ledger()
    (place.folder / "wh.duckdb").unlink()
    place.dbt("run", "--full-refresh")
    assert place.ledger() == ledger
    assert_same(before, place.fingerprint())


def test_changed_plan_is_a_new_revision_and_a_new_week_a_new_run(place):
    """A decision that comes with the plan is predicted once, and measured by both runs.

    It is gone from the client's table when the second one measures it.
    """
    ledger = place.ledger()
    ((live,),) = place.read(f"select distinct run_id from {FORECASTS} where forecast_kind = 'live'")

    def more_tv(tables):
        for row in tables["plan"]:
            row["planned_spend"] += 50 * (row["channel_id"] == "tv")
        weeks = {"approved_on": week(60), "start_week": week(61), "end_week": week(63)}
        money = {"channel_id": "search", "spend_from": 250, "spend_to": 360}
        tables["decisions"] = [{"decision_id": "d"} | weeks | money]

    chosen = ("--select", "+mixloop__forecasts", "+mixloop__decision_outcomes")
    write_folder(place.client, more_tv)
    place.dbt("run", *chosen, *ENTERED)
    predicted = place.read(f"from {PREDICTIONS}")
    assert len(predicted) == 1
    assert place.read(f"select revision from {MEASUREMENTS_OF_DECISIONS}") == [(1,)]
    revised = place.ledger()
    assert rows(ledger) < rows(revised)
    revisions = place.read(
        "select run_id, revision, count(distinct week), max(planned_spend) "
        f"from {FORECASTS} where forecast_kind = 'live' and geo = 'national' "
        "and component_id = 'tv' group by all order by all"
    )
    assert revisions == [(live, 1, HORIZON, 1000.0), (live, 2, HORIZON, 1050.0)]

    (place.client / "decisions.csv").unlink()
    write_folder(place.client, n_weeks=N_WEEKS + 1)
    place.dbt("run", *chosen)
    assert place.read(f"from {PREDICTIONS}") == predicted
    assert place.read(f"select decision_id, is_withdrawn, prediction_status from {OUTCOMES}") == [
        ("d", True, "predicted")
    ]
    assert place.read(
        "select revision, cast(as_of_week as varchar), spend_counterfactual "
        f"from {MEASUREMENTS_OF_DECISIONS} order by revision"
    ) == [(1, week(N_WEEKS - 1), 750.0), (2, week(N_WEEKS), 750.0)]
    assert rows(revised) < rows(place.ledger())
    runs = place.read(
        f"select distinct cast(as_of_week as varchar), run_id = '{live}' from {FORECASTS} "
        "where forecast_kind = 'live' order by all"
    )
    assert runs == [(week(N_WEEKS - 1), True), (week(N_WEEKS), False)]


def kill(place, moment: str) -> None:
    """Start a build and kill it with SIGKILL at the first line of output that holds `moment`."""
    process = place.start("run")
    for line in process.stdout:
        if moment in line:
            process.kill()
            break
    process.communicate()
    assert process.returncode == -9, f"the build ended before it could be killed at: {moment}"


def test_builds_from_nothing_that_are_killed_lose_and_double_nothing(place):
    """Killed while fitting, while publishing and just after; then built to the end."""
    before = place.fingerprint(without=MEASUREMENTS)
    complete = place.ledger(without=MEASUREMENTS)
    for name in FILES:
        (place.folder / name).unlink()
    for moment, has_posterior, has_forecasts in (
        ("START python incremental model history.main_intermediate", False, False),
        ("START sql incremental model history.main_mixloop.mixloop__forecasts", True, None),
        ("OK created sql incremental model history.main_mixloop.mixloop__forecasts", True, True),
    ):
        kill(place, moment)
        tables = place.read(
            "select table_name from duckdb_tables() where database_name = 'history'"
        )
        assert (("int_mixloop__posterior",) in tables) == has_posterior
        assert has_forecasts is None or (("mixloop__forecasts",) in tables) == has_forecasts
    kept = place.ledger()  # what comes after the forecasts is not there yet
    place.dbt("run")
    assert rows(kept) < rows(place.ledger())
    assert place.ledger(without=MEASUREMENTS) == complete
    assert_same(before, place.fingerprint(without=MEASUREMENTS))


GROWING = {
    "int_mixloop__forecast_variance": "main_intermediate",
    "mixloop__forecast_variance": "main_mixloop",
    "mixloop__variance_periods": "main_mixloop",
}
PERIODS = "main_mixloop.mixloop__variance_periods"


def written_anew(place, defect: str, *arguments: str) -> set[str]:
    """Return which of the growing tables a run with a defect writes: a comment on them is gone."""
    with duckdb.connect(str(place.folder / FILES[0])) as connection:
        for name, schema in GROWING.items():
            connection.execute(f"comment on table {schema}.{name} is 'of the build before'")
        connection.execute(defect)
    place.dbt("run", *arguments, "--select", *GROWING)
    found = place.read("select table_name from duckdb_tables() where comment is null")
    return {name for (name,) in found if name in GROWING}


def test_tables_that_grow_are_written_again_only_when_they_differ(place):
    """A value or a constraint that is not the model's is mended; a full refresh writes marts."""
    before = place.fingerprint()
    assert written_anew(place, "select 1") == set()
    wrong_value = f"update {PERIODS} set forecast = forecast + 1 where rowid = 0"
    assert written_anew(place, wrong_value) == {"mixloop__variance_periods"}
    assert_same(before, place.fingerprint())
    no_constraint = f"alter table {PERIODS} alter column model_id drop not null"
    assert written_anew(place, no_constraint) == {"mixloop__variance_periods"}
    marts = {"mixloop__variance_periods", "mixloop__forecast_variance"}
    assert written_anew(place, "select 1", "--full-refresh") == marts
    other_inputs = "update main_intermediate.int_mixloop__forecast_variance set made_of = 'other'"
    assert "int_mixloop__forecast_variance" in written_anew(place, other_inputs)
    assert_same(before, place.fingerprint())
