"""Draft a first mapping and hierarchy from the raw line items, as CSV files to edit.

    MIXLOOP_CLIENT=my_client python scripts/propose.py --out proposal

Without MIXLOOP_CLIENT the raw tables of the warehouse are read. Needs media only; outcomes, where
there are any, give the model definitions. `make propose` runs this from the repository's root.
Files that are there already are never overwritten.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from scripts.warehouse_files import warehouse_files  # noqa: E402

from mixloop.propose import Draft, Settings, propose  # noqa: E402
from mixloop.propose.draft import percent  # noqa: E402
from mixloop.propose.report import report  # noqa: E402

ENDINGS = (".csv", ".parquet")


class ProposalError(Exception):
    """There is nothing to draft from, or nowhere to put it; the message says what to do."""


def check_source(client: str) -> dict[str, str]:
    """Return dbt's settings for reading the inputs; a client folder needs no warehouse.

    Raises
    ------
    ProposalError
        When there is no folder, no media in it, or no warehouse.
    """
    if client:
        folder = Path(client).resolve()
        if not folder.is_dir():
            raise ProposalError(
                f"MIXLOOP_CLIENT={client} is not a folder ({folder}). It should hold media.csv or "
                "media.parquet; nothing else is needed for a proposal."
            )
        if not any((folder / f"media{ending}").is_file() for ending in ENDINGS):
            raise ProposalError(
                f"{folder} has no media.csv and no media.parquet, and a proposal is made from "
                "media. Export your ad platforms' line items: date, platform, campaign, spend and, "
                "where there are any, account, ad_group, line_item, geo, impressions."
            )
        return {"MIXLOOP_CLIENT": str(folder)}
    warehouse, _ = warehouse_files()
    if not warehouse.exists():
        raise ProposalError(
            f"there is no warehouse at {warehouse}. For a folder with media.csv: "
            "MIXLOOP_CLIENT=<folder> make propose. For raw tables in a warehouse: "
            "MIXLOOP_WAREHOUSE=<file> make propose. To try the demo: make demo, then make propose."
        )
    return {}


def export(folder: Path, settings: dict[str, str]) -> None:
    """Let dbt and DuckDB write distinct line items, KPIs and geos into a folder.

    Raises
    ------
    ProposalError
        When they cannot; the message is theirs.
    """
    own = {
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if settings:  # a client folder: the warehouse that dbt wants is thrown away
        own["MIXLOOP_WAREHOUSE"] = str(folder / "scratch.duckdb")
    environment = {"DBT_PROFILES_DIR": ".", **os.environ, **settings, **own}
    arguments = json.dumps({"folder": str(folder)})
    dbt = Path(sys.executable).with_name("dbt")
    done = subprocess.run(
        [
            *(dbt, "--quiet", "--no-use-colors"),
            *("run-operation", "export_for_proposal", "--args", arguments),
        ],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise ProposalError(f"the inputs cannot be read. {explained(done.stdout + done.stderr)}")


def explained(said: str) -> str:
    """Return dbt's error without its frame, and what helps against the commonest one."""
    lines = [re.sub(r"^\d\d:\d\d:\d\d\s+", "", line).strip() for line in said.splitlines()]
    kept = [line for line in lines if line and not line.startswith("Encountered an error")]
    text = "\n  ".join(kept[:12])
    if "Could not set lock" in said:
        return f"Another program holds the warehouse: close it and try again.\n  {text}"
    return f"dbt says:\n  {text}"


