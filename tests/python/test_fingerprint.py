"""The check that a second build changed nothing must see every kind of change."""

import duckdb
import pytest
from scripts.fingerprint import differences, fingerprint

CLEAN = "create table a as from (values (1, 'x', 0.5), (2, 'y', 0.6)) as t(id, name, fit_seconds)"


@pytest.fixture
def print_after(tmp_path):
    """Return a function: a warehouse of one table, changed by a statement, as its fingerprint."""

    def take(statement: str = "select 1", **options) -> dict:
        path = tmp_path / "wh.duckdb"
        path.unlink(missing_ok=True)
        with duckdb.connect(str(path)) as connection:
            connection.execute(CLEAN)
            connection.execute(statement)
        return fingerprint(path, **options)

    return take


def test_order_of_rows_does_not_count(print_after):
    again = print_after("create or replace table a as from a order by id desc")
    assert differences(print_after(), again) == []


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("insert into a values (3, 'z', 0.1)", "2 -> 3 rows"),
        ("insert into a from a", "2 -> 4 rows"),
        ("delete from a where id = 1", "2 -> 1 rows"),
        ("update a set name = 'w' where id = 1", "2 -> 2 rows, contents differ"),
        ("update a set name = null where id = 1", "2 -> 2 rows, contents differ"),
        ("drop table a", "2 -> absent rows"),
        ("create table b as select 1 as id", "absent -> 1 rows"),
    ],
)
def test_any_change_is_named(print_after, statement, said):
    lines = differences(print_after(), print_after(statement))
    assert len(lines) == 1
    assert said in lines[0]


def test_measurements_are_left_out_only_when_asked(print_after):
    slower = "update a set fit_seconds = 9.9"
    assert differences(print_after(), print_after(slower))
    without = {"without": ("fit_seconds",)}
    assert differences(print_after(**without), print_after(slower, **without)) == []
