"""Which lift tests and priors count in which model, and what is said of those that do not."""

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

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
def chain(project_root, tmp_path_factory):
    world = frames([{}], [{}])
    manifest = compile_project(project_root, tmp_path_factory.mktemp("compiled"), world)
    return Chain(manifest)


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
    ends |= {"half_life_high_weeks": "2", "saturation_low": "0.2", "saturation_high": "0.6"}
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
            ("experiment_without_error", "warn", "standard_error", "0.0000000000"),
        ),
        (
            {"spend_counterfactual": ""},
            ("experiment_without_spend_change", "warn", "spend_counterfactual", None),
        ),
        (
            {"spend_counterfactual": 100},
            ("experiment_without_spend_change", "warn", "spend_counterfactual", "100.000000"),
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
    found = findings([{}, {"experiment_id": "y"} | changes])
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
            ("prior_range_reversed", "blocking", "saturation_high", "0.4000000000"),
        ),
        (
            {"roi_low": "2", "roi_high": "2"},
            ("prior_range_reversed", "blocking", "roi_high", "2.0000000000"),
        ),
        (
            {"half_life_low_weeks": "0", "half_life_high_weeks": "4"},
            ("prior_range_impossible", "blocking", "half_life_low_weeks", "0.0000000000"),
        ),
        (
            {"saturation_low": "0.4", "saturation_high": "1"},
            ("prior_range_impossible", "blocking", "saturation_high", "1.0000000000"),
        ),
        (
            {"channel_id": "online"},
            ("prior_channel_not_modelled", "warn", "channel_id", "online"),
        ),
    ],
)
def test_a_mistake_in_a_prior_is_found_at_its_row(findings, changes, expected):
    check, severity, column, value = expected
    found = findings(priors=[{"channel_id": "search"}, changes])
    assert found == [(check, severity, "channel_priors", 3, column, value)]


def test_a_return_of_a_channel_that_costs_nothing_is_questioned(findings):
    def free(content):
        for row in content["media"]:
            if row["platform"] == "tv_house":
                row |= {"impressions": row["spend"], "spend": 0}

    prior = {"roi_low": "1", "roi_high": "2"}
    assert findings(priors=[prior], change=free) == [
        ("prior_roi_without_spend", "warn", "channel_priors", 2, "roi_low", "1.0000000000")
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
