"""`make propose`: files from media alone, that dbt reads back and that claim what they say."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from benchmarks.propose_agreement import measured
from scripts import propose as script
from tests.python.hostile import HOSTILE
from tests.warehouse.dbt_process import DbtProcess
from tests.warehouse.place import Place

from mixloop.demo import SMALL, generate

FILES = {"channel_hierarchy.csv", "channel_mapping.csv", "model_definitions.csv", "report.md"}
READ = (
    "+int_mixloop__media_weekly",
    "+mixloop__reconciliation",
    "+mixloop__input_findings",
    "+int_mixloop__line_item_channels",
)


def run_propose(root: Path, out: Path, **settings: str) -> subprocess.CompletedProcess:
    """Run the script as `make propose` does, with nothing of the user's own settings."""
    command = [sys.executable, str(root / "scripts" / "propose.py"), "--out", str(out)]
    environment = own_environment(root, out, settings)
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)


def own_environment(root: Path, out: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return an environment with nothing of the user's own settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MIXLOOP_", "DBT_"))}
    (out.parent / "profiles.yml").write_text((root / "profiles.example.yml").read_text())
    return {**clean, "DBT_PROFILES_DIR": str(out.parent), **settings}


@pytest.fixture
def propose_here(project_root, monkeypatch, capsys):
    """Return `run_propose` within this process; its dbt is one that has parsed the project."""

    def run_forked(command, *, cwd, env, **_) -> subprocess.CompletedProcess:
        process = DbtProcess(cwd, tuple(command[1:]), env, is_parsed=True)
        said, _ = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, said, "")

    def run(out: Path, client: Path) -> subprocess.CompletedProcess:
        settings = own_environment(project_root, out, {"MIXLOOP_CLIENT": str(client)})
        for name in os.environ:
            monkeypatch.delenv(name)
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(script.subprocess, "run", run_forked)
        monkeypatch.setattr(sys, "argv", ["propose.py", "--out", str(out)])
        capsys.readouterr()
        code = script.main()
        said = capsys.readouterr()
        return subprocess.CompletedProcess([], code, said.out, said.err)

    return run


