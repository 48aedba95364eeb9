"""Which lift tests and priors count in which model, and what is said of those that do not."""

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas

TEST = {
    "experiment_id": "x",
    "channel_id": "tv",
    "kpi": "",
    "geos": "",
    "start_week": tiny.week(30),
    "end_week": tiny.week(33),
    "spend_actual": 100,
    "spend_counterfactual": 50,
    "lift": 500,
    "standard_error": 100,
    "method": "holdout",
}
PRIOR = {
    "model_id": "",
    "channel_id": "tv",
    "share_of_kpi": "0.1",
    "roi_low": "",
    "roi_high": "",
    "half_life_low_weeks": "",
    "half_life_high_weeks": "",
    "saturation_low": "",
    "saturation_high": "",
    "drift_per_year": "",
}


def frames(tests=(), priors=(), *, kpis=("sales",), change=None):
    """The tiny client with tests and priors; one model for each KPI."""
    content = tiny.tables()
    sales = content["outcomes"]
    content["outcomes"] = [row | {"kpi": kpi} for kpi in kpis for row in sales]
    model = content["model_definitions"][0]
    content["model_definitions"] = [model | {"model_id": f"m_{k}", "kpi": k} for k in kpis]
    content["goals"] = [{"goal_id": "g", "hurdle_roi": 1.5}]
    content["media"] = [row | {"impressions": ""} for row in content["media"]]
    if change is not None:
        change(content)
    found = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in content.items()}
    found["experiments"] = pl.DataFrame([TEST | test for test in tests], schema=list(TEST))
    found["channel_priors"] = pl.DataFrame([PRIOR | prior for prior in priors], schema=list(PRIOR))
    return found


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


@pytest.fixture
def evidence(chain):
    def build(*tests, **changes):
        named = [{"experiment_id": f"t{n}"} | test for n, test in enumerate(tests)]
        chain.run(["int_mixloop__model_evidence"], frames(named, **changes))
        return chain.read(
            "select model_id, evidence_id, status, reason, is_used "
            "from {int_mixloop__model_evidence} order by model_id, evidence_id"
        )

    return build


@pytest.fixture
def findings(chain):
    def build(tests=(), priors=(), **changes):
        chain.run(["int_mixloop__evidence_findings"], frames(tests, priors, **changes))
        return chain.read(
            "select check_name, severity, input_name, source_row, column_name, value "
            "from {int_mixloop__evidence_findings} order by all"
        )

    return build


# --- which tests count --------------------------------------------------------------------------


def test_a_sound_test_counts_with_its_weeks_geos_and_money(chain, evidence):
    sound = {"start_week": tiny.week(30), "geos": " national ; ", "spend_actual": ""}
    assert evidence(sound) == [("m_sales", "t0", "used", "it counts", True)]
    row = chain.read(
        "select geos, start_week, end_week, spend_actual, spend_counterfactual, spend_in_media, "
        "lift, standard_error, kpi from {int_mixloop__model_evidence}"
    )[0]
    spent = float(sum(tiny.spend("tv", i) for i in range(30, 34)))
    first, last = (tiny.FIRST_WEEK + (tiny.timedelta(weeks=i)) for i in (30, 33))
    assert row == (["national"], first, last, spent, 50.0, spent, 500.0, 100.0, "sales")


def test_days_within_weeks_mean_those_weeks(chain, evidence):
    inside = [
        (tiny.FIRST_WEEK + tiny.timedelta(days=d)).isoformat() for d in (30 * 7 + 3, 33 * 7 + 6)
    ]
    evidence({"start_week": inside[0], "end_week": inside[1]})
    dates = chain.read("select start_week, end_week from {int_mixloop__model_evidence}")[0]
    assert [day.isoformat() for day in dates] == [tiny.week(30), tiny.week(33)]


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"kpi": "customers"}, "other_kpi", "it measured customers, the model explains sales"),
        (
            {"channel_id": "online"},
            "channel_not_modelled",
            "online is not estimated by itself: it is the sum of search, social",
        ),
        ({"geos": "national;mars"}, "geo_not_in_model", "the model does not cover mars"),
        (
            {"end_week": tiny.week(70)},
            "not_over",
            f"it ends after the last training week {tiny.week(69)}",
        ),
        (
            {"start_week": tiny.week(-1)},
            "before_training",
            f"it starts before the first training week {tiny.week(0)}",
        ),
        (
            {"standard_error": 0},
            "no_error",
            "its standard error is zero, which no measurement has",
        ),
        (
            {"spend_counterfactual": ""},
            "no_counterfactual",
            "it does not say what would have been spent without it",
        ),
        ({"spend_counterfactual": 100}, "no_spend_change", "it did not change the spend"),
    ],
)
def test_a_test_that_does_not_count_says_why(evidence, changes, status, words):
    assert evidence({}, changes) == [
        ("m_sales", "t0", "used", "it counts", True),
        ("m_sales", "t1", status, words, False),
    ]


