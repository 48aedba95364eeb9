"""The project's SQL models as dbt compiles them, run in memory over tables made by hand.

One dbt compile serves any number of small worlds: a world is a set of raw tables and client
tables, a run executes the SQL models up to the ones asked for, in order, in milliseconds each.
A Python model is an empty table of its columns, unless rows are given for it or it is run too.
The gate's refusal is not part of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
from tests.warehouse.place import start_dbt

from mixloop import schemas

TEXT = pl.String()
PYTHON_TABLES = {
    "int_mixloop__feasibility": schemas.FEASIBILITY,
    "int_mixloop__holidays": schemas.HOLIDAYS,
    "int_mixloop__posterior": schemas.POSTERIOR,
    "int_mixloop__current_runs": schemas.CURRENT_RUNS,
    "int_mixloop__contributions": schemas.CONTRIBUTIONS,
    "int_mixloop__channel_performance": schemas.PERFORMANCE,
    "int_mixloop__response_curves": schemas.CURVES,
    "int_mixloop__forecasts": schemas.FORECASTS,
    "int_mixloop__forecast_variance": schemas.VARIANCE,
    "int_mixloop__backtests": schemas.BACKTESTS,
    "int_mixloop__run_scores": schemas.SCORES,
    "int_mixloop__evidence_effects": schemas.EVIDENCE,
    "int_mixloop__priors": schemas.PRIORS,
    "int_mixloop__variable_selection": schemas.SELECTION,
    "int_mixloop__specifications": schemas.SPECIFICATIONS,
    "int_mixloop__consistency": schemas.CONSISTENCY,
}


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
    """Compiled models that can be run over and over in one in-memory database.

    Parameters
    ----------
    manifest : dict
        From `compile_project`.
    live : collection of str
        Python models that are run; the others are stand-ins.
    """

    def __init__(self, manifest: dict, *, live: Iterable[str] = ()) -> None:
        self.connection = duckdb.connect(":memory:")
        nodes = manifest["nodes"]
        models = {
            unique_id: node
            for unique_id, node in nodes.items()
            if node["resource_type"] == "model"
            and (node["language"] == "sql" or node["name"] in PYTHON_TABLES)
        }
        self.live = set(live)
        self.nodes = {node["name"]: node for node in models.values()}
        self.relation = {node["name"]: node["relation_name"] for node in models.values()}
        self.parents = {
            node["name"]: []
            if node["language"] == "python" and node["name"] not in self.live
            else [
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

    def needed(self, names: Iterable[str], without: Iterable[str] = ()) -> list[str]:
        """Return the models that the named ones are made of, parents first."""
        wanted: dict[str, list[str]] = {}
        todo = list(names)
        while todo:
            name = todo.pop()
            if name not in wanted:
                wanted[name] = [parent for parent in self.parents[name] if parent not in without]
                todo += wanted[name]
        return list(TopologicalSorter(wanted).static_order())

    def python_rows(self, name: str) -> pl.DataFrame:
        """Return what a Python model returns over the tables as they are, or an empty table."""
        if name not in self.live:
            return schemas.empty(PYTHON_TABLES[name])
        meta = self.nodes[name]["config"]["meta"]
        dbt = SimpleNamespace(
            ref=lambda parent: self.connection.sql(f"from {self.relation[parent]}"),
            config=SimpleNamespace(meta_get=meta.__getitem__),
        )
        namespace: dict = {}
        exec(self.nodes[name]["raw_code"], namespace)
        return namespace["model"](dbt, None)

    def run(
        self,
        names: Iterable[str],
        tables: Mapping[str, pl.DataFrame] | None = None,
        *,
        given: Mapping[str, pl.DataFrame] | None = None,
        without: Iterable[str] = (),
    ) -> None:
        """Load a world (or keep the one before) and build the models up to the named ones.

        `given` holds rows of Python models, by name; `without` names models that are not read by
        those asked for, only waited for, such as the gate.
        """
        if tables is not None:
            load(self.connection, tables)
        given = given or {}
        for name in self.needed(names, without):
            target = self.relation[name]
            if self.nodes[name]["language"] == "sql":
                source = self.nodes[name]["compiled_code"]
            else:
                rows = given[name] if name in given else self.python_rows(name)
                self.connection.register("rows_of_python", rows)
                source = "from rows_of_python"
            self.connection.execute(f"create or replace table {target} as {source}")

    def read(self, query: str) -> list[tuple]:
        """Return rows of a query; model names are written `{model}`."""
        return self.connection.execute(query.format(**self.relation)).fetchall()
