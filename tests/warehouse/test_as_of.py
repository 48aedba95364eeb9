"""A build that looks back to a date sees what was known then, and nothing that came later."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date, datetime, timedelta

import polars as pl
import pytest
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.integrity_faults import clean_client
from tests.warehouse.place import LEDGERS, dbt_environment
from tests.warehouse.tiny import FIT_VARS, week

pytestmark = pytest.mark.slow
DAY = date(2025, 7, 2)  # a Wednesday
LATER = datetime(2025, 7, 3, 0, 0)
LOADED = ("media", "outcomes", "context", "plan", "plan_context", "finance")
DATED = {
    "decisions": "approved_on",
    "feasibility_answers": "answered_on",
    "open_questions": "asked_on",
    "overrides": "accepted_on",
}
# What speaks of the date itself: how many rows were left out, and that the build looks back.
ABOUT_THE_DATE = (
    *("stg_mixloop__known_rows", "int_mixloop__as_of_findings"),
    "int_mixloop__input_gate",  # counts its findings
)
LIVE = ("int_mixloop__holidays", "int_mixloop__feasibility", "int_mixloop__current_runs")


def by_date(frame: pl.DataFrame) -> pl.DataFrame:
    """Order rows as they came, so that leaving out the later ones moves no position."""
    return frame.sort("loaded_at", maintain_order=True) if "loaded_at" in frame.columns else frame


@pytest.fixture(scope="module")
def client(project_root):
    """Return a client with a record: earlier plans, values that were corrected, people's words."""
    tables = clean_client(project_root)
    plan, plan_context = (
        pl.concat(
            frame.with_columns(
                pl.col("week").dt.offset_by(f"-{shift}w"),
                pl.col("loaded_at").dt.offset_by(f"-{shift}w"),
                plan_id=pl.format("{}_{}", "plan_id", pl.lit(str(shift))),
            )
            for shift in (0, 26)
        )
        for frame in (tables["plan"], tables["plan_context"])
    )
    first = tables["outcomes"].filter(
        pl.col("date").is_between(date(2025, 6, 2), date(2025, 6, 16))
    )
    corrected = first.with_columns(
        pl.col("value") * 0.97, pl.col("loaded_at").dt.offset_by("25d")
    )  # the two weeks before the last are corrected after the day
    override = {"check_name": "media_jump", "accepted_by": "A", "reason": "b"}
    overrides = [
        override | {"series": day, "accepted_on": day} for day in ("2025-07-02", "2025-07-03")
    ]
    inputs = {
        "plan": plan,
        "plan_context": plan_context,
        "outcomes": pl.concat([tables["outcomes"], corrected]),
        "overrides": pl.DataFrame(overrides, schema=tables["overrides"].schema),
    }
    return {name: by_date(frame) for name, frame in (tables | inputs).items()}


