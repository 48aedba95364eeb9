"""The ledger: entered once, chained, whole after kills and prunings, and every tampering is found.

What is compiled once is run in memory over tables made by hand, beside a ledger kept by Python;
what dbt itself does (kills, two builds at once, prunings) runs in one built place.
"""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from tests.warehouse.forked import ForkedDbt
from tests.warehouse.ledger_defects import GENESIS, entry_hash
from tests.warehouse.place import FILES, LEDGERS
from tests.warehouse.rules import APPEND_ONLY

KILLS = int(os.environ.get("MIXLOOP_KILLS", "4"))
SEED = int(os.environ.get("MIXLOOP_KILLS_SEED", "1"))
LEDGER = "history.main_mixloop.mixloop__ledger"
CANDIDATES = "wh.main_intermediate.int_mixloop__ledger_candidates"
FORECASTS = "history.main_mixloop.mixloop__forecasts"
POSTERIOR = "history.main_intermediate.int_mixloop__posterior"
WRITING = (*APPEND_ONLY, "int_mixloop__ledger_candidates")
ENTRIES = ("int_mixloop__ledger_candidates", "mixloop__ledger")


@pytest.fixture(scope="module")
def forked(good, tmp_path_factory):
    """Return dbt in a copy of the built place, with its compiled ledger beside it."""
    place = good.copy(tmp_path_factory.mktemp("ledger") / "p")
    fitted = place.folder / "fitted.parquet"
    with duckdb.connect(str(place.folder / FILES[1]), read_only=True) as connection:
        table = POSTERIOR.removeprefix("history.")
        connection.execute(f"copy (from {table}) to '{fitted}' (format parquet)")
    dbt = ForkedDbt(place, fitted)
    yield dbt
    dbt.close()


@pytest.fixture(scope="module")
def built(forked) -> dict[str, list[tuple]]:
    """Return the rows of every append-only table as the whole build left them."""
    return rows_of(forked.place.folder)


@pytest.fixture
def dbt(forked, good):
    """Return dbt in the place, its files as they were built."""
    for name in FILES:
        for left in forked.place.folder.glob(f"{name}*"):
            left.unlink()
        shutil.copy(good.folder / name, forked.place.folder / name)
    return forked


