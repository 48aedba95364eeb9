"""Decisions in the warehouse: who predicts, what is compared, what is fed back, what is said."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas

LAST = tiny.N_WEEKS - 1


def day(index: int, days: int = 0) -> date:
    return tiny.FIRST_WEEK + timedelta(weeks=index, days=days)


def decision(name: str = "d", **changes: object) -> dict:
    """A move of tv's money in weeks 50 to 52, approved on the first day of week 48."""
    row = {
        "decision_id": name,
        "approved_on": day(48),
        "approved_by": "",
        "channel_id": "tv",
        "spend_from": 500,
        "spend_to": 900,
        "start_week": day(50),
        "end_week": day(52),
        "run_id": "",
        "is_test": "false",
        "geos": "",
    }
    return {column: str(value) for column, value in (row | changes).items()}


def run_rows(run_id: str, as_of: int, *, kind="live", channels=("search", "social", "tv")):
    """A run's terms: what decides whether it can speak for a decision."""
    facts = {"run_id": run_id, "run_kind": kind, "model_id": "m", "as_of_week": day(as_of)}
    return [
        facts
        | {"geo": "national", "term_id": f"channel:{c}", "term_type": "channel", "component_id": c}
        for c in channels
    ]


def table(rows: list[dict], schema: dict) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


MINE = {
    "int_mixloop__approved_decisions",
    *("stg_mixloop__decisions", "stg_mixloop__experiments", "int_mixloop__posterior"),
    *("int_mixloop__current_runs", "int_mixloop__model_evidence", "int_mixloop__decision_models"),
    *("int_mixloop__decision_predictions", "int_mixloop__decisions_to_measure"),
    *("int_mixloop__decision_measurements", "int_mixloop__decision_findings"),
    "mixloop__decision_outcomes",
}


class World:
    """The tiny client, its features built once for a training window; decisions come and go."""

    def __init__(self, chain: Chain) -> None:
        self.chain, self.window = chain, None

    def run(self, name, decisions, experiments=(), *, training_weeks="", given=None):
        """Build one of the models of decisions."""
        if training_weeks != self.window:
            content = tiny.tables()
            model = content["model_definitions"][0] | {"training_weeks": training_weeks}
            content["model_definitions"] = [model]
            frames = {n: pl.DataFrame(r, infer_schema_length=None) for n, r in content.items()}
            self.chain.run(["mixloop__decision_outcomes"], frames)
            self.window = training_weeks
        tables = {
            "decisions": pl.DataFrame(decisions),
            "experiments": pl.DataFrame(list(experiments), schema=dict.fromkeys(LIFT, pl.String)),
        }
        self.chain.run([name], tables, given=given, without=set(self.chain.nodes) - MINE)


LIFT = {
    "experiment_id": "x",
    "channel_id": "tv",
    "kpi": "",
    "geos": "",
    "start_week": day(50).isoformat(),
    "end_week": day(52).isoformat(),
    "spend_actual": "2700",
    "spend_counterfactual": "1500",
    "lift": "900",
    "standard_error": "100",
    "method": "",
    "decision_id": "d",
}


@pytest.fixture(scope="module")
def world(project_root):
    return World(Chain(compile_project(project_root)))


@pytest.fixture
def chain(world):
    return world.chain


@pytest.fixture
def chosen(world, chain):
    """The status, run and basis of decisions, given runs on record."""

    def build(*decisions, runs, **changes):
        posterior = table([row for rows in runs for row in rows], schemas.POSTERIOR)
        given = {"int_mixloop__posterior": posterior}
        world.run("int_mixloop__decision_models", list(decisions), given=given, **changes)
        return chain.read(
            "select status, run_id, run_basis, run_channels, progress, is_in_training "
            "from {int_mixloop__decision_models} order by decision_id"
        )

    return build


TV = ["tv"]


