"""What the client says about the baseline, over small worlds: signs of context variables."""

from __future__ import annotations

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import TEXT, Chain, compile_project

VARIABLE = ("model_id", "variable", "expected_sign", "is_controllable", "notes")
FINDINGS = (
    "select check_name, severity, input_name, source_row, column_name, value, problem, remedy "
    "from {int_mixloop__baseline_findings} order by all"
)


def world(*, variables=(), definitions=None, events=None):
    """The tiny client with declared context variables; rows as tuples of text."""
    found = {name: pl.DataFrame(rows) for name, rows in tiny.tables().items()}
    weather = [{"date": tiny.week(i), "variable": "rain", "value": i % 4} for i in range(70)]
    found["context"] = pl.concat([found["context"], pl.DataFrame(weather)], how="vertical_relaxed")
    found["context_variables"] = pl.DataFrame(
        list(variables), schema=dict.fromkeys(VARIABLE, TEXT), orient="row"
    )
    found["model_definitions"] = pl.DataFrame(
        definitions
        or [
            {"model_id": "m", "kpi": "sales", "forecast_horizon_weeks": "8"},
            {"model_id": "n", "kpi": "sales", "forecast_horizon_weeks": "8"},
        ]
    )
    if events is not None:
        found["events"] = pl.DataFrame(events)
    return found


@pytest.fixture(scope="module")
def chain(project_root, tmp_path_factory) -> Chain:
    manifest = compile_project(project_root, tmp_path_factory.mktemp("baseline"), world())
    return Chain(manifest)


# --- context variables --------------------------------------------------------------------------


def declared(chain: Chain, *variables) -> set[tuple]:
    chain.run(["int_mixloop__model_drivers"], world(variables=variables))
    return set(
        chain.read(
            "select model_id, driver_id, expected_sign, is_controllable "
            "from {int_mixloop__model_drivers} group by all"
        )
    )


def test_a_row_for_a_model_goes_before_one_for_all_models(chain):
    rows = declared(
        chain,
        (None, "price", "-", "true", None),
        ("n", "price", "Positive", None, None),
    )
    assert rows == {
        ("m", "context:price", -1, True),
        ("n", "context:price", 1, False),
        ("m", "context:rain", None, False),
        ("n", "context:rain", None, False),
        ("m", "event:sale", None, False),
        ("n", "event:sale", None, False),
    }


@pytest.mark.parametrize(
    ("written", "sign"), [("+", 1), ("negative", -1), ("NEGATIVE", -1), (None, None)]
)
def test_signs_are_written_as_signs_or_as_words(chain, written, sign):
    rows = declared(chain, ("m", "rain", written, "false", None))
    assert ("m", "context:rain", sign, False) in rows


def test_a_variable_without_values_is_found_with_the_names_it_may_mean(chain):
    variables = [
        (None, "prise", "-", None, None),
        (None, "rain", "+", None, None),
        ("m", "gdp", None, "true", None),
    ]
    chain.run(["int_mixloop__baseline_findings"], world(variables=variables))
    unknown = "context has no rows of this variable, so what is said of it would have no effect"
    found = chain.read(FINDINGS)
    assert {row[:3] for row in found} == {
        ("unknown_context_variable", "blocking", "context_variables")
    }
    remedy = "orrect the name, bring its values in context, or delete the row"
    assert {row[5]: row[6:] for row in found} == {
        "gdp": (unknown, "c" + remedy),
        "prise": (
            unknown,
            "did you mean price? Otherwise bring its values in context, or delete the row",
        ),
    }


def test_bad_cells_repeated_rows_and_unknown_models_are_findings(chain):
    variables = [
        (None, "price", "up", None, None),
        ("m", "rain", None, "perhaps", None),
        ("m", "rain", "+", None, None),
        ("ghost", "rain", "+", None, None),
        (None, None, "+", None, None),
    ]
    chain.run(["int_mixloop__all_findings"], world(variables=variables))
    found = chain.read(
        "select check_name, column_name, value from {int_mixloop__all_findings} "
        "where input_name = 'context_variables' and severity = 'blocking' order by all"
    )
    assert found == [
        ("bad_value", "expected_sign", "up"),
        ("bad_value", "is_controllable", "perhaps"),
        ("bad_value", "variable", None),
        ("repeated_key", "model_id x variable", "m x rain"),
        ("unknown_model", "model_id", "ghost"),
    ]
