"""One compiled model over tables made by hand."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import polars as pl


def rows_of(manifest: Mapping, name: str, tables: Mapping[str, pl.DataFrame | str]) -> list[dict]:
    """Return the rows of a SQL model, its parents given as frames or queries by name."""
    models = {n["name"]: n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    with duckdb.connect(":memory:") as connection:
        for parent, rows in tables.items():
            relation = models[parent]["relation_name"]
            database, schema, _ = relation.split(".")
            connection.execute(f"attach if not exists ':memory:' as {database}")
            connection.execute(f"create schema if not exists {database}.{schema}")
            if isinstance(rows, pl.DataFrame):
                connection.register("rows_by_hand", rows)
                rows = "from rows_by_hand"
            connection.execute(f"create table {relation} as {rows}")
        return connection.execute(models[name]["compiled_code"]).pl().to_dicts()