def test_the_newest_live_run_whose_weeks_were_over_predicts(chosen) -> None:
    runs = [run_rows("old", 40), run_rows("new", 47), run_rows("late", 48), run_rows("now", LAST)]
    back = run_rows("back", 47, kind="backtest")
    assert chosen(decision(), runs=[*runs, back]) == [
        ("predicted", "new", "newest_before_approval", TV, "finished", True)
    ]
    # on a Sunday the week of week 47 is not over
    assert chosen(decision(approved_on=day(47, 6)), runs=runs)[0][1] == "old"


def test_a_backtest_speaks_in_hindsight_where_no_live_run_is_that_old(chosen) -> None:
    runs = [run_rows("b1", 30, kind="backtest"), run_rows("b2", 45, kind="backtest")]
    other = run_rows("s", 46, kind="specification")
    found = chosen(decision(), runs=[*runs, other, run_rows("now", LAST)])
    assert found[0][:3] == ("predicted", "b2", "in_hindsight")


def test_the_run_that_the_decision_names_is_asked_where_it_can_be(chosen) -> None:
    runs = [run_rows("old", 40), run_rows("new", 47), run_rows("late", 48)]
    decisions = [decision(str(n), run_id=run) for n, run in enumerate(("old", "late", "nobody"))]
    found = [row[1:3] for row in chosen(*decisions, runs=runs)]
    assert found == [("old", "named"), *[("new", "newest_before_approval")] * 2]


def test_of_runs_of_one_week_the_last_one_counts(chosen) -> None:
    runs = [run_rows("a", 40), run_rows("z", 40), run_rows("m", 40)]
    assert chosen(decision(), runs=runs)[0][1] == "m"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"spend_from": ""}, "incomplete"),
        ({"start_week": ""}, "incomplete"),
        ({"spend_from": 900}, "no_move"),
        ({"geos": "mars"}, "geo_not_in_model"),
        ({"geos": "national; "}, "predicted"),
        ({"approved_on": day(40)}, "no_run_before_approval"),
        ({"channel_id": "social"}, "not_in_run"),
        ({"channel_id": "online"}, "predicted"),
    ],
)
def test_what_cannot_be_predicted_says_why(chosen, changes, status) -> None:
    runs = [run_rows("r", 47, channels=("search", "tv"))]
    found = chosen(decision(**changes), runs=runs)[0]
    assert found[0] == status
    assert (found[1] is not None) == (status == "predicted")
    if changes.get("channel_id") == "online":  # social was new
        assert found[3] == ["search"]


def test_progress_goes_by_the_last_training_week(chosen) -> None:
    runs = [run_rows("r", 47)]
    decisions = [
        decision("0", end_week=day(LAST)),
        decision("1", end_week=day(LAST + 1)),
        decision("2", start_week=day(LAST + 1), end_week=day(LAST + 2)),
        decision("3", end_week=""),  # until further notice: eight weeks
        decision("4", start_week=day(2, 3), end_week=day(4)),
    ]
    found = chosen(*decisions, runs=runs, training_weeks="60")
    assert [row[4:] for row in found] == [
        ("finished", True),
        ("running", False),
        ("to_come", False),
        ("finished", True),
        ("finished", False),
    ]


# --- decisions that were taken off the table ----------------------------------------------------


@pytest.fixture
def on_record(chain):
    """Compile the models that look the ledger up with a ledger that says something."""
    node = chain.nodes["int_mixloop__approved_decisions"]
    compiled = node["compiled_code"]

    def say(**contents):
        rows = [{"decision_id": name, "content": json.dumps(c)} for name, c in contents.items()]
        chain.connection.register("said", pl.DataFrame(rows))
        chain.connection.execute("create or replace table ledger_said as from said")
        nothing = r"(on_record as \().*?where false(\s*\))"
        found = re.sub(nothing, r"\1 select * from ledger_said \2", compiled, flags=re.DOTALL)
        assert found != compiled
        node["compiled_code"] = found

    yield say
    node["compiled_code"] = compiled