def read(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, Settings, str]:
    """Return line items, KPIs, settings and where media came from.

    Raises
    ------
    ProposalError
        When media is missing, lacks a required column, or has no rows.
    """
    facts = pl.read_parquet(folder / "media_facts.parquet").row(0, named=True)
    where = facts["looked_for"]
    if facts["state"] != "found":
        raise ProposalError(
            f"no media found: looked for {where}. Load it, or name its schema and table in the "
            "vars mixloop__source_schema and mixloop__media_identifier: see "
            "docs/bring-your-own-data.md."
        )
    if facts["missing_columns"]:
        raise ProposalError(
            f"{where} has no column {facts['missing_columns']}. Add it, or rename the column that "
            "holds it; docs/data-model.md lists the columns of media."
        )
    items = pl.read_parquet(folder / "line_items.parquet")
    if not len(items):
        raise ProposalError(f"{where} has no rows: a proposal is made from line items.")
    settings = Settings(
        min_active_weeks=facts["min_active_weeks"],
        min_share_of_spend=facts["min_share_of_spend"],
        weeks_per_channel=facts["weeks_per_channel"],
        geos=tuple(pl.read_parquet(folder / "geos.parquet")["geo"]),
    )
    return items, pl.read_parquet(folder / "kpis.parquet"), settings, where


def as_csv(frame: pl.DataFrame) -> str:
    """Return a table as CSV text; text beyond ASCII is marked as UTF-8, which spreadsheets need."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(frame.columns)
    writer.writerows(frame.rows())
    text = file.getvalue()
    return text if text.isascii() else f"\ufeff{text}"


def contents(draft: Draft, settings: Settings, source: str) -> dict[str, str]:
    """Return the files of a proposal by name."""
    files = {
        "channel_hierarchy.csv": as_csv(draft.hierarchy),
        "channel_mapping.csv": as_csv(draft.mapping),
        "report.md": report(draft, settings, source),
    }
    if len(draft.models):
        files["model_definitions.csv"] = as_csv(draft.models)
    return files


def write(folder: Path, files: dict[str, str]) -> bool:
    """Write the files where none of them is yet; return whether anything was written.

    Raises
    ------
    ProposalError
        When one of them is there with other content: it may have been edited.
    """
    names = (*files, "model_definitions.csv")
    present = sorted({name for name in names if (folder / name).exists()})
    if present:
        same = all(
            (folder / name).is_file()
            and (folder / name).read_bytes() == files.get(name, "").encode()
            for name in present
        )
        if same and len(present) == len(files):
            return False
        raise ProposalError(
            f"{folder} already has {', '.join(present)}, and they differ from the new proposal: "
            "they may hold your edits, so nothing was written. Choose another folder "
            f"(OUT={folder.name}_2), compare the two, or move the old files away."
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        with (folder / name).open("xb") as file:
            file.write(text.encode())
    return True


def told(draft: Draft, folder: Path, *, is_new: bool) -> str:
    """Return what was proposed, in a few lines."""
    modelled = [node for node in draft.nodes.values() if node.is_modelled]
    modelled.sort(key=lambda node: (-draft.facts[node.channel_id].share, node.channel_id))
    lines = [
        f"{len(draft.claims):,} line items of {len(draft.parts)} platforms -> "
        f"{len(draft.nodes)} channels, {draft.mapping['rule_id'].n_unique()} rules",
        *(
            f"  {percent(draft.facts[node.channel_id].share):>10}  {node.label}"
            for node in modelled
        ),
        f"shares of {draft.unit}; what else was found, and why, is in {folder / 'report.md'}",
        f"{'written to' if is_new else 'nothing new: already in'} {folder}/: edit the CSV files, "
        "put them into the client folder (or seeds/), then make build",
    ]
    return "\n".join(lines)


def main() -> int:
    """Write the proposal that the environment asks for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default="proposal", help="folder for the files")
    folder = Path(parser.parse_args().out or "proposal")
    try:
        settings = check_source(os.environ.get("MIXLOOP_CLIENT", ""))
        with tempfile.TemporaryDirectory() as scratch:
            export(Path(scratch), settings)
            items, kpis, thresholds, source = read(Path(scratch))
        draft = propose(items, kpis, thresholds)
        is_new = write(folder, contents(draft, thresholds, source))
    except ProposalError as error:
        print(f"propose: {error}", file=sys.stderr)
        return 1
    print(told(draft, folder, is_new=is_new))
    return 0


if __name__ == "__main__":
    sys.exit(main())