def known(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Cut the tables by hand to what was known at the end of the day."""
    kept = dict(tables)
    for name in LOADED:
        kept[name] = tables[name].filter(pl.col("loaded_at") < LATER)
    for name, column in DATED.items():
        day = pl.col(column).replace("", None).str.to_date()
        kept[name] = tables[name].filter(day.is_null() | (day <= DAY))
    # the 2nd of July is a Wednesday: the week of June 23rd is the last that is over
    is_over = pl.col("end_week").str.to_date() <= date(2025, 6, 23)
    kept["experiments"] = tables["experiments"].filter(is_over)
    return kept


def poison(tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """Add a large lie to every table that has dates, told a minute after the day or later."""
    worse = dict(tables)
    lies = {"media": "spend", "outcomes": "value", "context": "value"}
    lies |= {"plan": "planned_spend", "plan_context": "value", "finance": "spend"}
    for name, column in lies.items():
        # every row there is, corrected: same keys, a million times the number
        rows = tables[name].with_columns(
            (pl.col(column).cast(pl.Float64) * 1e6).cast(tables[name].schema[column], strict=False),
            loaded_at=pl.lit(LATER).cast(tables[name].schema["loaded_at"]),
        )
        worse[name] = pl.concat([tables[name], rows.drop_nulls(column)])
    for name, column in (DATED | {"experiments": "end_week"}).items():
        frame = tables[name]
        lie = frame.head(1).with_columns(pl.first().add("_lie"), pl.lit("2025-07-03").alias(column))
        if name == "experiments":
            lie = lie.with_columns(start_week=pl.lit("2025-05-05"), end_week=pl.lit("2025-06-30"))
            lie = lie.with_columns(lift=pl.lit("9999999999"))
        worse[name] = pl.concat([frame, lie])
    return worse


@pytest.fixture(scope="module")
def looking_back(project_root):
    """Return the project compiled with a date."""
    return Chain(compile_project(project_root, mixloop__as_of=DAY.isoformat()), live=LIVE)


@pytest.fixture(scope="module")
def seeing_all(project_root):
    """Return the project compiled without one."""
    return Chain(compile_project(project_root), live=LIVE)


def world_of(chain: Chain, tables: dict[str, pl.DataFrame]) -> dict[str, str]:
    """Build every model over tables; return a hash of all rows of each."""
    names = [name for name in chain.nodes if name not in ABOUT_THE_DATE]
    chain.run(chain.nodes, tables)
    noise = "check_name not in ('as_of', 'as_of_without_loaded_at')"
    out = {}
    for name in names:
        columns = chain.read(f"select column_name from (describe {{{name}}})")
        where = noise if ("check_name",) in columns else "true"
        kept = "columns(lambda name: name != 'as_of')"  # of a snapshot: who looked
        ((content,),) = chain.read(
            "select md5(string_agg(to_json(t)::varchar, chr(10) order by to_json(t)::varchar)) "
            f"from (select {kept} from {{{name}}} where {where}) as t"
        )
        out[name] = content
    return out


@pytest.fixture(scope="module")
def as_of(looking_back, client):
    """Return what the tables hold as of the day."""
    return world_of(looking_back, client)


NEWEST = "select max(last_training_week) from {int_mixloop__models}"


def test_what_comes_later_changes_nothing(looking_back, client, as_of):
    after = world_of(looking_back, poison(client))
    assert [name for name in as_of if as_of[name] != after[name]] == []
    assert sum(content is not None for content in as_of.values()) > 60


def test_looking_back_is_a_build_on_what_was_known(looking_back, seeing_all, client, as_of):
    cut = world_of(seeing_all, known(client))
    assert [name for name in cut if cut[name] != as_of[name]] == []
    assert looking_back.read(NEWEST) == [(date(2025, 6, 23),)]
    seeing_all.run(["int_mixloop__models"], client)
    assert seeing_all.read(NEWEST) == [(date(2025, 12, 22),)]


FINDINGS = "main_mixloop.mixloop__input_findings"
GROWS = (
    *("int_mixloop__posterior", "mixloop__forecasts", "mixloop__published_contributions"),
    *("mixloop__ledger", "int_mixloop__run_panels", "int_mixloop__published_hypotheses"),
)


def test_a_replayed_date_adds_its_run_to_the_ledger_and_takes_nothing(place, project_root):
    ledger = {name: set(map(str, place.read(f"from {name}"))) for name in LEDGERS}
    day = date.fromisoformat(week(56)) + timedelta(days=9)
    command = [sys.executable, str(project_root / "scripts/replay.py"), f"--from={day}"]
    done = subprocess.run(
        [*command, f"--to={day}", "--past-only", "--vars", json.dumps(FIT_VARS)],
        cwd=place.folder,
        env=dbt_environment(place.folder, **place.settings),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # one live run; how many origins it is backtested at is not this test's affair
    assert re.fullmatch(
        rf"{day}  data to the week of {week(56)}: runs \+[1-9], forecasts \+1; "
        "no week of a forecast has come\n",
        done.stdout,
    )
    for name, kept in ledger.items():
        now = set(map(str, place.read(f"from {name}")))
        grows = name.split(".")[-1] in GROWS
        assert kept < now if grows else kept == now, name
    runs = place.read("select as_of_week, run_kind, is_current from main_mixloop.mixloop__runs")
    then = date.fromisoformat(week(56))
    assert [run for run in runs if run[1] == "live"] == [(then, "live", True)]
    assert max(run[0] for run in runs) == then
    # weeks that are not there yet are no cut history, older values are no restatement
    checks = {check for (check,) in place.read(f"select check_name from {FINDINGS}")}
    assert "as_of" in checks and "as_of_without_loaded_at" in checks
    assert [name for name in checks if name == "history_cut" or name.endswith("_restated")] == []