def test_a_decision_that_is_gone_from_the_table_is_followed_up_as_the_ledger_has_it(
    world, chain, on_record
) -> None:
    given = {"int_mixloop__posterior": table(run_rows("then", 47), schemas.POSTERIOR)}
    query = "select * exclude is_withdrawn from {int_mixloop__decision_models} order by decision_id"
    flags = "select is_withdrawn from {int_mixloop__decision_models} order by decision_id"
    both = [decision("kept"), decision("gone", geos="national", end_week="", run_id="then")]
    world.run("int_mixloop__decision_models", both, given=given)
    before = chain.read(query)
    assert chain.read(flags) == [(False,), (False,)] and len(before) == 2
    # as int_mixloop__decision_records writes it: texts, nulls left out
    terms = {k: v for k, v in both[1].items() if v and k != "decision_id"}
    terms |= {"spend_from": "500.000000", "spend_to": "900.000000"}
    on_record(gone=terms, kept=terms | {"spend_to": "1.000000"})
    world.run("int_mixloop__decision_models", both[:1], given=given)
    assert chain.read(query) == before  # the same prediction_id: what was predicted stays its own
    assert chain.read(flags) == [(True,), (False,)]


# --- outcomes -----------------------------------------------------------------------------------


@pytest.fixture
def outcome(world, chain):
    """The published row of the one decision, given what was predicted and measured."""

    def build(*, predicted=True, measured=(), experiments=(), decisions=None, on_record="then"):
        asked = (decisions or [decision()], experiments)
        runs = [
            row
            for row in (*run_rows("then", 47), *run_rows("now", LAST))
            if row["run_id"] in (on_record, "now")
        ]
        posterior = table(runs, schemas.POSTERIOR)
        current = {"run_id": "now", "model_id": "m", "run_kind": "live", "as_of_week": day(LAST)}
        given = {
            "int_mixloop__posterior": posterior,
            "int_mixloop__current_runs": table([current], schemas.CURRENT_RUNS),
        }
        world.run("int_mixloop__decision_models", *asked, given=given)
        key = chain.read("select prediction_id, terms_hash from {int_mixloop__decision_models}")[0]
        base = {"prediction_id": key[0], "terms_hash": key[1], "decision_id": "d", "model_id": "m"}
        told = [base | PREDICTION] if predicted else []
        given["int_mixloop__decision_predictions"] = table(told, schemas.DECISION_PREDICTIONS)
        world.run("int_mixloop__decisions_to_measure", *asked, given=given)
        query = "select measured_by, measurement_id from {int_mixloop__decisions_to_measure}"
        due = dict(chain.read(query))
        rows = [base | {"measurement_id": due.get(row["measured_by"])} | row for row in measured]
        given["int_mixloop__decision_measurements"] = table(rows, schemas.DECISION_MEASUREMENTS)
        world.run("mixloop__decision_outcomes", *asked, given=given)
        rows = chain.connection.sql(f"from {chain.relation['mixloop__decision_outcomes']}").pl()
        return rows.row(0, named=True)

    return build


def spread(stem: str, mean: float, sd: float) -> dict:
    half = 1.6448536 * sd
    values = {"mean": mean, "p05": mean - half, "p50": mean, "p95": mean + half, "sd": sd}
    return {f"{stem}_{part}": value for part, value in values.items()}


PREDICTION = {
    "run_id": "then",
    "run_basis": "newest_before_approval",
    "run_as_of_week": day(47),
    "approved_on": day(48),
    "revision": 1,
    **spread("effect", 1000.0, 300.0),
    **spread("window_effect", 800.0, 200.0),
}
BY_MODEL = {
    "measured_by": "later_model",
    "source_id": "now",
    "revision": 1,
    "as_of_week": day(LAST),
    **spread("effect", 1300.0, 400.0),
    **spread("window_effect", 1100.0, 300.0),
    **spread("expected", 1100.0, 330.0),
    **spread("expected_window", 900.0, 220.0),
}
BY_TEST = BY_MODEL | {
    "measured_by": "experiment",
    "source_id": "x",
    **dict.fromkeys(spread("effect", 0.0, 1.0)),
    **spread("window_effect", 900.0, 100.0),
    **dict.fromkeys(spread("expected", 0.0, 1.0)),
}