def test_a_test_below_a_modelled_channel_says_where_it_lies(evidence):
    def deeper(content):
        content["channel_hierarchy"].append(
            {"channel_id": "spots", "parent_id": "tv", "label": "Spots", "is_modelled": "false"}
        )
        content["channel_mapping"][0]["channel_id"] = "spots"

    ((*_, status, words, _),) = evidence({"channel_id": "spots"}, change=deeper)
    assert status == "channel_not_modelled"
    assert words == "spots is not estimated by itself: it lies below the modelled channel tv"


def test_with_several_kpis_a_test_says_whose_lift_it_is(evidence, findings):
    kpis = ("customers", "sales")
    found = {
        (model, test): status
        for model, test, status, *_ in evidence({}, {"kpi": "sales"}, kpis=kpis)
    }
    assert found == {
        ("m_customers", "t0"): "kpi_not_named",
        ("m_customers", "t1"): "other_kpi",
        ("m_sales", "t0"): "kpi_not_named",
        ("m_sales", "t1"): "used",
    }
    assert findings([{}, {"experiment_id": "y", "kpi": "sales"}], kpis=kpis) == [
        ("experiment_without_kpi", "warn", "experiments", 2, "kpi", "x")
    ]


# --- findings -----------------------------------------------------------------------------------


def test_sound_tests_and_priors_raise_nothing(findings):
    ends = {"roi_low": "0", "roi_high": "3", "half_life_low_weeks": "0.5"}
    ends |= {
        "drift_per_year": "0.2",
        "half_life_high_weeks": "2",
        "saturation_low": "0.2",
        "saturation_high": "0.6",
    }
    assert (
        findings([{}, {"experiment_id": "y", "kpi": "sales", "geos": "national"}], [{}, ends]) == []
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"kpi": "margin"}, ("unknown_kpi", "blocking", "kpi", "margin")),
        (
            {"end_week": tiny.week(29)},
            ("experiment_weeks_reversed", "blocking", "end_week", tiny.week(29)),
        ),
        (
            {"standard_error": 0},
            ("experiment_without_error", "warn", "standard_error", "0"),
        ),
        (
            {"spend_counterfactual": ""},
            ("experiment_without_spend_change", "warn", "spend_counterfactual", None),
        ),
        (
            {"spend_counterfactual": 100},
            ("experiment_without_spend_change", "warn", "spend_counterfactual", "100"),
        ),
        ({"geos": "mars"}, ("experiment_geo_without_model", "warn", "geos", "mars")),
        (
            {"channel_id": "online"},
            ("experiment_channel_not_modelled", "warn", "channel_id", "online"),
        ),
    ],
)
def test_a_mistake_in_a_test_is_found_at_its_row(findings, changes, expected):
    check, severity, column, value = expected
    before = {"start_week": tiny.week(10), "end_week": tiny.week(13)}
    found = findings([before, {"experiment_id": "y"} | changes])
    assert found == [(check, severity, "experiments", 3, column, value)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"roi_low": "1"}, ("prior_range_incomplete", "blocking", "roi_high", None)),
        (
            {"half_life_high_weeks": "4"},
            ("prior_range_incomplete", "blocking", "half_life_low_weeks", None),
        ),
        (
            {"saturation_low": "0.5", "saturation_high": "0.4"},
            ("prior_range_reversed", "blocking", "saturation_high", "0.4"),
        ),
        (
            {"roi_low": "2", "roi_high": "2"},
            ("prior_range_reversed", "blocking", "roi_high", "2"),
        ),
        (
            {"half_life_low_weeks": "0", "half_life_high_weeks": "4"},
            ("prior_range_impossible", "blocking", "half_life_low_weeks", "0"),
        ),
        (
            {"saturation_low": "0.4", "saturation_high": "1"},
            ("prior_range_impossible", "blocking", "saturation_high", "1"),
        ),
        (
            {"channel_id": "online"},
            ("prior_channel_not_modelled", "warn", "channel_id", "online"),
        ),
        (
            {"half_life_low_weeks": "13", "half_life_high_weeks": "20"},
            ("prior_beyond_carryover", "warn", "half_life_low_weeks", "13"),
        ),
    ],
)
def test_a_mistake_in_a_prior_is_found_at_its_row(findings, changes, expected):
    check, severity, column, value = expected
    found = findings(priors=[{"channel_id": "search"}, changes])
    assert found == [(check, severity, "channel_priors", 3, column, value)]


