"""Frames that go back to the warehouse."""

import datetime as dt

import polars as pl
import pytest

from mixloop import schemas
from mixloop.schemas import conform, empty

SCHEMA = {"week": pl.Date(), "value": pl.Float64(), "draws": pl.List(pl.Float64())}
ALL = [value for name, value in vars(schemas).items() if name.isupper() and name[0] != "_"]


def test_conform_orders_and_casts():
    frame = pl.DataFrame({"draws": [[1, 2]], "week": [dt.datetime(2024, 1, 1)], "value": [3]})
    out = conform(frame, SCHEMA)
    assert out.schema == pl.Schema(SCHEMA)
    assert out.row(0) == (dt.date(2024, 1, 1), 3.0, [1.0, 2.0])


def test_a_column_of_nulls_keeps_its_type():
    out = conform(pl.DataFrame({"week": [None], "value": [None], "draws": [None]}), SCHEMA)
    assert out.schema == pl.Schema(SCHEMA)
    assert out.row(0) == (None, None, None)


def test_conform_names_what_does_not_fit():
    frame = pl.DataFrame({"week": [None], "valeu": [1.0], "draws": [None]})
    with pytest.raises(ValueError, match=r"missing \['value'\], not expected \['valeu'\]"):
        conform(frame, SCHEMA)


def test_conform_never_turns_text_it_cannot_read_into_null():
    frame = pl.DataFrame({"week": [None], "value": ["twelve"], "draws": [None]})
    with pytest.raises(pl.exceptions.InvalidOperationError, match="twelve"):
        conform(frame, SCHEMA)


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: "-".join(list(schema)[:3]))
def test_empty_is_a_table_without_rows(schema):
    out = empty(schema)
    assert out.is_empty()
    assert out.schema == pl.Schema(schema)
    assert conform(out, schema).schema == pl.Schema(schema)


@pytest.mark.parametrize("schema", ALL, ids=lambda schema: "-".join(list(schema)[:3]))
def test_ranges_come_with_all_four_parts(schema):
    stems = {name.removesuffix("_p05") for name in schema if name.endswith("_p05")}
    for stem in stems:
        parts = [f"{stem}_{part}" for part in ("mean", "p05", "p50", "p95")]
        first = list(schema).index(parts[0])
        assert list(schema)[first : first + 4] == parts
    assert schema.get("run_id", pl.String()) == pl.String()  # what stands before the fit has none
    assert schema["model_id"] == pl.String()