def test_a_later_run_is_held_against_the_prediction_with_what_carries_over(outcome) -> None:
    row = outcome(measured=[BY_MODEL])
    assert (row["measured_mean"], row["compared_mean"]) == (1300.0, 1000.0)
    assert row["variance_mean"] == 300.0
    assert (row["variance_money"], row["variance_effect"]) == (100.0, 200.0)
    assert row["z_score"] == pytest.approx(300 / 500)
    assert row["is_hit"]
    assert (row["measured_weeks"], row["feedback_status"]) == (
        "window_and_carry_over",
        "in_training_data",
    )
    assert not outcome(measured=[BY_MODEL | spread("effect", 1500.0, 400.0)])["is_hit"]


def test_a_lift_test_counts_before_a_model_and_is_held_against_the_window(outcome) -> None:
    row = outcome(measured=[BY_MODEL, BY_TEST], experiments=[LIFT])
    assert (row["measured_by"], row["measured_source_id"]) == ("experiment", "x")
    assert (row["measured_mean"], row["compared_mean"], row["variance_mean"]) == (900, 800, 100)
    assert (row["variance_money"], row["variance_effect"]) == (100.0, 0.0)
    assert (row["compared_with"], row["feedback_status"]) == ("prediction", "as_experiment")


def test_a_lift_test_of_other_weeks_is_held_against_what_the_run_expects_of_it(outcome) -> None:
    row = outcome(
        measured=[BY_MODEL, BY_TEST],
        experiments=[LIFT | {"end_week": day(51).isoformat()}],
    )
    assert (row["compared_with"], row["compared_mean"]) == ("expected_of_the_test", 900.0)
    assert row["variance_mean"] == 0.0


@pytest.mark.parametrize("change", [{"decision_id": ""}, {"channel_id": "search"}])
def test_a_lift_test_that_is_taken_back_or_of_another_channel_measures_nothing(
    outcome, change
) -> None:
    row = outcome(measured=[BY_MODEL, BY_TEST], experiments=[LIFT | change])
    assert row["measured_by"] == "later_model"


def test_it_is_measured_again_and_the_first_figure_stays(outcome) -> None:
    first = BY_MODEL | {"as_of_week": day(60), "measurement_id": "y"}
    again = BY_MODEL | {"revision": 2} | spread("effect", 1250.0, 350.0)
    row = outcome(measured=[first, again])
    assert (row["measured_mean"], row["first_measured_mean"]) == (1250.0, 1300.0)
    assert (row["n_measurements"], row["measured_revision"]) == (2, -50.0)


def test_a_measurement_of_a_later_build_is_not_known_yet(outcome) -> None:
    row = outcome(measured=[BY_MODEL | {"as_of_week": day(LAST + 1)}])
    assert (row["measured_by"], row["n_measurements"]) == (None, 0)


def test_without_a_prediction_there_is_a_measured_effect_and_no_variance(outcome) -> None:
    decisions = [decision(approved_on=day(20))]
    row = outcome(predicted=False, measured=[BY_MODEL], decisions=decisions)
    assert (row["prediction_status"], row["measurement_status"]) == (
        "no_run_before_approval",
        "measured",
    )
    assert (row["measured_mean"], row["variance_mean"], row["is_hit"]) == (1300.0, None, None)


def test_a_prediction_stays_when_the_draws_of_its_run_are_gone(outcome) -> None:
    row = outcome(measured=[BY_MODEL], on_record="now")
    assert (row["prediction_status"], row["prediction_run_id"]) == ("predicted", "then")
    assert (row["variance_mean"], row["is_hit"]) == (300.0, True)


def test_the_reason_names_a_run_that_could_not_be_asked(outcome) -> None:
    row = outcome(decisions=[decision(run_id="nobody")])
    assert row["prediction_reason"] == (
        f"by the run of {day(47)}, the newest before the approval; the run that it names (nobody) "
        "is not on record, or knows later weeks, or is of another model"
    )


# --- feeding back -------------------------------------------------------------------------------

