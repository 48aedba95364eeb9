"""The end-of-build summary is friendly when there is little, and the queries it shows run."""

import re

import duckdb
import pytest
from scripts import summary as script
from tests.warehouse.rules import is_public, models_of


@pytest.fixture
def files(tmp_path):
    """Return paths of a warehouse and its history that do not exist yet."""
    return tmp_path / "wh.duckdb", tmp_path / "wh_history.duckdb"


@pytest.fixture
def contracted(manifest, files):
    """Make every public table as its contract says, without rows; return the files."""
    warehouse, history = files
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"attach '{history}' as history")
        for name, node in models_of(manifest).items():
            if not is_public(node):
                continue
            database = "history" if node["database"] == "history" else "wh"
            connection.execute(f"create schema if not exists {database}.{node['schema']}")
            columns = [f"{c['name']} {c['data_type']}" for c in node["columns"].values()]
            address = f"{database}.{node['schema']}.{name}"
            connection.execute(f"create table {address} ({', '.join(columns)})")
    return files


def test_no_warehouse(files):
    assert script.summary(*files) == f"There is no warehouse at {files[0]} yet: run `make build`."


def test_warehouse_without_tables(files):
    duckdb.connect(str(files[0])).close()
    assert "holds no mixloop tables yet: run `make build`" in script.summary(*files)


def test_ledger_head_is_shown(contracted):
    assert "Ledger: no entries yet" in script.summary(*contracted)
    with duckdb.connect(str(contracted[1])) as connection:
        for position, revision in ((1, 1), (2, 2)):
            connection.execute(
                "insert into main_mixloop.mixloop__ledger (position, record_kind, record_id, "
                f"revision, entry_hash) values ({position}, 'decision', 'd', {revision}, "
                f"'hash {position}')"
            )
    text = script.summary(*contracted)
    assert "Ledger: 2 entries, head hash 2 (note it elsewhere" in text
    assert "decision d was edited after its approval: 2 versions are in the ledger" in text


def test_some_tables_missing(contracted):
    with duckdb.connect(str(contracted[0])) as connection:
        connection.execute("drop table main_mixloop.mixloop__forecast_variance")
        connection.execute("drop table main_mixloop.mixloop__runs")
    text = script.summary(*contracted)
    assert "not built yet: why it came differently" in text
    assert "Why was the last forecast wrong?" not in text


def test_file_held_by_another_program(contracted, monkeypatch):
    def held(*_args):
        raise duckdb.IOException("Could not set lock on file")

    monkeypatch.setattr(script, "connect", held)
    assert "Close the program that holds it" in script.summary(*contracted)


def test_every_public_table_is_listed(manifest):
    public = {name for name, node in models_of(manifest).items() if is_public(node)}
    assert {name for name, _ in script.PUBLIC} == public


def test_headline_says_what_the_tables_say(contracted):
    with duckdb.connect(str(contracted[0])) as connection:
        connection.execute(f"attach '{contracted[1]}' as history")
        connection.execute(
            "insert into main_mixloop.mixloop__runs by name select 'r' as run_id, 'm' as model_id, "
            "'sales' as kpi, true as is_current, date '2023-01-02' as first_training_week, "
            "date '2025-12-22' as as_of_week, 156 as n_training_weeks, 1.0034 as rhat_max, "
            "0.021 as out_of_sample_mape, 0.05 as seasonal_naive_mape"
        )
        connection.execute(
            "insert into main_mixloop.mixloop__channel_performance by name "
            "select 'r' as run_id, 'c' || i as channel_id, 'Channel ' || i as label, "
            "'last_52_weeks' as period_id, true as is_estimated, true as is_additive, "
            "i * 1e6 as effect_mean, 2.5 as roi_mean, 1.25 as roi_p05, 3.5 as roi_p95 "
            "from range(1, 5) as t(i)"
        )
        connection.execute(
            "insert into history.main_mixloop.mixloop__forecasts by name "
            "select 'r' as run_id, 'p' as plan_id, i as revision, 'all' as geo, "
            "'kpi' as component_id, 1 as horizon_weeks, date '2025-12-29' as week, "
            "i * 100.0 as forecast_mean, i * 90.0 as forecast_p05, i * 110.0 as forecast_p95 "
            "from range(1, 3) as t(i)"
        )
    text = script.summary(*contracted)
    assert "Model m (sales), 156 weeks from 2023-01-02 to 2025-12-22" in text
    assert "worst R-hat 1.003; weeks held out: 2.1% off on average" in text
    assert "last year's week is 5.0% off" in text
    assert "Channel 4: 4 m in the last 52 weeks, 2.5 for each unit of money (1.25 to 3.5)" in text
    assert "Channel 2" in text
    assert "Channel 1" not in text
    assert "week of 2025-12-29, p: 200 (180 to 220)" in text
    assert "p: 100" not in text


def with_run(contracted, statement=None):
    """Return the summary of one run whose flag is `old flag`, after a statement."""
    with duckdb.connect(str(contracted[0])) as connection:
        connection.execute(
            "insert into main_mixloop.mixloop__runs by name select 'r' as run_id, 'm' as model_id, "
            "'sales' as kpi, true as is_current, 104 as n_training_weeks, 'old flag' as flags"
        )
        if statement is not None:
            connection.execute(statement)
    return script.summary(*contracted)


def test_the_verdict_and_its_reasons_are_told(contracted):
    text = with_run(
        contracted,
        "insert into main_mixloop.mixloop__model_health by name select 'r' as run_id, "
        "'not for decisions' as verdict, 'not converged; short history' as reasons",
    )
    assert "  verdict    not for decisions\n  beware     not converged; short history\n" in text
    assert "old flag" not in text


def test_a_sound_run_has_nothing_to_beware_of(contracted):
    text = with_run(
        contracted,
        "insert into main_mixloop.mixloop__model_health by name select 'r' as run_id, "
        "'sound' as verdict",
    )
    assert "  verdict    sound\n" in text
    assert "beware" not in text


def test_without_a_verdict_the_flags_are_told(contracted):
    text = with_run(contracted, "drop table main_mixloop.mixloop__model_health")
    assert "  beware     old flag\n" in text


def test_queries_of_the_summary_run(contracted):
    queries = re.findall(r"^-- .*?\n(select.*?);", script.summary(*contracted), re.S | re.M)
    assert len(queries) == 3
    with script.connect(*contracted) as connection:
        for query in queries:
            assert connection.execute(query).fetchall() == []


def test_example_queries_of_the_docs_run(manifest, contracted):
    with script.connect(*contracted) as connection:
        for name, node in models_of(manifest).items():
            for query in re.findall(r"```sql\n(.*?)```", node["description"], re.S):
                connection.execute(query).fetchall()
                assert f".{name}" in query
