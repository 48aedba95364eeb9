"""The project's SQL models as dbt compiles them, run in memory over tables made by hand.

One dbt compile serves all tests, and any number of small worlds: a world is a set of raw tables
and client tables, a run executes the SQL models up to the ones asked for, in order, in milliseconds
each. The project is compiled against tables that have every column mixloop knows; what a world does
not have is empty.
A Python model is an empty table of its columns, unless rows are given for it or it is run too.
The gate's refusal is not part of it.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace

import duckdb
import polars as pl
from tests.warehouse.kept import PROJECT, make_once
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
    "int_mixloop__restatement_rows": schemas.RESTATEMENTS,
    "int_mixloop__backtests": schemas.BACKTESTS,
    "int_mixloop__run_scores": schemas.SCORES,
    "int_mixloop__evidence_effects": schemas.EVIDENCE,
    "int_mixloop__evidence_moves": schemas.MOVES,
    "int_mixloop__priors": schemas.PRIORS,
    "int_mixloop__variable_selection": schemas.SELECTION,
    "int_mixloop__specifications": schemas.SPECIFICATIONS,
    "int_mixloop__consistency": schemas.CONSISTENCY,
    "int_mixloop__staleness": schemas.STALENESS,
    "int_mixloop__decision_predictions": schemas.DECISION_PREDICTIONS,
    "int_mixloop__decision_measurements": schemas.DECISION_MEASUREMENTS,
    "int_mixloop__recommendations": schemas.RECOMMENDATIONS,
    "int_mixloop__decision_backtests": schemas.DECISION_BACKTESTS,
    "int_mixloop__hypotheses": schemas.HYPOTHESES,
}


# The raw tables that the project is compiled against: every column, with the types of a warehouse.
NAMES = ("platform", "account", "campaign", "ad_group", "line_item", "geo")
MONEY, LOADED = {"spend": "decimal(18, 6)"}, {"loaded_at": "timestamp"}
COUNTS = dict.fromkeys(("impressions", "clicks", "reach"), "bigint")
VALUE = {"value": "double"}
INPUTS = {
    "media": {"date": "date"}
    | dict.fromkeys(NAMES, "varchar")
    | MONEY
    | COUNTS
    | {"frequency": "double", "currency": "varchar"}
    | LOADED,
    "outcomes": {"date": "date", "geo": "varchar", "kpi": "varchar"} | VALUE | LOADED,
    "context": {"date": "date", "geo": "varchar", "variable": "varchar"} | VALUE | LOADED,
    "plan": {"plan_id": "varchar", "week": "date", "channel_id": "varchar", "geo": "varchar"}
    | dict.fromkeys(("planned_spend", "low", "high"), "decimal(18, 6)")
    | {"reach": "bigint", "frequency": "double"}
    | LOADED,
    "plan_context": {"plan_id": "varchar", "week": "date", "geo": "varchar", "variable": "varchar"}
    | VALUE
    | LOADED,
    "finance": {"month": "date", "platform": "varchar"} | MONEY | LOADED,
}
# How read_input writes a column that is missing: one of a contract that is not above.
UNKNOWN_COLUMN = re.compile(r"cast\(null as varchar\) as (\w+),")
RELATION = re.compile(r'"[^"]+"\."[^"]+"\."[^"]+"')


def table_columns(root: Path) -> dict[str, dict[str, str]]:
    """Return columns and types of the inputs, and of the client tables: the seeds, all text."""
    headers = {path.stem: path.read_text().split("\n")[0] for path in root.glob("seeds/*.csv")}
    return INPUTS | {
        name: dict.fromkeys(header.strip().split(","), "varchar")
        for name, header in headers.items()
    }


def address(name: str) -> str:
    """Return schema and name of an input or client table, as dbt writes them."""
    return f'"{"raw" if name in INPUTS else "main_seeds"}"."{name}"'


def empty_tables(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, Mapping]) -> None:
    """Create every input and client table, without rows."""
    for schema in ("raw", "main_seeds"):
        connection.execute(f"create schema if not exists {schema}")
    for name, types in columns.items():
        fields = ", ".join(f'"{column}" {kind}' for column, kind in types.items())
        connection.execute(f"create table {address(name)} ({fields})")


@cache
def compile_once(root: Path, **variables: object) -> dict:
    """Return the manifest of the project, its models and tests compiled, with vars if given."""

    def make(folder: Path) -> None:
        (folder / "profiles.yml").write_text((root / "profiles.example.yml").read_text())
        with duckdb.connect(str(folder / "wh.duckdb")) as connection:
            empty_tables(connection, table_columns(root))
        settings = {
            "MIXLOOP_WAREHOUSE": str(folder / "wh.duckdb"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
            "DBT_PROFILES_DIR": str(folder),
        }
        kinds = ("resource_type:model", "resource_type:test")
        given = ("--vars", json.dumps(variables)) if variables else ()
        process = start_dbt(root, "compile", "--quiet", *given, "--select", *kinds, **settings)
        said, _ = process.communicate()
        assert process.returncode == 0, said
        text = (folder / "target" / "manifest.json").read_text()
        for node in json.loads(text)["nodes"].values():
            if node["name"].startswith("stg_mixloop__"):
                missing = UNKNOWN_COLUMN.findall(node["compiled_code"])
                assert not missing, f"add to INPUTS or seeds: {missing} of {node['name']}"
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "manifest.json").write_text(text)

    parts = (*PROJECT, "tests/warehouse/chain.py")
    name = "_".join(["varied", *variables, *map(str, variables.values())])
    folder = make_once(root, name if variables else "compiled", parts, make)
    return json.loads((folder / "manifest.json").read_text())


def compile_project(root: Path, **variables: object) -> dict:
    """Return the manifest of the project compiled against tables with all columns."""
    return compile_once(root, **variables) | {"table_columns": table_columns(root)}


def is_same(before: object, after: object) -> bool:
    """Return whether two lists of ingredients, or two frames, are the same."""
    if isinstance(before, pl.DataFrame) and isinstance(after, pl.DataFrame):
        return before.schema == after.schema and before.equals(after)
    return type(before) is type(after) and before == after


class Chain:
    """Compiled models that can be run over and over in one in-memory database.

    A model whose SQL and whose tables are as they were when it was last built is left as it is.

    Parameters
    ----------
    manifest : dict
        From `compile_project`.
    live : collection of str
        Python models that are run; the others are stand-ins.
    """

    def __init__(self, manifest: dict, *, live: Iterable[str] = ()) -> None:
        self._connection = duckdb.connect(":memory:")
        self._connection.execute("set threads = 1")  # worlds are small: threads only cost time
        self._version: dict[str, int] = {}  # of a relation: which build of this chain made it
        self._made_of: dict[str, object] = {}  # of a relation: what it was made of then
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
            self._connection.execute(f"attach if not exists ':memory:' as \"{database}\"")
        self.columns = manifest["table_columns"]
        for relation in self.relation.values():
            database, schema, _ = relation.split(".")
            self._connection.execute(f"create schema if not exists {database}.{schema}")
        self.database = self.relation["stg_mixloop__media"].split(".")[0]
        self._connection.execute(f"use {self.database}")
        empty_tables(self._connection, self.columns)

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return the connection; as it may be used to write, all models are built anew after it."""
        self._version.clear()
        self._made_of.clear()
        return self._connection

    def renew(
        self,
        relation: str,
        made_of: object,
        query: str,
        rows: Callable[[], pl.DataFrame] | None = None,
    ) -> None:
        """Create or replace a table, unless it is made of the same; the query may read `rows`."""
        if is_same(self._made_of.pop(relation, None), made_of):
            self._made_of[relation] = made_of
            return
        if rows is not None:
            self._connection.register("rows", rows())
        self._connection.execute(f"create or replace table {relation} as {query}")
        self._version[relation] = max(self._version.values(), default=0) + 1
        self._made_of[relation] = made_of

    def load(self, tables: Mapping[str, pl.DataFrame]) -> None:
        """Fill inputs and client tables; a column that a frame does not have is null."""
        for name, frame in tables.items():
            types = self.columns[name]
            unknown = set(frame.columns) - set(types)
            assert not unknown, f"{name} has columns that are not compiled: {sorted(unknown)}"
            cells = [
                self.cell(column, kind, frame.schema.get(column)) for column, kind in types.items()
            ]
            relation = f"{self.database}.{address(name)}"
            self.renew(relation, frame, f"select {', '.join(cells)} from rows", lambda f=frame: f)

    @staticmethod
    def cell(column: str, kind: str, found: pl.DataType | None) -> str:
        """Return the SQL of one column of a table, in the type that it was compiled with."""
        value = "null" if found is None else f'"{column}"'
        if found == TEXT and kind != "varchar":
            value = f"nullif({value}, '')"
        return f'cast({value} as {kind}) as "{column}"'

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
        """Return what a Python model returns over the tables as they are."""
        meta = self.nodes[name]["config"]["meta"]
        dbt = SimpleNamespace(
            ref=lambda parent: self._connection.sql(f"from {self.relation[parent]}"),
            this=self.relation[name],
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
            self.load(tables)
        given = given or {}
        for name in self.needed(names, without):
            relation, node = self.relation[name], self.nodes[name]
            if name in given or (node["language"] == "python" and name not in self.live):
                rows = given[name] if name in given else schemas.empty(PYTHON_TABLES[name])
                self.renew(relation, rows, "from rows", lambda rows=rows: rows)
            elif node["language"] == "sql":
                self.renew(relation, self.ingredients(name), node["compiled_code"])
            else:
                made = partial(self.python_rows, name)
                self.renew(relation, self.ingredients(name), "from rows", made)

    def ingredients(self, name: str) -> tuple:
        """Return the code of a model and which builds of which relations it reads."""
        node = self.nodes[name]
        if node["language"] == "sql":
            code = node["compiled_code"]
            read = sorted(set(RELATION.findall(code)))
        else:
            code = node["raw_code"]
            read = [self.relation[parent] for parent in self.parents[name]]
        return code, tuple((relation, self._version.get(relation)) for relation in read)

    def read(self, query: str, *parameters: object) -> list[tuple]:
        """Return rows of a query; model names are written `{model}`, parameters `$1`, `$2`."""
        return self._connection.execute(query.format(**self.relation), parameters).fetchall()