GONE = {
    "measurement_id": "k",
    "decision_id": "d",
    "model_id": "m",
    "measured_by": "later_model",
    "revision": 1,
    "as_of_week": day(11),
    "first_training_week": day(0),
    "n_training_weeks": 12,
    "node_id": "tv",
    "geos": [],
    "evidence_ids": [],
    "start_week": day(3),
    "end_week": day(5),
    "spend_actual": 2700.0,
    "spend_counterfactual": 1500.0,
    "window_effect_mean": 800.0,
    "window_effect_sd": 120.0,
}


@pytest.fixture
def fed_back(world, chain):
    """Evidence of measured decisions, with measurements where dbt looks earlier builds up."""

    def build(*measured, experiments=()):
        chain.connection.register("measured", table(list(measured), schemas.DECISION_MEASUREMENTS))
        chain.connection.execute("create or replace table looked_up as from measured")
        node = chain.nodes["int_mixloop__model_evidence"]
        compiled = node["compiled_code"]
        nothing = r"(measured_decisions as \().*?where false(\s*\))"
        found = re.sub(nothing, r"\1 select * from looked_up \2", compiled, flags=re.DOTALL)
        assert found != compiled
        node["compiled_code"] = found
        try:
            asked = ([decision()], experiments)
            world.run("int_mixloop__model_evidence", *asked, training_weeks="60")
        finally:
            node["compiled_code"] = compiled
        return chain.connection.sql(
            f"from {chain.relation['int_mixloop__model_evidence']} where source = 'decision'"
        ).pl()

    return build


def test_a_measured_decision_counts_when_its_weeks_have_left_the_training_data(fed_back) -> None:
    row = fed_back(GONE | {"as_of_week": day(9), "n_training_weeks": 10}).row(0, named=True)
    assert (row["evidence_id"], row["status"], row["is_used"]) == ("decision:d", "used", True)
    assert (row["lift"], row["standard_error"], row["known_week"]) == (800.0, 120.0, day(9))
    assert (row["spend_actual"], row["spend_counterfactual"]) == (2700.0, 1500.0)
    # first training week 10: a window that reaches into it is trained on, and is not listed
    assert fed_back(GONE | {"end_week": day(10)}).is_empty()


def test_weeks_that_both_runs_are_trained_on_count_once(fed_back) -> None:
    row = fed_back(GONE).row(0, named=True)  # weeks 10 and 11 of 12
    assert row["standard_error"] == pytest.approx(120 / (1 - 2 / 12) ** 0.5)
    assert "17% of its training weeks are in this fit too" in row["method"]


def test_the_measurement_with_the_fewest_shared_weeks_counts(fed_back) -> None:
    shared = GONE | {"measurement_id": "l", "revision": 2, "as_of_week": day(20)}
    shared |= {"n_training_weeks": 21, "window_effect_mean": 700.0}
    found = fed_back(shared, GONE)
    assert found["lift"].to_list() == [800.0]


@pytest.mark.parametrize(
    ("change", "tests", "status"),
    [
        ({}, [LIFT | {"start_week": str(day(12)), "end_week": str(day(13))}],
         "measured_by_experiment"),
        ({"evidence_ids": ["x"]},
         [LIFT | {"decision_id": "", "start_week": str(day(12)), "end_week": str(day(13))}],
         "rests_on_a_test"),
        ({"evidence_ids": ["z"]},
         [LIFT | {"decision_id": "", "start_week": str(day(12)), "end_week": str(day(13))}],
         "used"),
        ({"node_id": "online"}, [], "channel_not_modelled"),
        ({"start_week": day(-3)}, [], "before_media"),
        ({"window_effect_sd": 0.0}, [], "no_error"),
        ({"spend_counterfactual": 2700.0}, [], "no_spend_change"),
    ],
)  # fmt: skip
def test_what_is_not_counted_twice_says_so(fed_back, change, tests, status) -> None:
    row = fed_back(GONE | change, experiments=tests).row(0, named=True)
    assert (row["status"], row["is_used"]) == (status, status == "used")
    assert row["reason"]


