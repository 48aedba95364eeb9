"""The project's SQL models as dbt compiles them, run in memory over tables made by hand.

One dbt compile serves any number of small worlds: a world is a set of raw tables and client
tables, a run executes the SQL models up to the ones asked for, in order, in milliseconds each.
Python models and the gate's refusal are not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import polars as pl
from tests.warehouse.place import start_dbt

TEXT = pl.String()


def compile_project(root: Path, folder: Path, tables: Mapping[str, pl.DataFrame]) -> dict:
    """Return the manifest of the project compiled against raw and client tables.

    Parameters
    ----------
    root : Path
        The repository.
    folder : Path
        Where the warehouse and dbt's output go.
    tables : mapping
        Inputs and client tables by name; their columns decide what the staging SQL reads. Worlds
        that are run later need the same columns.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profiles.yml").write_text((root / "profiles.example.yml").read_text())
    with duckdb.connect(str(folder / "wh.duckdb")) as connection:
        load(connection, tables)
    settings = {
        "MIXLOOP_WAREHOUSE": str(folder / "wh.duckdb"),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_PROFILES_DIR": str(folder),
    }
    process = start_dbt(root, "compile", "--select", "resource_type:model", **settings)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    return json.loads((folder / "target" / "manifest.json").read_text())


INPUTS = ("media", "outcomes", "context", "plan", "plan_context", "finance")


def load(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, pl.DataFrame]) -> None:
    """Put inputs into schema raw and client tables into the seeds' schema."""
    for schema in ("raw", "main_seeds"):
        connection.execute(f"create schema if not exists {schema}")
    for name, frame in tables.items():
        schema = "raw" if name in INPUTS else "main_seeds"
        shown = frame if name in INPUTS else frame.select(pl.all().cast(TEXT))
        connection.register("frame", shown)
        connection.execute(f"create or replace table {schema}.{name} as from frame")
        connection.unregister("frame")


class Chain:
    """Compiled SQL models that can be run over and over in one in-memory database."""

    def __init__(self, manifest: dict) -> None:
        self.connection = duckdb.connect(":memory:")
        nodes = manifest["nodes"]
        models = {
            unique_id: node
            for unique_id, node in nodes.items()
            if node["resource_type"] == "model" and node["language"] == "sql"
        }
        self.sql = {node["name"]: node["compiled_code"] for node in models.values()}
        self.relation = {node["name"]: node["relation_name"] for node in models.values()}
        self.parents = {
            node["name"]: [
                nodes[parent]["name"] for parent in node["depends_on"]["nodes"] if parent in models
            ]
            for node in models.values()
        }
        databases = {relation.split(".")[0].strip('"') for relation in self.relation.values()}
        for database in sorted(databases):
            self.connection.execute(f"attach if not exists ':memory:' as \"{database}\"")
        for relation in self.relation.values():
            database, schema, _ = relation.split(".")
            self.connection.execute(f"create schema if not exists {database}.{schema}")
        self.connection.execute(f"use {self.relation['stg_mixloop__media'].split('.')[0]}")

    def needed(self, names: Iterable[str]) -> list[str]:
        """Return the models that the named ones are made of, parents first."""
        wanted: dict[str, list[str]] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted[name] = self.parents[name]
                todo += self.parents[name]
        return list(TopologicalSorter(wanted).static_order())

    def run(self, names: Iterable[str], tables: Mapping[str, pl.DataFrame] | None = None) -> None:
        """Load a world (or keep the one before) and build the models up to the named ones."""
        if tables is not None:
            load(self.connection, tables)
        for name in self.needed(names):
            target = self.relation[name]
            self.connection.execute(f"create or replace table {target} as {self.sql[name]}")

    def read(self, query: str) -> list[tuple]:
        """Return rows of a query; model names are written `{model}`."""
        return self.connection.execute(query.format(**self.relation)).fetchall()