def rows_of(folder: Path) -> dict[str, list[tuple]]:
    """Return the rows of every append-only table that is there, in the order of their keys."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{folder / FILES[1]}' as history (read_only)")
        there = connection.execute(
            "select concat_ws('.', database_name, schema_name, table_name) from duckdb_tables()"
        ).fetchall()
        return {
            name: connection.execute(f"from {name} order by all").fetchall()
            for name in LEDGERS
            if (name,) in there
        }


def texts(rows: list[tuple]) -> list[str]:
    """Return rows as text: some hold lists."""
    return sorted(map(str, rows))


# --- kills and two builds at once ------------------------------------------------------------


def is_part_of(before: dict, now: dict, whole: dict) -> bool:
    """Return whether rows were only added, each once, and none that the whole build has not."""
    return all(
        set(texts(before.get(name, []))) <= set(texts(rows)) <= set(texts(whole[name]))
        and len(set(texts(rows))) == len(rows)
        for name, rows in now.items()
    ) and set(before) <= set(now)


def has_its_sources(now: dict) -> bool:
    """Return whether all that the ledger names is there, and the chain has no gap."""
    entries = sorted(now.get(LEDGER, []), key=lambda row: row[1])
    runs = {row[0] for row in now.get(POSTERIOR, [])}
    forecasts = {f"{row[1]}/{row[4]}/{row[6]}" for row in now.get(FORECASTS, [])}
    hashes = [GENESIS, *(row[-1] for row in entries)]
    return (
        {row[3] for row in entries if row[2] == "run"} <= runs
        and {row[3] for row in entries if row[2] == "forecast"} <= forecasts
        and [row[1] for row in entries] == list(range(1, len(entries) + 1))
        and [row[-2] for row in entries] == hashes[:-1]
    )


def empty_history(folder: Path) -> None:
    """Take the history away; the warehouse stays."""
    for left in folder.glob(f"{FILES[1]}*"):
        left.unlink()


def test_builds_that_are_killed_at_random_moments_lose_double_and_change_nothing(dbt, built):
    """KILLS kills, each build going on from where the one before it died."""
    folder, dice = dbt.place.folder, random.Random(SEED)
    empty_history(folder)
    start = time.monotonic()
    dbt.dbt("run", "--select", *WRITING)
    longest = time.monotonic() - start
    assert rows_of(folder) == built
    partial, kills = 0, 0
    empty_history(folder)
    before: dict = {}
    while kills < KILLS:
        pid = dbt.start("run", "--select", *WRITING)
        time.sleep(dice.uniform(0.1, 1.0) * longest)
        os.kill(pid, signal.SIGKILL)
        killed = dbt.wait(pid) == -signal.SIGKILL
        kills += killed
        now = rows_of(folder) if (folder / FILES[1]).exists() else {}
        assert is_part_of(before, now, built)
        assert has_its_sources(now)
        partial += killed and before != now and now != built
        before = now
        if now == built:
            empty_history(folder)
            before = {}
    assert partial, "no kill fell between two writes"
    dbt.dbt("run", "--select", *WRITING)
    assert rows_of(folder) == built


def test_two_builds_at_once_write_everything_once(dbt, built):
    folder = dbt.place.folder
    empty_history(folder)
    both = [dbt.start("run", "--select", *WRITING) for _ in range(2)]
    ended = [dbt.wait(pid) for pid in both]
    assert 0 in ended, [dbt.said(pid) for pid in both]
    assert rows_of(folder) == built


@pytest.mark.parametrize("arguments", [("--full-refresh",), ("--empty",)], ids=str)
def test_another_build_changes_nothing(dbt, built, arguments):
    dbt.dbt("run", *arguments, "--select", *WRITING)
    assert rows_of(dbt.place.folder) == built


# --- pruning ---------------------------------------------------------------------------------

OLD = {"gone": 40, "decided": 39, "over": 38, "awaited": 37}  # weeks before the newest
PRUNED = ["gone", "over"]


def write(dbt: ForkedDbt, *statements: str) -> None:
    """Run statements on the history file."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"attach '{dbt.place.folder / FILES[1]}' as history")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def aged(dbt):
    """Return a place with old runs: two of them are needed, by a decision and by a forecast."""
    ((live,),) = dbt.place.read(f"select distinct run_id from {FORECASTS} where plan_id = 'base'")
    statements = []
    for run, weeks in OLD.items():
        ahead = 0 if run == "awaited" else weeks
        statements += [
            f"insert into {POSTERIOR} select * replace ('{run}' as run_id, "
            f"as_of_week - {7 * weeks} as as_of_week) from {POSTERIOR} where run_id = '{live}'",
            f"insert into {FORECASTS} select * replace ('{run}' as run_id, "
            f"as_of_week - {7 * weeks} as as_of_week, week - {7 * ahead} as week, "
            f"md5('{run}' || forecast_id) as forecast_id, "
            f"md5('{run}' || content_hash) as content_hash) from {FORECASTS} "
            f"where run_id = '{live}'",
        ]
    write(dbt, *statements)
    decisions = [("d1", "decided", "2026-01-05"), ("d2", "over", "2024-02-05")]
    (dbt.place.client / "decisions.csv").write_text(
        "decision_id,approved_on,approved_by,channel_id,run_id,end_week\n"
        + "".join(f"{name},2024-06-01,Ann,tv,{run},{end}\n" for name, run, end in decisions)
    )
    dbt.dbt("run", "--select", "stg_mixloop__decisions", "int_mixloop__decision_records", *ENTRIES)
    yield dbt
    (dbt.place.client / "decisions.csv").unlink()


