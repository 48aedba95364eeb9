"""A folder in which dbt builds this project: the project's files, a client folder, a warehouse.

Paths in the settings are relative, so that a copy of a place is parsed as fast as the original.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
from scripts.fingerprint import differences, fingerprint
from tests.warehouse.dbt_process import DbtProcess
from tests.warehouse.kept import PROJECT, make_once
from tests.warehouse.rules import APPEND_ONLY
from tests.warehouse.tiny import FIT_VARS, write_folder

PARTS = ("models", "macros", "seeds", "tests", "docs", "python")
FILES = ("wh.duckdb", "wh_history.duckdb")
PARSED = "partial_parse.msgpack"
# Descriptions as comments in the warehouse: a quarter of a build's time, and no test reads them.
COMMENTS = "      +persist_docs: {relation: true, columns: true}\n"
# Public tables about the inputs: rebuilt even when the inputs stop the build.
BEFORE_THE_GATE = tuple(
    f"mixloop__{name}" for name in ("input_findings", "data_quality", "open_questions")
)
# history.main_<schema>.<name> of every append-only table
LEDGERS = tuple(address.replace("history.", "history.main_", 1) for address in APPEND_ONLY.values())


def dbt_environment(folder: Path, **settings: str) -> dict[str, str]:
    """Return the environment for dbt in a folder: nothing of the user's own settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("MIXLOOP_", "DBT_"))}
    clean.pop("PYTHONPATH", None)
    own = {
        "DBT_PROFILES_DIR": str(folder),
        "DBT_LOG_LEVEL_FILE": "none",  # a third of a small build's time
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    return clean | own | settings


def quiet_settings(root: Path) -> str:
    """Return the project's dbt_project.yml without comments in the warehouse."""
    settings = (root / "dbt_project.yml").read_text()
    assert COMMENTS in settings
    return settings.replace(COMMENTS, "")


def start_dbt(
    folder: Path, *arguments: str, is_parsed: bool = False, **settings: str
) -> DbtProcess:
    """Start dbt in a folder; its output is one stream of lines."""
    environment = dbt_environment(folder, **settings)
    given = ("--no-use-colors", *arguments)
    return DbtProcess(folder, given, environment, is_parsed=is_parsed)


class Place:
    """A project with a client folder and a warehouse of its own."""

    def __init__(
        self, root: Path, folder: Path, *, client: str = "client", is_parsed: bool = True
    ) -> None:
        if not folder.exists():
            (folder / "target").mkdir(parents=True)
            if is_parsed:
                shutil.copy(parsed_project(root), folder / "target")
            for part in PARTS:
                (folder / part).symlink_to(root / part)
            shutil.copy(root / "profiles.example.yml", folder / "profiles.yml")
            (folder / "dbt_project.yml").write_text(quiet_settings(root))
        self.root, self.folder = root, folder
        self.client = folder / client
        self.settings = {
            "MIXLOOP_WAREHOUSE": "wh.duckdb",
            "MIXLOOP_CLIENT": client,
            "DBT_WRITE_JSON": "false",
        }

    def copy(self, folder: Path) -> Place:
        """Return a place with the same client, warehouse, history and parsed project."""
        other = Place(self.root, folder, client=self.settings["MIXLOOP_CLIENT"])
        shutil.copytree(self.client, other.client)
        for name in FILES:
            shutil.copy(self.folder / name, folder / name)
        return other

    def start(self, *arguments: str, **variables: object) -> DbtProcess:
        """Start `dbt <arguments>` with the vars of a small fit and those given."""
        given = ("--vars", json.dumps(FIT_VARS | variables))
        is_parsed = not variables  # the parsed project holds what the vars were
        return start_dbt(self.folder, *arguments, *given, is_parsed=is_parsed, **self.settings)

    def dbt(self, *arguments: str, fails: bool = False, **variables: object) -> str:
        """Run `dbt <arguments>`, by default `dbt run`, and return what it said."""
        process = self.start(*(arguments or ("run",)), **variables)
        said, _ = process.communicate()
        assert (process.returncode != 0) == fails, said
        return said

    @contextlib.contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open what is there to read; the warehouse is the default, the history is `history`."""
        with contextlib.chdir(self.folder), duckdb.connect(":memory:") as connection:
            for file, name in zip(FILES, ("wh", "history"), strict=True):
                if Path(file).exists():
                    connection.execute(f"attach '{file}' as {name} (read_only)")
            connection.execute("use wh" if Path(FILES[0]).exists() else "use history")
            yield connection

    def read(self, query: str) -> list[tuple]:
        """Return rows of a query; many queries are faster over one `opened`."""
        with self.opened() as connection:
            return connection.execute(query).fetchall()

    def ledger(self, *, without: tuple[str, ...] = ()) -> list[tuple]:
        """Return all rows of the append-only tables that are there, in order."""
        kept = f"columns(lambda name: name not in {without})" if without else "*"
        with self.opened() as connection:
            there = connection.execute(
                "select concat_ws('.', database_name, schema_name, table_name) from duckdb_tables()"
            ).fetchall()
            return [
                row
                for name in LEDGERS
                if (name,) in there
                for row in connection.execute(f"select {kept} from {name} order by all").fetchall()
            ]

    def fingerprint(self, *, without: tuple[str, ...] = ()) -> dict[str, list]:
        """Return rows and hash of every relation."""
        with contextlib.chdir(self.folder):  # views read the client folder
            return fingerprint(Path(FILES[0]), without=without)

    def public(self) -> dict[str, list[tuple]]:
        """Return all rows of the public tables that are built behind the gate."""
        with self.opened() as connection:
            tables = connection.execute(
                "select database_name || '.main_mixloop.' || table_name from duckdb_tables() "
                "where schema_name = 'main_mixloop' order by all"
            ).fetchall()
            kept = [name for (name,) in tables if not name.endswith(BEFORE_THE_GATE)]
            return {
                name: connection.execute(f"from {name} order by all").fetchall() for name in kept
            }


def parsed_project(root: Path) -> Path:
    """Return the file that saves dbt in a place from parsing the project."""

    def make(folder: Path) -> None:
        place = Place(root, folder / "place", is_parsed=False)
        write_folder(place.client)
        # a process of its own: those that are forked wait for this file
        subprocess.run(
            [sys.executable, "-m", "dbt.cli.main", "parse", "--vars", json.dumps(FIT_VARS)],
            cwd=place.folder,
            env=dbt_environment(place.folder, **place.settings),
            check=True,
            capture_output=True,
        )
        (place.folder / "target" / PARSED).rename(folder / PARSED)
        shutil.rmtree(place.folder)

    return make_once(root, "parsed", (*PROJECT, "tests/warehouse/tiny.py"), make) / PARSED


def built_place(root: Path) -> Place:
    """Return the place of the tiny client, built, its dbt tests passed; never change it."""

    def make(folder: Path) -> None:
        place = Place(root, folder / "place")
        write_folder(place.client)
        place.dbt("build", "--exclude-resource-type", "unit_test")

    parts = (*PROJECT, "tests/warehouse/tiny.py", "python", "docs")
    return Place(root, make_once(root, "built", parts, make) / "place")


def assert_same(before: dict[str, list], after: dict[str, list]) -> None:
    """Fail with the relations that differ; at least one relation must be there."""
    assert before
    assert differences(before, after) == []