@pytest.mark.parametrize(
    ("first", "second", "is_overlap"),
    [
        ({}, {"channel_id": "search"}, False),
        ({}, {"kpi": "sales"}, False),
        ({"end_week": tiny.week(31)}, {"start_week": tiny.week(32)}, False),
        ({"end_week": tiny.week(31)}, {"start_week": tiny.week(31)}, True),
        ({"geos": "a;b"}, {"geos": "c"}, False),
        ({"geos": "a;b"}, {"geos": "c; b"}, True),
        ({"geos": "a"}, {}, True),
        ({}, {"geos": "b"}, True),
    ],
)
def test_one_test_that_is_told_twice_is_questioned(findings, first, second, is_overlap):
    found = findings([first, {"experiment_id": "y"} | second])
    rows = [row for check, *_, row, _, _ in found if check == "experiment_overlap"]
    assert rows == [3] * is_overlap


@pytest.mark.parametrize(("shares", "is_found"), [(("0.5", "0.5"), False), (("0.5", "0.6"), True)])
def test_shares_of_more_than_the_whole_kpi_are_questioned(findings, shares, is_found):
    priors = [
        {"channel_id": c, "share_of_kpi": s} for c, s in zip(("tv", "search"), shares, strict=True)
    ]
    expected = ("prior_shares_above_one", "warn", "channel_priors", 3, "share_of_kpi", "1.1")
    assert findings(priors=priors) == [expected] * is_found


def test_a_return_of_a_channel_that_costs_nothing_is_questioned(findings):
    def free(content):
        for row in content["media"]:
            if row["platform"] == "tv_house":
                row |= {"impressions": row["spend"], "spend": 0}

    prior = {"roi_low": "1", "roi_high": "2"}
    assert findings(priors=[prior], change=free) == [
        ("prior_roi_without_spend", "warn", "channel_priors", 2, "roi_low", "1")
    ]


def test_beliefs_reach_the_models_channels(chain):
    own = {"model_id": "m_sales", "roi_low": "0.5", "roi_high": "2"}
    chain.run(["int_mixloop__model_channels"], frames(priors=[{"saturation_low": "0.1"}, own]))
    rows = chain.read(
        "select channel_id, share_of_kpi, roi_low, roi_high, half_life_low_weeks, saturation_low "
        "from {int_mixloop__model_channels} order by channel_id"
    )
    # the row of the model replaces the row for all models
    assert rows == [
        ("search", None, None, None, None, None),
        ("social", None, None, None, None, None),
        ("tv", 0.1, 0.5, 2.0, None, None),
    ]


# --- the public tables --------------------------------------------------------------------------

RUN = {"run_id": "r", "model_id": "m_sales", "run_kind": "live", "as_of_week": tiny.FIRST_WEEK}
RANGE = ("mean", "p05", "p50", "p95")


def rows_of(schema, *rows):
    """Rows of a Python model; columns that are not named are null."""
    return pl.DataFrame([dict.fromkeys(schema) | row for row in rows], schema=schema)


def effect(evidence_id, **values):
    facts = {"source": "experiment", "channel_id": "tv", "geos": ["national"], "method": "refitted"}
    facts |= {"start_week": tiny.FIRST_WEEK, "end_week": tiny.FIRST_WEEK, "lift": 500.0}
    facts |= {"standard_error": 100.0, "z_score": 0.5, "shift": 0.4, "narrowing": 0.25}
    facts |= {"effect_before_mean": 400.0}
    return RUN | facts | {"evidence_id": evidence_id} | values


