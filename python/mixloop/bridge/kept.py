"""Rows of the build before, as far as they are still there."""

from __future__ import annotations

import duckdb
import polars as pl

from mixloop.schemas import VARIANCE


def kept_rows(session: duckdb.DuckDBPyConnection | None, relation: object) -> pl.DataFrame | None:
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
    return rows if set(rows.columns) >= set(VARIANCE) else None
