"""Rows of the build before are kept where nothing that they are made from has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from importlib import import_module
from inspect import getsource

import duckdb
import numpy as np
import polars as pl

from mixloop.panel import Panel

HASH = "inputs_hash"


def source_digest(modules: Iterable[str]) -> str:
    """Return a hash of the source of modules of mixloop."""
    digest = hashlib.sha256()
    for name in modules:
        digest.update(getsource(import_module(f"mixloop.{name}")).encode())
    return digest.hexdigest()[:16]


def panel_hash(panel: Panel, *facts: object) -> str:
    """Return a hash of everything in a panel and of some facts: runs, settings, code."""
    names = (panel.geos, panel.channels, panel.drivers, *facts)
    digest = hashlib.sha256(repr(names).encode())
    digest.update(panel.weeks.astype("datetime64[D]").astype(np.int64).tobytes())
    known = (panel.outcome, panel.exposure, panel.spend, panel.driver_values, panel.frequency)
    for values in known:
        if values is None:
            continue
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()[:16]


def previous_rows(
    session: duckdb.DuckDBPyConnection | None, relation: object, schema: dict[str, pl.DataType]
) -> pl.DataFrame | None:
    """Return a table as the last build left it; None where it is not there or of another form.

    Parameters
    ----------
    session : DuckDBPyConnection, optional
    relation : object
        Address of the table, as text or as dbt has it.
    """
    if session is None:
        return None
    try:
        rows = session.table(str(relation)).pl()
    except duckdb.CatalogException:
        return None
    return rows if rows.schema == pl.Schema(schema) else None


def by_hash(previous: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """Return rows of the build before by the hash of what they are made from."""
    if previous is None:
        return {}
    parts = previous.drop_nulls(HASH).partition_by(HASH, as_dict=True, maintain_order=True)
    return {key: rows for (key,), rows in parts.items()}


def marked(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return rows with the hash of what they are made from."""
    return rows.with_columns(pl.lit(key).alias(HASH))