def test_other_measurements_are_no_evidence(fed_back) -> None:
    assert fed_back(GONE | {"measured_by": "experiment"}).is_empty()
    assert fed_back(GONE | {"decision_id": "withdrawn"}).is_empty()
    assert fed_back(GONE | {"as_of_week": day(LAST + 1)}).is_empty()  # not known as of today


# --- findings -----------------------------------------------------------------------------------


def test_decisions_that_make_no_sense_are_findings(world, chain) -> None:
    decisions = [
        decision("fine"),
        decision("reversed", end_week=day(40)),
        decision("half", spend_to=""),
        decision("same", spend_to=500),
        decision("late", approved_on=day(51)),
        decision("mars", geos="national;mars"),
        decision("named", run_id="nobody"),
    ]
    tests = [
        LIFT | {"decision_id": "gone"},
        LIFT | {"experiment_id": "y", "decision_id": "fine", "channel_id": "search"},
    ]
    world.run("int_mixloop__decision_findings", decisions, tests, training_weeks=world.window or "")
    found = chain.read(
        "select check_name, severity, input_name, source_row, column_name, value "
        "from {int_mixloop__decision_findings} where check_name != 'decision_overlap' "
        "order by input_name, source_row"
    )
    assert found == [
        ("decision_weeks_reversed", "blocking", "decisions", 3, "end_week", str(day(40))),
        ("decision_incomplete", "warn", "decisions", 4, "spend_to", "half"),
        ("decision_without_move", "warn", "decisions", 5, "spend_to", "500"),
        ("decision_approved_late", "warn", "decisions", 6, "approved_on", str(day(51))),
        ("decision_geo_without_model", "warn", "decisions", 7, "geos", "mars"),
        ("decision_run_unknown", "warn", "decisions", 8, "run_id", "nobody"),
        ("experiment_decision_unknown", "warn", "experiments", 2, "decision_id", "gone"),
        ("experiment_of_other_channel", "warn", "experiments", 3, "channel_id", "search"),
    ]


@pytest.mark.parametrize(
    ("first", "second", "is_overlap"),
    [
        ({}, {"channel_id": "search"}, False),
        ({"end_week": day(53)}, {"start_week": day(54), "end_week": day(57)}, False),
        ({"end_week": day(53)}, {"start_week": day(53), "end_week": day(57)}, True),
        ({"end_week": ""}, {"start_week": day(66), "end_week": day(67)}, True),
        ({"geos": "a; b"}, {"geos": "c"}, False),
        ({"geos": "a; b"}, {"geos": "b;c"}, True),
        ({"geos": "a"}, {}, True),
        ({}, {"geos": "b"}, True),
    ],
)
def test_moves_of_one_channel_at_once_are_said(world, chain, first, second, is_overlap) -> None:
    decisions = [decision("one", **first), decision("two", **second)]
    world.run("int_mixloop__decision_findings", decisions, [])
    found = chain.read(
        "select source_row, problem from {int_mixloop__decision_findings} "
        "where check_name = 'decision_overlap'"
    )
    assert [row for row, _ in found] == [3] * is_overlap
    assert all("while one does" in problem for _, problem in found)


def test_money_that_no_week_ever_had_is_questioned(world, chain) -> None:
    most = max(tiny.spend("tv", i) for i in range(tiny.N_WEEKS))
    decisions = [
        decision("three_times", spend_from=0, spend_to=3 * most),
        decision("total_for_weekly", spend_from=0, spend_to=3 * most + 1),
        decision("no_media_there", spend_from=0, spend_to=9 * most, geos="mars"),
    ]
    world.run("int_mixloop__decision_findings", decisions, [])
    found = chain.read(
        "select source_row, column_name, value, problem from {int_mixloop__decision_findings} "
        "where check_name = 'decision_spend_beyond_media'"
    )
    said = f"more than three times what tv ever had in a week there ({most})"
    assert found == [(3, "spend_to", str(3 * most + 1), said)]
