"""What the client says about the baseline, over small worlds: signs, holidays, the KPI's form."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import TEXT, Chain, compile_project

from mixloop import schemas

VARIABLE = ("model_id", "variable", "expected_sign", "is_controllable", "notes")
FINDINGS = (
    "select check_name, severity, input_name, source_row, column_name, value, problem, remedy "
    "from {int_mixloop__baseline_findings} order by all"
)


def models(**countries: str | None) -> list[dict]:
    shared = {"kpi": "sales", "forecast_horizon_weeks": "8", "kpi_form": None}
    shared["training_weeks"] = None
    return [{"model_id": m, **shared, "holiday_country": c} for m, c in countries.items()]


def world(*, variables=(), definitions=None, events=None, n_weeks=tiny.N_WEEKS):
    """The tiny client with declared context variables; rows as tuples of text."""
    found = {name: pl.DataFrame(rows) for name, rows in tiny.tables(n_weeks).items()}
    weather = [{"date": tiny.week(i), "variable": "rain", "value": i % 4} for i in range(n_weeks)]
    found["context"] = pl.concat([found["context"], pl.DataFrame(weather)], how="vertical_relaxed")
    found["context_variables"] = pl.DataFrame(
        list(variables), schema=dict.fromkeys(VARIABLE, TEXT), orient="row"
    )
    found["model_definitions"] = pl.DataFrame(
        definitions or models(m=None, n=None),
        schema_overrides=dict.fromkeys(("holiday_country", "kpi_form", "training_weeks"), TEXT),
    )
    written = events or [{**row, "label": None} for row in tiny.tables()["events"]]
    found["events"] = pl.DataFrame(written, schema_overrides={"label": TEXT})
    return found


@pytest.fixture(scope="module")
def chain(project_root) -> Chain:
    return Chain(compile_project(project_root), live={"int_mixloop__holidays"})


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


# --- holidays -----------------------------------------------------------------------------------


def monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def weekly(chain: Chain, model="m") -> dict[tuple, float]:
    """Share of the week by event and week, of one model; the tiny client has one geo."""
    rows = chain.read(
        "select event_id, week, geo, value from {int_mixloop__model_events} "
        f"where model_id = '{model}'"
    )
    assert {geo for _, _, geo, _ in rows} == {"national"}
    return {(event, week): value for event, week, _, value in rows}


def treatments(chain: Chain, model="m") -> dict[str, tuple]:
    rows = chain.read(
        "select event_id, treatment, driver_id, n_training_years, countries "
        f"from {{mixloop__model_holidays}} where model_id = '{model}'"
    )
    return {event: tuple(rest) for event, *rest in rows}


@pytest.fixture
def german(chain):
    """Three years from January 2024 on, in Berlin; New Year's Day 2024 is the first Monday."""
    countries = models(m="DE-BE", n=None)
    chain.run(
        ["mixloop__model_holidays", "int_mixloop__model_drivers", "int_mixloop__plan_drivers"],
        world(definitions=countries, n_weeks=156),
    )
    return chain


def test_holidays_are_days_of_their_weeks_in_history_and_future(german):
    found = weekly(german)
    days = {
        "labor_day": [date(year, 5, 1) for year in (2024, 2025, 2026)],
        "ascension_day": [date(2024, 5, 9), date(2025, 5, 29), date(2026, 5, 14)],
        # the forecast goes on to the end of February 2027
        "womens_day": [date(year, 3, 8) for year in (2024, 2025, 2026)],
    }
    for event, dates in days.items():
        own = {week: value for (name, week), value in found.items() if name == event}
        assert own == {monday(day): pytest.approx(1 / 7) for day in dates}
    new_year = sorted(week for (name, week) in found if name == "new_years_day")
    assert new_year == [monday(date(year, 1, 1)) for year in (2024, 2025, 2026, 2027)]
    assert not any(name == "labor_day" for name, _ in weekly(german, "n"))


def test_a_model_without_countries_has_its_clients_events_only(german):
    assert {name for name, _ in weekly(german, "n")} == {"sale"}
    assert treatments(german, "n") == {}