@pytest.fixture
def published(chain):
    def build(tests, *effects):
        keys = ("run_id", "model_id", "evidence_id", *schemas.EVIDENCE)
        found = [{k: v for k, v in row.items() if k in keys} for row in effects]
        given = {
            "int_mixloop__evidence_effects": rows_of(schemas.EVIDENCE, *found),
            "int_mixloop__current_runs": rows_of(schemas.CURRENT_RUNS, RUN),
        }
        chain.run(["mixloop__calibration_evidence"], frames(tests), given=given)
        rows = chain.read(
            "select evidence_id, is_used, status, is_in_conflict, reason, label "
            "from {mixloop__calibration_evidence} order by evidence_id"
        )
        return {name: row for name, *row in rows}

    return build


def test_every_test_and_belief_is_published_with_what_it_did(published):
    spent = sum(tiny.spend("tv", i) for i in range(30, 34))
    tests = [{"experiment_id": name} for name in ("agrees", "lost", "moves")]
    tests = [test | {"spend_actual": spent} for test in tests]
    tests[2] |= {"spend_actual": 1.25 * spent}
    tests.append({"experiment_id": "unusable", "standard_error": 0})
    tests.append({"experiment_id": "wrong", "lift": -1234, "spend_actual": 1.09 * spent})
    found = published(
        tests,
        effect("agrees", shift=0.05, narrowing=-0.05),
        effect("moves", shift=-1.234, narrowing=0.25),
        effect("wrong", z_score=-2.0),
        effect("roi:tv", source="roi_belief", shift=0.2, narrowing=-0.3),
    )
    assert found == {
        "agrees": [
            True,
            "used",
            False,
            "it counts, and the model already said so: it moved nearly nothing",
            "TV",
        ],
        "lost": [False, "channel_left_out", False, "the run has no media of this channel", "TV"],
        "moves": [
            True,
            "used",
            False,
            "it counts: it moved the channel down by 1.23 standard deviations and made its range "
            "25% narrower; its money and that of the media input differ by 25%: check weeks and "
            "geos",
            "TV",
        ],
        "roi:tv": [
            True,
            "used",
            False,
            "it counts: it moved the channel up by 0.2 standard deviations and made its range 30% "
            "wider",
            "TV",
        ],
        "unusable": [
            False,
            "no_error",
            False,
            "its standard error is zero, which no measurement has",
            "TV",
        ],
        "wrong": [
            True,
            "used",
            True,
            "in conflict: it says -1,234, the model without it 400, 2 standard deviations apart; "
            "check the test, its weeks and its geos, or look for what else moved the KPI then",
            "TV",
        ],
    }


@pytest.mark.parametrize(
    ("values", "verdict", "words"),
    [
        ({}, "narrowed", "the data made it clearer"),
        ({"overlap": 0.8}, "prior_decides", "what comes out is what was put in"),
        ({"posterior_p50": 0.99}, "contradicted", "out of the range that was believed"),
        ({"posterior_p50": 5.01}, "contradicted", "out of the range that was believed"),
        ({"narrowing": 0.2}, "moved", "within what was believed, without"),
        ({"posterior_p50": None}, "unknown", "it cannot be compared"),
        ({"p_above_one": 0.6}, "narrowed", "give smaller shares (share_of_kpi)"),
    ],
)
def test_priors_are_judged(chain, values, verdict, words):
    row = {"channel_id": "tv", "quantity": "roi", "prior_source": "client", "prior_p05": 1.0}
    row |= {"run_id": "r", "model_id": "m_sales", "prior_p95": 5.0, "posterior_p50": 2.0}
    row |= {"overlap": 0.4, "narrowing": 0.5}
    given = {"int_mixloop__priors": rows_of(schemas.PRIORS, row | values)}
    chain.run(["mixloop__priors"], frames(), given=given)
    ((found, reason),) = chain.read("select verdict, reason from {mixloop__priors}")
    assert found == verdict and words in reason
    assert ("smaller shares" in reason) == ("p_above_one" in values)