def write_media(folder: Path) -> pl.DataFrame:
    """Write the demo's media with hostile platforms, campaigns and ad groups beside it."""
    media = generate(SMALL).media
    days = pl.DataFrame({"date": media["date"].unique().sort()[:30]})
    odd = pl.DataFrame({"platform": HOSTILE, "campaign": HOSTILE[::-1], "ad_group": HOSTILE})
    rows = days.join(odd, how="cross").with_columns(
        account=pl.lit("o'account"),
        line_item=pl.lit(None, dtype=pl.String),
        geo=pl.lit("north"),
        spend=pl.lit("0.01").cast(media.schema["spend"]),
        impressions=pl.lit(1, dtype=pl.Int64),
    )
    media = pl.concat([media, rows], how="diagonal_relaxed")
    folder.mkdir(parents=True)
    media.write_csv(folder / "media.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    return media


@pytest.fixture(scope="module")
def drafted(project_root, tmp_path_factory):
    """Return a place built with the files drafted from its media, and what propose said."""
    place = Place(project_root, tmp_path_factory.mktemp("propose") / "p")
    media = write_media(place.client)
    generate(SMALL).outcomes.write_csv(
        place.client / "outcomes.csv", datetime_format="%Y-%m-%d %H:%M:%S"
    )
    out = place.folder / "proposal"
    done = run_propose(project_root, out, MIXLOOP_CLIENT=str(place.client))
    assert done.returncode == 0, done.stderr
    for path in out.glob("*.csv"):
        (place.client / path.name).write_bytes(path.read_bytes())
    place.dbt("run", "--select", *READ)
    return place, media, done.stdout


def test_the_draft_is_complete_and_nothing_else_is_written(drafted):
    place, _, said = drafted
    assert {path.name for path in (place.folder / "proposal").iterdir()} == FILES
    assert "11 platforms" not in said  # the hostile ones count too
    assert f"{11 + len(HOSTILE)} platforms" in said
    assert "16." in said
    assert "Google Ads: NB" in said


def test_dbt_finds_nothing_that_blocks_and_no_rule_that_cannot_work(drafted):
    place, _, _ = drafted
    found = place.read(
        "select check_name from main_mixloop.mixloop__input_findings where severity = 'blocking' "
        "or input_name in ('channel_mapping', 'channel_hierarchy', 'model_definitions') "
        "group by all order by all"
    )
    # rules for campaigns that are still to come: the `other` of platforms that are divided whole
    assert found == [("rule_never_wins",)]
    rules = place.read(
        "select rules.channel_id, notes from main_mixloop.mixloop__input_findings as findings "
        "inner join main_staging.stg_mixloop__channel_mapping as rules "
        "on findings.source_row = rules.source_row where check_name = 'rule_never_wins'"
    )
    assert rules
    assert all(channel.endswith("_other") for channel, _ in rules)
    assert {note for _, note in rules} == {"nothing yet: new campaigns land here"}


def test_every_line_item_has_one_leaf_the_one_that_the_draft_named(drafted):
    place, media, _ = drafted
    leaves = {
        name
        for (name,) in place.read(
            "select channel_id from main_intermediate.int_mixloop__channel_tree "
            "where is_leaf and hierarchy_id = 'main' and channel_id != 'unmapped'"
        )
    }
    items = place.read(
        "select line_item_id, count(*), min(channels.channel_id), min(items.platform), "
        "min(items.campaign), sum(items.spend) "
        "from main_intermediate.int_mixloop__line_item_channels as channels "
        "inner join main_intermediate.int_mixloop__line_items as items using (line_item_id) "
        "group by line_item_id"
    )
    names = ["platform", "account", "campaign", "ad_group", "line_item"]
    assert len(items) == media.select(names).n_unique()
    assert {number for _, number, *_ in items} == {1}
    assert {channel for _, _, channel, *_ in items} <= leaves
    # hostile platforms: each a channel of its own
    odd = {platform: channel for _, _, channel, platform, *_ in items if platform in HOSTILE}
    assert len(odd) == len(set(odd.values())) == len(HOSTILE)
    # and the notes, which the draft wrote, say how many line items dbt found for each rule
    noted = {}
    with (place.folder / "proposal" / "channel_mapping.csv").open(encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            words = row["notes"].split(", ")
            if len(words) == 3:
                noted[row["channel_id"]] = int(words[1].split(" ")[0])
    found: dict[str, int] = {}
    for _, _, channel, *_ in items:
        found[channel] = found.get(channel, 0) + 1
    assert found == noted


def test_all_money_is_mapped_and_every_level_adds_up(drafted):
    place, media, _ = drafted
    ((total, unmapped),) = place.read(
        "select sum(spend), sum(spend) filter (where channel_id = 'unmapped') "
        "from main_intermediate.int_mixloop__media_weekly"
    )
    assert total == media["spend"].sum()
    assert not unmapped
    ((checks, off),) = place.read(
        "select count(*), count(*) filter (where not is_within) "
        "from main_mixloop.mixloop__reconciliation"
    )
    assert checks > 100
    assert off == 0


def test_media_alone_is_enough_and_nothing_is_made_beside_the_files(propose_here, tmp_path):
    write_media(tmp_path / "client")
    (tmp_path / "run").mkdir()
    out = tmp_path / "run" / "proposal"
    done = propose_here(out, tmp_path / "client")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == FILES - {"model_definitions.csv"}
    assert {path.name for path in (tmp_path / "client").iterdir()} == {"media.csv"}
    assert "There are no outcomes yet" in (out / "report.md").read_text()


@pytest.mark.slow
def test_raw_tables_of_a_warehouse_give_the_same_draft(drafted, project_root, tmp_path):
    place, media, _ = drafted
    warehouse = tmp_path / "acme.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema raw")
        connection.register("frame", media.rename({"spend": "cost", "campaign": "campaign_name"}))
        connection.execute("create table raw.media as from frame")
        connection.register("frame", generate(SMALL).outcomes)
        connection.execute("create table raw.outcomes as from frame")
    out = tmp_path / "proposal"
    done = run_propose(project_root, out, MIXLOOP_WAREHOUSE=str(warehouse))
    assert done.returncode == 0, done.stderr
    for name in FILES - {"report.md"}:
        drafted_file = place.folder / "proposal" / name
        assert (out / name).read_bytes() == drafted_file.read_bytes(), name
    with duckdb.connect(str(warehouse)) as connection:
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
    assert schemas == [("raw",)]


def test_the_draft_comes_near_the_mapping_made_by_hand():
    figures = measured(SMALL)
    assert figures["leaves"]["adjusted Rand index"] > 0.85
    assert figures["leaves"]["drafted channels are pure"] > 0.95
    assert figures["modelled channels"]["drafted channels are pure"] > 0.95


def test_a_file_that_cannot_be_read_is_named_with_the_line(propose_here, tmp_path):
    (tmp_path / "client").mkdir()
    (tmp_path / "client" / "media.csv").write_text("date,platform,spend\n2024-01-01,tv,1,2,3\n")
    done = propose_here(tmp_path / "proposal", tmp_path / "client")
    assert done.returncode == 1
    assert done.stderr.startswith("propose: the inputs cannot be read. dbt says:")
    assert "media.csv" in done.stderr
    assert "Line: 2" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "proposal").exists()


@pytest.mark.slow
def test_a_warehouse_without_media_says_where_it_looked(project_root, tmp_path):
    duckdb.connect(str(tmp_path / "empty.duckdb")).close()
    done = run_propose(
        project_root,
        tmp_path / "proposal",
        MIXLOOP_WAREHOUSE=str(tmp_path / "empty.duckdb"),
    )
    assert done.returncode == 1
    assert "no media found: looked for raw.media" in done.stderr