def test_holidays_of_the_same_training_weeks_are_one_column(german):
    found, how = weekly(german), treatments(german)
    # Christmas Day and the day after fell into one week in 2024, 2025 and 2026
    assert how["christmas_day"] == ("grouped", "event:christmas_day", 3, "DE-BE")
    assert how["second_day_of_christmas"] == ("grouped", "event:christmas_day", 3, "DE-BE")
    assert found["christmas_day", date(2025, 12, 22)] == pytest.approx(2 / 7)
    assert not any(name == "second_day_of_christmas" for name, _ in found)
    assert how["good_friday"] == ("own_column", "event:good_friday", 3, "DE-BE")


def test_rare_holidays_share_a_column(german):
    found, how = weekly(german), treatments(german)
    # 8 May 2025 was a holiday in Berlin once
    rare = [event for event, row in how.items() if row[1] == "event:other_holidays"]
    assert len(rare) == 1
    assert how[rare[0]] == ("grouped", "event:other_holidays", 1, "DE-BE")
    assert {week: v for (name, week), v in found.items() if name == "other_holidays"} == {
        monday(date(2025, 5, 8)): pytest.approx(1 / 7)
    }


def test_holidays_are_drivers_of_history_and_of_the_plan(german):
    drivers = german.read(
        "select driver_id, sum(value) from {int_mixloop__model_drivers} "
        "where model_id = 'm' and driver_type = 'event' group by all"
    )
    days = dict(drivers)
    assert days["event:good_friday"] == pytest.approx(3 / 7)
    assert days["event:christmas_day"] == pytest.approx(6 / 7)
    assert "event:second_day_of_christmas" not in days
    planned = german.read(
        "select week, sum(planned_value) from {int_mixloop__plan_drivers} where model_id = 'm' "
        "and item_id = 'event:new_years_day' and planned_value > 0 group by all"
    )
    assert planned == [(date(2026, 12, 28), pytest.approx(1 / 7))]


def test_an_event_of_the_client_goes_before_the_holiday_of_its_name(chain):
    events = [
        {"event_id": "easter", "label": "GOOD  FRIDAY.", "date": "2024-03-28", "days_after": "4"},
        {"event_id": "labor_day", "label": "1 May", "date": "2024-05-01", "days_after": "1"},
    ]
    events = [row | {"recurs": "yearly"} for row in events]
    chain.run(
        ["mixloop__model_holidays", "int_mixloop__model_events"],
        world(definitions=models(m="DE"), events=events, n_weeks=156),
    )
    how, found = treatments(chain), weekly(chain)
    assert how["labor_day"] == ("client_event", "event:labor_day", 3, "DE")
    assert found["labor_day", date(2024, 4, 29)] == pytest.approx(2 / 7)
    assert how["good_friday"] == ("client_event", "event:easter", 3, "DE")
    assert found["easter", date(2024, 3, 25)] == pytest.approx(4 / 7)
    assert not any(name == "good_friday" for name, _ in found)
    assert how["easter_monday"][0] == "own_column"


def test_of_two_countries_each_counts_half(chain):
    chain.run(
        ["mixloop__model_holidays", "int_mixloop__model_events"],
        world(definitions=models(m="DE | at"), n_weeks=156),
    )
    how, found = treatments(chain), weekly(chain)
    assert how["new_years_day"][3] == "DE|at"
    assert found["new_years_day", date(2025, 12, 29)] == pytest.approx(1 / 7)
    assert how["german_unity_day"][3] == "DE"
    assert found["german_unity_day", date(2025, 9, 29)] == pytest.approx(0.5 / 7)


def test_unknown_countries_are_found_with_what_they_may_mean(chain):
    countries = models(m="DE|Germany|DE-XX", n="Q9")
    chain.run(["int_mixloop__all_findings"], world(definitions=countries))
    found = chain.read(
        "select source_row, value, severity, remedy from {int_mixloop__all_findings} "
        "where check_name = 'unknown_holiday_country' order by all"
    )
    use = "Use ISO 3166 codes (DE, or DE-BY for a part), several separated by `|`"
    assert [row[1:3] for row in found] == [
        ("DE-XX", "blocking"),
        ("Germany", "blocking"),
        ("Q9", "blocking"),
    ]
    assert found[0][3].startswith("did you mean DE (Germany) or DE-")
    assert found[1][3] == f"did you mean DE (Germany)? {use}"
    assert found[2][3] == use


# --- the KPI's form -----------------------------------------------------------------------------