def runs_with_draws(dbt: ForkedDbt) -> set[str]:
    """Return the old runs whose draws are there."""
    return {run for (run,) in dbt.place.read(f"select distinct run_id from {POSTERIOR}")} & set(OLD)


def test_pruning_removes_what_nothing_needs_and_says_so(aged):
    prune = ("run-operation", "prune_history", "--args")
    before = rows_of(aged.place.folder)
    said = aged.dbt(*prune, "{keep_weeks: 30}")
    assert "with dry_run: false these would go: 2 runs in int_mixloop__posterior" in said.lower()
    assert all((f"  {run}  " in said) == (run in PRUNED) for run in OLD)
    assert "say who prunes" in aged.dbt(*prune, "{keep_weeks: 30, dry_run: false}", fails=True)
    assert rows_of(aged.place.folder) == before

    aged.dbt(*prune, "{keep_weeks: 30, by: Ann O'Hara, dry_run: false}")
    assert runs_with_draws(aged) == {"decided", "awaited"}
    after = rows_of(aged.place.folder)
    touched = {name for name in after if after[name] != before[name]}
    assert {name.split("__")[-1] for name in touched} == {"posterior", "pruned_runs"}

    aged.dbt("run", "--select", *ENTRIES, "mixloop__runs", "int_mixloop__forecast_variance")
    ((content, previous),) = aged.place.read(
        f"select content, previous_hash from {LEDGER} where record_kind = 'prune'"
    )
    assert json.loads(content)["run_ids"] == PRUNED
    assert json.loads(content)["pruned_by"] == "Ann O'Hara"
    assert previous == max(before[LEDGER], key=lambda row: row[1])[-1]
    assert set(texts(before[LEDGER])) < set(texts(rows_of(aged.place.folder)[LEDGER]))
    runs = "select run_id, is_pruned, n_terms > 0 from wh.main_mixloop.mixloop__runs"
    kept = {row for row in aged.place.read(runs) if row[0] in OLD}
    assert kept == {(run, run in PRUNED, True) for run in OLD}
    compared = aged.place.read(
        "select distinct run_id from wh.main_intermediate.int_mixloop__forecast_variance"
    )
    assert ("decided",) in compared and ("gone",) not in compared
    checks = ("assert_ledger_chain_is_whole", "assert_ledger_says_what_is_kept")
    aged.dbt("test", "--select", *checks)
    assert "There is nothing to prune" in aged.dbt(*prune, "{keep_weeks: 30}")

    write(aged, f"delete from {POSTERIOR} where run_id = 'decided'")  # lost, not pruned
    aged.dbt("run", "--select", *ENTRIES)
    said = aged.dbt("test", "--select", *checks, fails=True)
    assert "Failure in test assert_ledger_says_what_is_kept" in said
    said = aged.dbt("run", "--select", "int_mixloop__forecast_variance", fails=True)
    assert "published forecasts of 1 runs have no posterior draws" in said


