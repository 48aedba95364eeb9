"""Tables of the build before are taken again only when nothing they are made of has changed."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from mixloop import unchanged
from mixloop.schemas import VARIANCE

DRAWS = "'r' as run_id, 't' as term_id, [1.0, 2.0] as coefficient, 'h' as data_hash"


@pytest.fixture
def session():
    """Return a database with two inputs."""
    connection = duckdb.connect(":memory:")
    connection.execute("create table sales as select 'm' as model_id, 1.5 as value from range(3)")
    connection.execute(f"create table posterior as select {DRAWS}")
    return connection


class Doubled:
    """A table's function that counts its calls."""

    calls = 0

    def __call__(self, sales: pl.DataFrame, posterior: pl.DataFrame, factor: float) -> pl.DataFrame:
        self.calls += 1
        assert unchanged.HASH not in sales.columns
        return sales.select("model_id", pl.col("value") * factor)


def build(session, make, factor=2.0, **other):
    """Build the table `out` once, as dbt does."""
    inputs = {"sales": session.table("sales"), "posterior": session.table("posterior")}
    rows = unchanged.rows(session, "out", make, **(inputs | {"factor": factor} | other))
    session.register("new_rows", rows)
    session.execute("create table made as from new_rows")
    session.execute("drop table if exists out")
    session.execute("alter table made rename to out")
    return session.sql("from out order by all").fetchall()


def test_the_same_inputs_give_the_rows_of_before(session):
    make = Doubled()
    first = build(session, make)
    assert build(session, make) == first and make.calls == 1
    assert first[0][:2] == ("m", 3.0) and len(first) == 3
    assert build(session, make) == first and make.calls == 1
    # the order of rows is none of a table's content
    session.execute("create or replace table sales as from sales order by value desc")
    assert build(session, make) == first and make.calls == 1


@pytest.mark.parametrize(
    "change",
    [
        "update sales set value = 1.25",
        "insert into sales select * from sales limit 1",
        "delete from sales",
        "alter table sales rename column value to worth; alter table sales add column value double",
        "alter table sales alter value type float",
        f"insert into posterior select * replace ('r2' as run_id) from (select {DRAWS})",
        "update out set value = 0, made_of = 'of another build'",
        "alter table out drop column made_of",
        "drop table out",
        "delete from out",
    ],
)
def test_any_change_makes_them_anew(session, change):
    make = Doubled()
    build(session, make)
    session.execute(change)
    rows = build(session, make)
    assert make.calls == 2
    assert build(session, make) == rows
    assert make.calls == (3 if change == "delete from sales" else 2)  # no rows, nothing to keep


def test_settings_and_source_count_too(session, monkeypatch):
    make = Doubled()
    build(session, make)
    assert build(session, make, factor=3.0)[0][1] == 4.5 and make.calls == 2
    monkeypatch.setattr(unchanged, "code_digest", lambda: "another version")
    build(session, make, factor=3.0)
    assert make.calls == 3


def test_a_table_of_two_builds_is_not_taken(session):
    make = Doubled()
    build(session, make)
    session.execute("update out set made_of = 'x' where rowid = 1")
    build(session, make)
    assert make.calls == 2


def test_without_a_session_the_rows_are_made(session):
    make = Doubled()
    tables = {name: session.table(name) for name in ("sales", "posterior")}
    for _ in range(2):
        rows = unchanged.rows(None, "out", make, **tables, factor=2.0)
    assert make.calls == 2 and rows[unchanged.HASH].to_list() == [""] * 3


def test_the_digest_is_of_the_source_and_stays_the_same(tmp_path):
    def digest(**files):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, text in files.items():
            (folder / f"{name}.py").write_text(text)
        return unchanged.code_digest(folder)

    first = digest(one="a = 1", two="b = 2")
    assert digest(one="a = 1", two="b = 2") == first and len(first) == 64
    others = (
        digest(one="a = 1", two="b = 3"),
        digest(one="a = 1", three="b = 2"),
        digest(one="a = 1"),
    )
    assert len({first, *others}) == 4
    assert unchanged.code_digest() not in {first, *others}


def test_large_tables_reach_the_function_as_tables(session):
    seen = {}

    def make(sales: object, posterior: object) -> pl.DataFrame:
        seen.update(sales=type(sales), posterior=type(posterior))
        return pl.DataFrame({"x": [1]})

    tables = {name: session.table(name) for name in ("sales", "posterior")}
    unchanged.rows(session, "out", make, as_tables=("posterior",), **tables)
    assert seen == {"sales": pl.DataFrame, "posterior": duckdb.DuckDBPyRelation}


def test_parts_of_a_table_are_found_by_their_hash(session):
    """Without the hash of the whole table, and only of a table of today's form."""
    schema = VARIANCE
    made = pl.DataFrame({name: [None] * 3 for name in schema}, schema=schema).with_columns(
        run_id=pl.Series(["a", "b", "b"]), inputs_hash=pl.Series(["1", "2", None])
    )
    assert unchanged.previous_rows(None, "parts", schema) is None
    assert unchanged.previous_rows(session, "parts", schema) is None
    assert unchanged.by_hash(None) == {}
    whole = made.with_columns(pl.lit("x").alias(unchanged.HASH))
    session.register("whole", whole)
    session.execute("create table parts as from whole")
    found = unchanged.previous_rows(session, "parts", schema)
    assert found.equals(made)
    parts = unchanged.by_hash(found)
    assert {key: rows["run_id"].to_list() for key, rows in parts.items()} == {
        "1": ["a"],
        "2": ["b"],
    }
    session.execute("alter table parts drop column cause")
    assert unchanged.previous_rows(session, "parts", schema) is None


def test_a_large_table_that_stays_is_said_in_one_row(session):
    make = Doubled()
    inputs = {"sales": session.table("sales"), "posterior": session.table("posterior")}
    build(session, make)
    again = unchanged.rows(session, "out", make, **inputs, factor=2.0, stays=True)
    assert again.pl()[unchanged.HASH].to_list() == [unchanged.STAYS] and make.calls == 1
    anew = unchanged.rows(session, "out", make, **inputs, factor=3.0, stays=True)
    assert anew["value"].to_list() == [4.5] * 3 and make.calls == 2
