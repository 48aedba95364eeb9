"""Bad inputs stop `dbt build` beside a good warehouse: told in words, every good table kept.

test_bad_inputs.py goes through all findings; here it is the whole project and its public tables.
"""

import shutil

import pytest
from tests.warehouse.tiny import write_folder

pytestmark = pytest.mark.slow
FINDINGS = "select check_name, input_name, source_row, column_name from"


def cell(table, row, column, value):
    """Return an edit that overwrites a cell; the header is line 1 of a file."""

    def edit(tables):
        tables[table][row - 2][column] = value

    return edit


def added(table, **values):
    """Return an edit that adds a row like the table's last one."""

    def edit(tables):
        tables[table].append({**tables[table][-1], **values})

    return edit


# edit, finding (check, input, row, column), what the output says after the place
ROW_BREAKS = {
    "text in spend": (
        cell("media", 5, "spend", "1,200 EUR"),
        ("bad_value", "media", 5, "spend"),
        "[1,200 EUR]: the value is not a number (or is too large). Remedy: write a plain number",
    ),
    "negative spend": (
        cell("media", 9, "spend", "-12.5"),
        ("bad_value", "media", 9, "spend"),
        "[-12.5]: the value is negative. Remedy: use 0 or more",
    ),
    "two outcomes for one week": (
        added("outcomes", value=99),
        ("repeated_key", "outcomes", 72, "kpi x geo x outcome_date"),
        "row 72 repeats the kpi x geo x outcome_date of row 71. Remedy: delete one of the two",
    ),
    "unknown channel in the mapping": (
        cell("channel_mapping", 3, "channel_id", "serach"),
        ("unknown_channel", "channel_mapping", 3, "channel_id"),
        "[serach]: this channel is not in channel_hierarchy. Remedy: correct channel_id",
    ),
    "a regular expression that is none": (
        cell("channel_mapping", 4, "pattern", "^Social ("),
        ("invalid_pattern", "channel_mapping", 4, "pattern"),
        "[^Social (]: this is not a regular expression that RE2 can read. Remedy: correct",
    ),
    "a channel defined twice": (
        added("channel_hierarchy", label="Pals again"),
        ("repeated_key", "channel_hierarchy", 7, "hierarchy_id x channel_id"),
        "row 7 repeats the hierarchy_id x channel_id of row 6. Remedy: delete one of the two rows",
    ),
    "a model of an unknown geo": (
        cell("model_definitions", 2, "geos", "national;atlantis"),
        ("unknown_geo", "model_definitions", 2, "geos"),
        "[atlantis]: outcomes has no rows of sales in this geo. Remedy: correct the name",
    ),
    "a plan for an unknown channel": (
        cell("plan", 8, "channel_id", "radio"),
        ("unknown_channel", "plan", 8, "channel_id"),
        "[radio]: this channel is not in channel_hierarchy. Remedy: correct channel_id",
    ),
}


@pytest.fixture(scope="module")
def place(good, tmp_path_factory):
    """Return one place for all breaks: none of them may touch its good tables."""
    return good.copy(tmp_path_factory.mktemp("gate") / "p")


def refused(place, *command: str) -> str:
    """Build, expect refusal by the gate and untouched public tables; return what dbt said."""
    before, ledger = place.public(), place.ledger()
    said = place.dbt(*command, fails=True)
    assert "Failure in model int_mixloop__input_gate" in said, said
    assert "blocking finding(s). Nothing was rebuilt" in said
    assert " ERROR=1 " in said, said  # the gate's own words are the only error
    assert len(before) > 10
    assert place.public() == before
    assert place.ledger() == ledger
    return said


def blocking(place) -> set[tuple]:
    """Return the blocking findings; the published copy must hold the same rows."""
    where = "where severity = 'blocking' order by all"
    found = place.read(f"{FINDINGS} main_intermediate.int_mixloop__input_findings {where}")
    assert place.read(f"{FINDINGS} main_mixloop.mixloop__input_findings {where}") == found
    return set(found)


def test_bad_rows(place):
    def edit(tables):
        for change, *_ in ROW_BREAKS.values():
            change(tables)

    write_folder(place.client, edit)
    said = refused(place, "build", "--exclude-resource-type", "unit_test")
    assert f"the inputs have {len(ROW_BREAKS)} blocking finding(s)" in said
    for name, (_, (_, table, row, column), words) in ROW_BREAKS.items():
        line = next((text for text in said.splitlines() if words in text), None)
        assert line is not None, f"{name}: the output does not say: {words}\n{said}"
        assert line.strip().startswith(f"{table}.csv, row {row}, column {column} ["), name
    assert blocking(place) == {finding for _, finding, _ in ROW_BREAKS.values()}


def test_bad_files_then_the_good_ones_again(place):
    write_folder(place.client, cell("channel_hierarchy", 2, "parent_id", "online"))
    outcomes, models = place.client / "outcomes.csv", place.client / "model_definitions.csv"
    (place.client / "media.csv").write_text("")
    outcomes.write_text(outcomes.read_text().splitlines()[0] + "\n")
    models.write_text(models.read_text().replace("kpi", "metric", 1))
    (place.client / "channel_mapping.csv").unlink()
    said = refused(place, "run")
    for words in (
        "media.csv: it has no rows. Remedy: check the export that fills it",
        "outcomes.csv: it has no rows. Remedy: check the export that fills it",
        "model_definitions.csv, column kpi: there is no column kpi. Remedy: add it or rename",
        "there is no client/channel_mapping.csv or channel_mapping.parquet. Remedy: bring",
        "channel_hierarchy.csv, row 2, column parent_id [media -> online -> media]: ",
    ):
        assert words in said, said
    assert {
        ("required_column_missing", "media", None, "spend"),
        ("required_input_empty", "media", None, None),
        ("required_input_empty", "outcomes", None, None),
        ("required_column_missing", "model_definitions", None, "kpi"),
        ("required_input_missing", "channel_mapping", None, None),
        ("cycle", "channel_hierarchy", 2, "parent_id"),
    } <= blocking(place)

    shutil.rmtree(place.client)
    write_folder(place.client)
    place.dbt("run", "--select", "+int_mixloop__input_gate", "mixloop__input_findings")
    assert blocking(place) == set()
