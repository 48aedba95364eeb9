"""Results of the build before, taken as they are where nothing that they are made of has changed.

Whole tables (`rows`): every row carries `made_of`, a hash of all inputs, settings and the package's
source. Parts of a table (`by_hash`), such as one backtest origin or one forecast: their rows carry
`inputs_hash`, a hash of what this part is made of and of the source. A hash is written with its
rows in one step, so the two cannot fall apart; a table that is lost, empty or of an earlier version
is made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from importlib.metadata import version
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from mixloop.panel import Panel

HASH = "made_of"
STAYS = "stays"  # in place of the hash: the table that is there is the one to have
HASH_OF_PART = "inputs_hash"
DRAWS = {"run_id", "term_id", "coefficient", "data_hash"}  # of schemas.POSTERIOR
VERSIONED = ("numpy", "scipy", "polars", "duckdb")


@cache
def code_digest(folder: Path = Path(__file__).parent) -> str:
    """Return a hash of the package's source and of the versions that it runs with."""
    digest = hashlib.sha256(repr([version(name) for name in VERSIONED]).encode())
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder).as_posix()}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def content_of(rows: duckdb.DuckDBPyRelation) -> tuple:
    """Return what tells a table from others: its columns, how many rows it has, a hash of them all.

    Runs are written once and never changed: of a table with their draws the names are enough.
    """
    names = ["run_id"] if set(rows.columns) >= DRAWS else rows.columns
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    found = rows.aggregate(f"count(*), sum(hash({quoted})::hugeint)::varchar").fetchone()
    return (*rows.columns, *map(str, rows.types), *found)


def hash_of(inputs: dict[str, object]) -> str:
    """Return a hash of inputs: tables, and settings that have a `repr` of their own."""
    digest = hashlib.sha256(code_digest().encode())
    for name, value in sorted(inputs.items()):
        is_table = isinstance(value, duckdb.DuckDBPyRelation)
        digest.update(repr((name, content_of(value) if is_table else value)).encode())
    return digest.hexdigest()[:32]


def as_frame(value: object) -> object:
    """Return a table as a frame, without the hash of what it was made of; settings as they are."""
    rows = value.pl() if hasattr(value, "pl") else value
    return rows.drop(HASH, strict=False) if isinstance(rows, pl.DataFrame) else rows


def previous(
    session: duckdb.DuckDBPyConnection, relation: object, wanted: str
) -> duckdb.DuckDBPyRelation | None:
    """Return a table of the build before if all its rows were made of the wanted inputs."""
    try:
        rows = session.table(str(relation))
    except duckdb.CatalogException:
        return None
    if HASH not in rows.columns:
        return None
    found = rows.aggregate(f"min({HASH}), max({HASH})").fetchone()
    return rows if found == (wanted, wanted) else None


def rows(
    session: duckdb.DuckDBPyConnection | None,
    relation: object,
    make: Callable[..., pl.DataFrame],
    *,
    as_tables: Iterable[str] = (),
    stays: bool = False,
    **inputs: object,
) -> pl.DataFrame | duckdb.DuckDBPyRelation:
    """Return `make(**inputs)`, or the table of the build before where its inputs were the same.

    Parameters
    ----------
    session : DuckDBPyConnection, optional
        The model's connection; None makes the rows in any case.
    relation : object
        Address of the model's own table.
    make : callable
        From frames and settings to the table; a function of nothing else.
    as_tables : iterable of str
        Inputs that `make` takes as tables of the database; all others come as frames.
    stays : bool
        Where the inputs were the same return one row whose `made_of` is `STAYS` instead of the
        table: the materialization `table_unless_it_stays` then leaves it alone. For large ones.
    **inputs
        Tables as dbt hands them over, and settings.

    Returns
    -------
    DataFrame or DuckDBPyRelation
        The rows, each with `made_of`.
    """
    wanted = ""
    if session is not None:
        wanted = hash_of(inputs)
        rows = previous(session, relation, wanted)
        if rows is not None:
            return rows.limit(1).select(f"* replace ('{STAYS}' as {HASH})") if stays else rows
    lazy = set(as_tables)
    made = make(**{n: value if n in lazy else as_frame(value) for n, value in inputs.items()})
    return made.with_columns(pl.lit(wanted).alias(HASH))


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
        rows = as_frame(session.table(str(relation)))
    except duckdb.CatalogException:
        return None
    return rows if rows.schema == pl.Schema(schema) else None


def by_hash(previous: pl.DataFrame | None) -> dict[str, pl.DataFrame]:
    """Return rows of the build before by the hash of what they are made from."""
    if previous is None:
        return {}
    known = previous.drop_nulls(HASH_OF_PART)
    parts = known.partition_by(HASH_OF_PART, as_dict=True, maintain_order=True)
    return {key: rows for (key,), rows in parts.items()}


def marked(rows: pl.DataFrame, key: str) -> pl.DataFrame:
    """Return rows with the hash of what they are made from."""
    return rows.with_columns(pl.lit(key).alias(HASH_OF_PART))
