"""The ledger: entered once, chained, whole after kills and prunings, and every tampering is found.

What is compiled once is run in memory over tables made by hand, beside a ledger kept by Python;
what dbt itself does (kills, two builds at once, prunings) runs in one built place.
"""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest
from tests.warehouse.forked import ForkedDbt
from tests.warehouse.ledger_defects import GENESIS
from tests.warehouse.place import FILES, LEDGERS
from tests.warehouse.rules import APPEND_ONLY

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("MIXLOOP_KILLS", "10"))
SEED = int(os.environ.get("MIXLOOP_KILLS_SEED", "1"))
LEDGER = "history.main_mixloop.mixloop__ledger"
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


# --- kills and two builds at once ----------------------------------------------------------------


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


@pytest.mark.parametrize("arguments", [(), ("--full-refresh",), ("--empty",)], ids=str)
def test_another_build_changes_nothing(dbt, built, arguments):
    dbt.dbt("run", *arguments, "--select", *WRITING)
    assert rows_of(dbt.place.folder) == built