def with_form(form, *, training_weeks=None, zero_weeks=()):
    rows = [row | {"kpi_form": form, "training_weeks": training_weeks} for row in models(m=None)]
    found = world(definitions=rows)
    dates = [tiny.week(i) for i in zero_weeks]
    value = pl.when(pl.col("date").is_in(dates)).then(0).otherwise(pl.col("value"))
    found["outcomes"] = found["outcomes"].with_columns(value=value)
    return found


@pytest.mark.parametrize(
    ("written", "form"),
    [(None, "additive"), ("Multiplicative", "multiplicative"), ("additive", "additive")],
)
def test_the_form_is_additive_unless_the_client_says_otherwise(chain, written, form):
    chain.run(["int_mixloop__models", "int_mixloop__baseline_findings"], with_form(written))
    assert chain.read("select model_id, kpi_form from {int_mixloop__models}") == [("m", form)]
    assert chain.read(FINDINGS) == []


def test_a_product_of_a_kpi_that_is_zero_is_found_before_it_is_fitted(chain):
    chain.run(["int_mixloop__all_findings"], with_form("multiplicative", zero_weeks=(3, 40)))
    assert chain.read(
        "select check_name, severity, source_row, column_name, problem, remedy "
        "from {int_mixloop__all_findings} where severity = 'blocking'"
    ) == [
        (
            "kpi_without_log",
            "blocking",
            2,
            "kpi_form",
            "the KPI is zero or below in 2 weeks, first in the week of 2024-01-22 in national "
            "(0.0)",
            "set kpi_form to additive, or correct these outcomes",
        )
    ]


def test_zeros_outside_the_training_weeks_or_of_a_sum_are_no_finding(chain):
    for tables in (
        with_form("multiplicative", training_weeks="60", zero_weeks=(3,)),
        with_form("additive", zero_weeks=(3, 40)),
    ):
        chain.run(["int_mixloop__baseline_findings"], tables)
        assert chain.read(FINDINGS) == []
    inside = with_form("multiplicative", training_weeks="30", zero_weeks=(39, 40))
    chain.run(["int_mixloop__baseline_findings"], inside)
    assert [row[6][:43] for row in chain.read(FINDINGS)] == [
        "the KPI is zero or below in 1 weeks, first "
    ]


def test_an_unknown_form_is_a_finding(chain):
    chain.run(["int_mixloop__all_findings"], with_form("log"))
    assert chain.read(
        "select check_name, column_name, value from {int_mixloop__all_findings} "
        "where severity = 'blocking'"
    ) == [("bad_value", "kpi_form", "log")]


def flags(chain: Chain, form: str | None, spread: float | None) -> str | None:
    """What mixloop__runs says of a run that is fine but for the spread of its errors."""
    run = {"run_id": "r", "model_id": "m", "run_kind": "live", "as_of_week": date(2025, 4, 28)}
    term = run | {"kpi": "sales", "kpi_form": form, "n_training_weeks": 156, "is_converged": True}
    term |= {"term_id": "level", "geo": "g", "rhat": 1.0, "ess_bulk": 900.0, "ess_tail": 900.0}
    scores = {"run_id": "r", "method": "mixloop", "sample": "in_sample"}
    given = {
        "int_mixloop__posterior": (schemas.POSTERIOR, term),
        "int_mixloop__current_runs": (schemas.CURRENT_RUNS, run),
        "int_mixloop__run_scores": (schemas.SCORES, scores | {"spread_with_level": spread}),
    }
    given = {
        name: pl.DataFrame([dict.fromkeys(schema) | row], schema=schema)
        for name, (schema, row) in given.items()
    }
    chain.run(["mixloop__runs"], world(), given=given)
    ((said, told),) = chain.read("select flags, kpi_form from {mixloop__runs}")
    assert told == (form or "additive")
    return said


@pytest.mark.parametrize(
    ("form", "spread", "said"),
    [
        (None, 0.25, "errors grow with the level of the KPI: compare with kpi_form multiplicative"),
        ("additive", 0.15, None),
        ("additive", -0.5, None),
        ("additive", None, None),
        ("multiplicative", 0.5, None),
        (
            "multiplicative",
            -0.25,
            "errors shrink with the level of the KPI: compare with kpi_form additive",
        ),
    ],
)
def test_errors_that_follow_the_level_hint_at_the_other_form(chain, form, spread, said):
    assert flags(chain, form, spread) == said