def test_a_pruning_that_is_killed_is_done_or_not_begun(aged):
    dice = random.Random(SEED)
    arguments = ("run-operation", "prune_history", "--args")
    for _ in range(max(3, KILLS // 5)):
        pid = aged.start(*arguments, "{keep_weeks: 30, by: Ann, dry_run: false}")
        time.sleep(dice.uniform(0.2, 1.5))
        os.kill(pid, signal.SIGKILL)
        aged.wait(pid)
        pruned = aged.place.read(
            "select run_id from history.main_intermediate.int_mixloop__pruned_runs"
        )
        assert {run for (run,) in pruned} == set(OLD) - runs_with_draws(aged)
        if pruned:
            break


# --- the head --------------------------------------------------------------------------------


def test_entries_that_are_missing_at_the_end_are_found_by_a_noted_head(dbt, built):
    check = ("run-operation", "check_ledger_head")
    head = re.search(r"head (\w{64})", dbt.dbt(*check)).group(1)
    write(
        dbt,
        f"create table history.kept as from {LEDGER}",
        f"delete from {LEDGER} where position > 2",
    )
    said = dbt.dbt(*check)
    assert "The chain is whole: 2 entries" in said
    assert f"has the hash {head}" in dbt.dbt(*check, "--args", f"{{head: {head}}}", fails=True)
    early = re.search(r"head (\w{64})", said).group(1)
    dbt.dbt("run", "--select", *ENTRIES)  # what is still there is entered again, as it was
    said = dbt.dbt(*check, "--args", f"{{head: {head}}}")
    assert f"The noted head is entry {len(built[LEDGER])}; 0 entries came after it" in said
    since = f"The noted head is entry 2; {len(built[LEDGER]) - 2} entries came after it"
    assert since in dbt.dbt(*check, "--args", f"{{head: {early}}}")
    write(dbt, f"update {LEDGER} set model_id = 'other' where position = 3")
    assert "is broken at" in dbt.dbt(*check, fails=True)


# --- what is entered, beside a ledger kept by Python -----------------------------------------

COLUMNS = ("is_kept", "turn", "record_kind", "record_id", "model_id", "run_id", "as_of_week")
FACTS = ("record_kind", "record_id", "revision", "model_id", "run_id", "as_of_week")


@pytest.fixture(scope="module")
def compiled(forked) -> dict[str, str]:
    """Return the SQL of ledger, its candidates and its tests, as a build that is not the first."""
    names = (*ENTRIES, "assert_ledger_chain_is_whole", "assert_ledger_says_what_is_kept")
    forked.dbt("compile", "--select", *names)
    files = (forked.place.folder / "target" / "compiled").rglob("*.sql")
    return {file.stem: file.read_text() for file in files if file.stem in names}


def ledger_by_hand(ledger: list[dict], candidates: list[dict]) -> list[dict]:
    """Return the ledger after another build, by the rules of docs/history.md."""
    last = {(entry["record_kind"], entry["record_id"]): entry for entry in ledger}
    order = ("as_of_week", "turn", "model_id", "record_id")
    out = list(ledger)
    for row in sorted(candidates, key=lambda row: tuple(str(row[name] or "~") for name in order)):
        known = last.get((row["record_kind"], row["record_id"]))
        content_hash = hashlib.sha256(row["content"].encode()).hexdigest()
        if known and (
            row["is_kept"]
            or known["content_hash"] == content_hash
            or row["as_of_week"] < known["as_of_week"]
        ):
            continue
        entry = {name: row.get(name) for name in FACTS}
        entry["revision"] = known["revision"] + 1 if known else 1
        previous = out[-1]["entry_hash"] if out else GENESIS
        out.append(
            entry
            | {"position": len(out) + 1, "content": row["content"], "content_hash": content_hash}
            | {"previous_hash": previous}
            | {
                "entry_hash": entry_hash(
                    previous,
                    len(out) + 1,
                    tuple(str(v) if isinstance(v, date) else v for v in entry.values()),
                    row["content"],
                )
            }
        )
    return out


def some_candidates(dice: random.Random, week: date) -> list[dict]:
    """Return the records of one build: of two kinds, some revised, some not there."""
    found = []
    for turn, (kind, is_kept) in enumerate((("plan", False), ("run", True)), start=1):
        for name in dice.sample(["a", "b", 'c "quoted"', "d ü", "e'"], dice.randint(1, 5)):
            record = dict(zip(COLUMNS[:4], (is_kept, turn, kind, name), strict=True))
            record["model_id"] = dice.choice(["m", "n"]) if is_kept else None
            record["run_id"] = name if is_kept else None
            record["as_of_week"] = week - timedelta(weeks=dice.choice([0, 0, 0, 2]))
            record["content"] = f'{{"value":"{dice.randint(1, 3)} é"}}'
            found.append(record)
    return found


def test_entries_are_those_of_a_ledger_kept_by_hand(compiled):
    """Twenty builds in a row, some as of an earlier week; each is run twice, the second in vain."""
    dice, by_hand = random.Random(SEED), []
    with duckdb.connect(":memory:") as connection:
        for name in (CANDIDATES, LEDGER):
            database, schema, _ = name.split(".")
            connection.execute(f"attach ':memory:' as {database}")
            connection.execute(f"create schema {database}.{schema}")
        types = [*(("varchar", "bigint", "varchar", "varchar", "integer")), *["varchar"] * 2]
        names = ["entry_id", "position", "record_kind", "record_id", "revision", "model_id"]
        names += ["run_id", "as_of_week", "content", "content_hash", "previous_hash", "entry_hash"]
        types += ["date", *["varchar"] * 4]
        columns = ", ".join(f"{n} {t}" for n, t in zip(names, types, strict=True))
        connection.execute(f"create table {LEDGER} ({columns})")
        for build in range(20):
            candidates = some_candidates(dice, date(2025, 1, 6) + timedelta(weeks=build))
            frame = pl.DataFrame(candidates, infer_schema_length=None).with_columns(
                pl.col("model_id", "run_id").cast(pl.String)
            )
            connection.register("frame", frame)
            connection.execute(
                f"create or replace table {CANDIDATES} as "
                "select *, sha256(content) as content_hash from frame"
            )
            by_hand = ledger_by_hand(by_hand, candidates)
            for _ in range(2):
                connection.execute(f"insert into {LEDGER} {compiled['mixloop__ledger']}")
                cursor = connection.execute(
                    f"select * exclude (entry_id) from {LEDGER} order by all"
                )
                keys = [column[0] for column in cursor.description]
                rows = [dict(zip(keys, row, strict=True)) for row in cursor.fetchall()]
                assert rows == [{key: entry[key] for key in keys} for entry in by_hand]
        assert max(entry["revision"] for entry in by_hand) > 3
        broken = connection.execute(compiled["assert_ledger_chain_is_whole"]).fetchall()
        assert broken == []


def edit_and_rehash(column: str, value: str) -> str:
    """Return statements that edit a published row and forge its fingerprint."""
    return f"update {FORECASTS} set {column} = {value}, content_hash = md5('forged') where "


ROW = f"forecast_id = (select min(forecast_id) from {FORECASTS})"
RUN = f"run_id = (select min(run_id) from {POSTERIOR})"
TAMPERED = {
    "a forecast row is gone": f"delete from {FORECASTS} where {ROW}",
    "a forecast row is there twice": f"insert into {FORECASTS} select * replace "
    f"('x' as forecast_id) from {FORECASTS} where {ROW}",
    "a forecast row and its fingerprint were edited": edit_and_rehash("forecast_mean", "1.0") + ROW,
    "a whole forecast is gone": f"delete from {FORECASTS} where {RUN}",
    "a run's draws are gone": f"delete from {POSTERIOR} where {RUN}",
    "a run's term is gone": f"delete from {POSTERIOR} where {RUN} and term_type = 'noise'",
    "a run's facts were edited": f"update {POSTERIOR} set data_hash = 'x' where {RUN}",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_published_rows_that_are_not_as_they_were_are_found(dbt, compiled, what):
    """The ledger does not follow what was edited, and the test names it."""
    with contextlib.chdir(dbt.place.folder), duckdb.connect(":memory:") as connection:
        for file, name in zip(FILES, ("wh", "history"), strict=True):
            connection.execute(f"attach '{file}' as {name}")
        connection.execute("use wh")
        before = connection.execute(f"from {LEDGER} order by position").fetchall()
        check = compiled["assert_ledger_says_what_is_kept"]
        assert connection.execute(check).fetchall() == []
        assert connection.execute(TAMPERED[what]).fetchone()[0] > 0
        connection.execute(f"create or replace table {CANDIDATES} as {compiled[ENTRIES[0]]}")
        connection.execute(f"insert into {LEDGER} {compiled[ENTRIES[1]]}")
        assert connection.execute(f"from {LEDGER} order by position").fetchall() == before
        assert connection.execute(check).fetchall()
