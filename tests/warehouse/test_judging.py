"""The verdict on a run: a sound one, and every reason planted one at a time."""

from datetime import date

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas

RANGE = ("mean", "p05", "p50", "p95")
LIVE = {"run_id": "r", "model_id": "m"}


def rows(schema, *values):
    """Rows of a schema from dicts; what is not named is null."""
    return pl.DataFrame([dict.fromkeys(schema) | LIVE | row for row in values], schema=schema)


def spread(stem, low, mid, high):
    return dict(zip((f"{stem}_{part}" for part in RANGE), (mid, low, mid, high), strict=True))


def channel(name, spend, *, roi=(1.0, 2.0, 3.0), effect=(0.2, 0.5, 0.8), kpi=(0.1, 0.15, 0.2)):
    return {
        "period_id": "training",
        "node_id": name,
        "is_additive": True,
        "hierarchy_id": "main",
        "is_pooled": False,
        "spend": spend,
        "share_of_spend": spend / 100.0,
        "hurdle_roi": 1.5,
        **spread("roi", *roi),
        **spread("share_of_effect", *effect),
        **spread("share_of_kpi", *kpi),
    }


def term(name="channel:tv", **over):
    return {
        "run_kind": "live",
        "kpi": "sales",
        "geo": "national",
        "term_id": name,
        "as_of_week": date(2025, 4, 28),
        "n_training_weeks": 104,
        "rhat": 1.002,
        "ess_bulk": 900.0,
        "ess_tail": 700.0,
        "is_converged": True,
    } | over


def variable(name, kind="channel", *, share=(0.05, 0.1, 0.15), **over):
    return {
        "variable_id": name,
        "variable_type": kind,
        "is_fitted": True,
        "p_material": 1.0,
        **spread("share_of_kpi", *share),
    } | over


def prior(name, **over):
    return {
        "channel_id": name,
        "quantity": "share_of_kpi",
        "prior_source": "default",
        **spread("prior", 0.0, 0.05, 0.4),
        **spread("posterior", 0.05, 0.1, 0.15),
        "narrowing": 0.75,
        "overlap": 0.3,
    } | over


def evidence(name, z_score):
    return {
        "evidence_id": name,
        "source": "roi_belief",
        "channel_id": "tv",
        "lift": 10.0,
        "effect_before_mean": 30.0,
        "shift": 1.0,
        "narrowing": 0.2,
        "z_score": z_score,
    }


IN_SAMPLE = {
    "method": "mixloop",
    "sample": "in_sample",
    "n_weeks": 70,
    "r2": 0.9,
    "residual_autocorrelation": 0.05,
    "p_negative_baseline_week": 0.0,
    "negative_baseline_share": 0.0,
}
HELD_OUT = {
    "method": "mixloop",
    "sample": "out_of_sample",
    "n_weeks": 52,
    "skill": 0.4,
    "coverage_90": 0.88,
}


def sound():
    """What the Python models hold for one sound run, by relation; lists of dicts."""
    return {
        "int_mixloop__current_runs": [{"run_kind": "live", "as_of_week": date(2025, 4, 28)}],
        "int_mixloop__posterior": [term(), term("level")],
        "int_mixloop__run_scores": [dict(IN_SAMPLE), dict(HELD_OUT)],
        "int_mixloop__channel_performance": [channel("tv", 60.0), channel("search", 40.0)],
        "int_mixloop__feasibility": [
            {"node_id": name, "node_role": "modelled", "active_weeks": 60, "verdict": "model",
             "vif": 1.5, "moves_with": other, "correlation": 0.3, "rows_per_column": 12.0}
            for name, other in (("tv", "search"), ("search", "tv"))
        ],
        "int_mixloop__consistency": [
            {"channel_id": name, "n_origins": 4, "roi": 2.0, "share_same_side_of_hurdle": 0.75}
            for name in ("tv", "search")
        ],
        "int_mixloop__evidence_effects": [],
        "int_mixloop__priors": [prior("tv"), prior("search")],
        "int_mixloop__variable_selection": [
            variable("tv"), variable("search"), variable("context:price", "context", p_positive=0.0)
        ],
    }  # fmt: skip


SCHEMAS = {
    "int_mixloop__current_runs": schemas.CURRENT_RUNS,
    "int_mixloop__posterior": schemas.POSTERIOR,
    "int_mixloop__run_scores": schemas.SCORES,
    "int_mixloop__channel_performance": schemas.PERFORMANCE,
    "int_mixloop__feasibility": schemas.FEASIBILITY,
    "int_mixloop__consistency": schemas.CONSISTENCY,
    "int_mixloop__evidence_effects": schemas.EVIDENCE,
    "int_mixloop__priors": schemas.PRIORS,
    "int_mixloop__variable_selection": schemas.SELECTION,
}


OPTIONAL = {
    "context_variables": ("model_id", "variable", "expected_sign", "is_controllable", "notes"),
    "channel_priors": (
        *("model_id", "channel_id", "share_of_kpi", "roi_low", "roi_high"),
        *("half_life_low_weeks", "half_life_high_weeks", "saturation_low", "saturation_high"),
        "drift_per_year",
    ),
    "feasibility_answers": (
        *("model_id", "channel_id", "answer", "answered_by", "answered_on", "reason"),
    ),
}


def inputs(**tables):
    """The tiny client, after some tables; columns are always there, as compiled."""
    content = tiny.tables() | {name: rows for name, rows in tables.items() if name not in OPTIONAL}
    found = {name: pl.DataFrame(part, infer_schema_length=None) for name, part in content.items()}
    for name, columns in OPTIONAL.items():
        filled = [dict.fromkeys(columns) | row for row in tables.get(name, ())]
        found[name] = pl.DataFrame(filled, schema=dict.fromkeys(columns, pl.String))
    return found


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


@pytest.fixture
def judge(chain):
    """Build health of a sound run after `change`; return verdict, reasons and statuses."""

    def build(change=None, **tables):
        given = sound()
        if change is not None:
            change(given)
        frames = {name: rows(SCHEMAS[name], *part) for name, part in given.items()}
        chain.run(["mixloop__model_health"], inputs(**tables), given=frames)
        ((verdict, reasons),) = chain.read("select verdict, reasons from {mixloop__model_health}")
        return (
            verdict,
            reasons,
            dict(chain.read("select check_name, status from {mixloop__health_checks}")),
        )

    return build


def without(relation, **where):
    def change(given):
        given[relation] = [
            row for row in given[relation] if any(row.get(k) != v for k, v in where.items())
        ]

    return change


def put(relation, values, **where):
    def change(given):
        hit = [r for r in given[relation] if all(r.get(k) == v for k, v in where.items())]
        assert hit
        for row in hit:
            row |= values

    return change


def scores(sample, **values):
    return put("int_mixloop__run_scores", values, sample=sample)


def paid(name, **over):
    return put("int_mixloop__channel_performance", channel(name, over.pop("spend"), **over),
               node_id=name)  # fmt: skip


def test_a_sound_run(judge):
    verdict, reasons, statuses = judge()
    assert (verdict, reasons) == ("sound", None)
    assert set(statuses.values()) == {"pass"}


POSTERIOR = "int_mixloop__posterior"
PERFORMANCE = "int_mixloop__channel_performance"
# what is planted -> check, status, words of the reason
PLANTED = {
    "not converged": (
        put(POSTERIOR, {"is_converged": False, "rhat": 1.2, "ess_tail": 31.0}),
        ("convergence", "fail", "worst R-hat 1.200, smallest effective sample 31"),
    ),
    "a term that never moved": (
        put(POSTERIOR, {"rhat": None, "ess_bulk": None, "ess_tail": None}, term_id="level"),
        ("convergence", "fail", "convergence of 1 of 2 terms could not be judged"),
    ),
    "no terms at all": (
        without(POSTERIOR),
        ("convergence", "fail", "no terms whose convergence was judged"),
    ),
    "no skill": (
        scores("out_of_sample", skill=0.0),
        ("skill", "fail", "forecasts of 52 held-out weeks are no better"),
    ),
    "nothing held out": (
        without("int_mixloop__run_scores", sample="out_of_sample"),
        ("skill", "care", "forecasts were not tested"),
    ),
    "ranges somewhat narrow": (
        scores("out_of_sample", coverage_90=0.7),
        ("coverage", "care", "only 70% of 52 held-out weeks"),
    ),
    "ranges far too narrow": (
        scores("out_of_sample", coverage_90=0.4),
        ("coverage", "fail", "only 40% of 52 held-out weeks"),
    ),
    "a baseline that dips": (
        scores("in_sample", negative_baseline_share=0.05, p_negative_baseline_week=0.8),
        ("negative_baseline", "care", "below zero in 5% of the weeks"),
    ),
    "a baseline below zero": (
        scores("in_sample", negative_baseline_share=0.3, p_negative_baseline_week=1.0),
        ("negative_baseline", "fail", "below zero in 30% of the weeks"),
    ),
    "no figures in sample": (
        without("int_mixloop__run_scores", sample="in_sample"),
        ("negative_baseline", "care", "sign of the baseline was not judged"),
    ),
    "a return beyond belief": (
        paid("search", spend=40.0, roi=(20.0, 31.0, 50.0)),
        ("plausibility", "care", "1 of 2 channels are hard to believe, with 40% of the money: Ads"),
    ),
    "most of the money beyond belief": (
        paid("tv", spend=60.0, roi=(20.0, 31.0, 50.0)),
        ("plausibility", "fail", "with 60% of the money: TV"),
    ),
    "no channels": (
        without(PERFORMANCE),
        ("plausibility", "care", "no channel has a return"),
    ),
    "a test in conflict": (
        lambda given: given["int_mixloop__evidence_effects"].extend(
            [evidence("lift_2024", 4.0), evidence("lift_2023", 0.2)]
        ),
        (
            "evidence",
            "care",
            "1 of 2 tests and beliefs are in conflict with the rest of the data: lift_2024",
        ),
    ),
    "answers that change": (
        put("int_mixloop__consistency", {"share_same_side_of_hurdle": 0.5}, channel_id="tv"),
        ("stability", "care", "earlier origins (4) agree in only 62% of the cases"),
    ),
    "no earlier origins": (
        put("int_mixloop__consistency", {"n_origins": 0, "share_same_side_of_hurdle": None}),
        ("stability", "care", "no earlier origin says"),
    ),
    "errors that hang together": (
        scores("in_sample", residual_autocorrelation=0.4),
        ("autocorrelation", "care", "(correlation 0.40)"),
    ),
    "errors that swing": (
        scores("in_sample", residual_autocorrelation=-0.45),
        ("autocorrelation", "care", "(correlation -0.45)"),
    ),
    "a short history": (
        put(POSTERIOR, {"n_training_weeks": 80}),
        ("history", "care", "short history: 80 weeks, 104 would be enough"),
    ),
    "few rows": (
        put("int_mixloop__feasibility", {"rows_per_column": 4.3}),
        ("rows_per_column", "care", "4.3 rows of data for each column"),
    ),
}


@pytest.mark.parametrize("planted", PLANTED)
def test_every_reason_can_be_given(judge, planted):
    change, (check, status, words) = PLANTED[planted]
    verdict, reasons, statuses = judge(change)
    assert statuses[check] == status
    assert words in reasons
    assert verdict == ("not for decisions" if status == "fail" else "usable with care")
    # nothing else is said; where a source is missing, every check that reads it says so
    of_one_check = planted not in ("no terms at all", "nothing held out", "no figures in sample")
    assert ({c for c, s in statuses.items() if s != "pass"} == {check}) == of_one_check


def test_every_check_has_been_planted():
    missing = {"missing_weeks", "overrides"}  # below, from the client's own tables
    assert {check for _, (check, *_) in PLANTED.values()} | missing == {
        *("convergence", "skill", "coverage", "negative_baseline", "plausibility", "evidence"),
        *("stability", "autocorrelation", "history", "missing_weeks", "rows_per_column"),
        "overrides",
    }


def test_missing_weeks(judge):
    outcomes = [row for k, row in enumerate(tiny.tables()["outcomes"]) if k % 8 != 3]
    verdict, reasons, statuses = judge(outcomes=outcomes)
    assert statuses["missing_weeks"] == "care"
    assert "13% of the outcomes (weeks x geos) are missing" in reasons
    assert verdict == "usable with care"


def test_what_was_accepted_is_said(judge, chain):
    judge()
    publication = chain.relation["int_mixloop__publication"]
    chain.connection.execute(f"update {publication} set overrides = 'gap accepted by the CFO'")
    frames = {name: rows(SCHEMAS[name], *part) for name, part in sound().items()}
    chain.run(["mixloop__model_health"], given=frames, without=["int_mixloop__publication"])
    assert chain.read("select verdict, reasons, overrides from {mixloop__model_health}") == [
        (
            "usable with care",
            "built although a check failed: gap accepted by the CFO",
            "gap accepted by the CFO",
        )
    ]


def test_the_worst_comes_first(judge):
    def change(given):
        for one in ("few rows", "no skill", "a short history", "not converged"):
            PLANTED[one][0](given)

    verdict, reasons, _ = judge(change)
    assert verdict == "not for decisions"
    words = ("not converged", "forecasts of", "short history", "rows of data")
    assert [reasons.index(w) for w in words] == sorted(reasons.index(w) for w in words)


def test_a_fit_that_explains_little_is_no_reason(judge):
    verdict, *_ = judge(scores("in_sample", r2=0.05, rssd_p50=1.2, nrmse=0.4, mape=0.5))
    assert verdict == "sound"


@pytest.mark.parametrize(
    ("over", "words", "position"),
    [
        ({"roi": (31.0, 40.0, 60.0)}, "returns 40 for each unit of money (31 to 60), more than 30",
         "above"),
        ({"roi": (0.0, 0.01, 0.02)}, "less than 0.075, the least", "below"),
        ({"spend": 5.0, "effect": (0.1, 0.4, 0.5)},
         "has 40.0% of the effect with 5.0% of the money, 8.0 times its share", "inside"),
        ({"kpi": (0.2, 0.55, 0.7)}, "explains 55% of the whole KPI (20 to 70%)", "inside"),
    ],
)  # fmt: skip
def test_what_is_hard_to_believe(judge, chain, over, words, position):
    judge(paid("tv", **({"spend": 60.0} | over)))
    found = {
        row[0]: row[1:]
        for row in chain.read(
            "select channel_id, is_plausible, reason, roi_position "
            "from {mixloop__channel_plausibility}"
        )
    }
    assert found["search"] == (True, None, "inside")
    is_plausible, reason, place = found["tv"]
    assert not is_plausible
    assert words in reason
    assert place == position


def test_the_clients_view_of_a_return_goes_before_the_default(chain):
    believed = [{"channel_id": "tv", "roi_low": "0.5", "roi_high": "1.8"}]
    frames = {name: rows(SCHEMAS[name], *part) for name, part in sound().items()}
    chain.run(["mixloop__channel_plausibility"], inputs(channel_priors=believed), given=frames)
    found = chain.read(
        "select channel_id, plausible_source, plausible_roi_low, plausible_roi_high, roi_position, "
        "reason from {mixloop__channel_plausibility} order by channel_id desc"
    )
    assert found == [
        ("tv", "client", 0.5, 1.8, "above",
         "returns 2 for each unit of money (1 to 3), more than 1.8, the most that the client "
         "believes"),
        ("search", "default", pytest.approx(0.075), 30.0, "inside", None),
    ]  # fmt: skip


def test_a_channel_without_spend_is_not_judged_by_its_return(judge, chain):
    nothing = dict.fromkeys([f"roi_{part}" for part in RANGE]) | {"spend": 0.0}
    judge(put(PERFORMANCE, nothing | {"share_of_spend": 0.0}, node_id="tv"))
    found = chain.read(
        "select roi_position, effect_over_spend, is_plausible from "
        "{mixloop__channel_plausibility} where channel_id = 'tv'"
    )
    assert found == [(None, None, True)]


SELECTION = "int_mixloop__variable_selection"
FEASIBILITY = "int_mixloop__feasibility"


@pytest.fixture
def selected(judge, chain):
    """Build the keep/drop table after `change`; return its rows by variable."""

    def build(change=None, **tables):
        given = sound()
        if change is not None:
            change(given)
        frames = {name: rows(SCHEMAS[name], *part) for name, part in given.items()}
        chain.run(["mixloop__variable_selection"], inputs(**tables), given=frames)
        return {
            name: found
            for name, *found in chain.read(
                "select variable_id, status, recommendation, reason "
                "from {mixloop__variable_selection}"
            )
        }

    return build


def test_what_is_kept(selected):
    found = selected()
    assert found == {
        "tv": ["kept", "keep", "moves 10% of the KPI (5 to 15%)"],
        "search": ["kept", "keep", "moves 10% of the KPI (5 to 15%)"],
        "context:price": ["kept", "keep", "moves 10% of the KPI (5 to 15%)"],
    }


@pytest.mark.parametrize(
    ("name", "relation", "values", "recommendation", "words"),
    [
        ("tv", SELECTION, {"p_material": 0.3}, "could be dropped",
         "moves less than 0.5% of the KPI with probability 0.70"),
        ("tv", SELECTION, {"p_material": 0.7}, "test",
         "may well move nothing (more than 0.5% with probability 0.70)"),
        ("tv", FEASIBILITY, {"vif": 23.0}, "test",
         "moves with search (variance inflation 23), so the two are hard to tell apart"),
        ("tv", "int_mixloop__priors", {"overlap": 0.9}, "test", "what was believed before"),
        ("context:price", SELECTION, {"p_positive": 0.6}, "could be dropped",
         "do not say whether it raises or lowers the KPI (raises with probability 0.60)"),
        ("context:price", SELECTION, {"p_material": 0.7}, "keep", "moves 10% of the KPI"),
        ("tv", SELECTION, {"p_material": None}, None, "not judged"),
    ],
)  # fmt: skip
def test_recommendations(selected, name, relation, values, recommendation, words):
    key = {FEASIBILITY: "node_id", SELECTION: "variable_id"}.get(relation, "channel_id")
    status, found, reason = selected(put(relation, values, **{key: name}))[name]
    assert (status, found) == ("kept", recommendation)
    assert words in reason


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("no_exposure", "no media in the training weeks"),
        ("never_varies", "never varies"),
        ("too_short", "less than a year of history"),
    ],
)
def test_what_was_dropped_says_why(selected, why, words):
    nothing = dict.fromkeys([f"share_of_kpi_{part}" for part in RANGE]) | {"p_material": None}
    change = put(SELECTION, nothing | {"is_fitted": False, "drop_reason": why}, variable_id="tv")
    status, recommendation, reason = selected(change)["tv"]
    assert (status, recommendation) == ("dropped", None)
    assert words in reason


def test_a_channel_that_never_ran_is_listed_once(selected):
    def change(given):
        given[FEASIBILITY].append({"node_id": "social", "node_role": "modelled", "active_weeks": 0})

    found = selected(change)
    assert found["social"] == ["dropped", None, "no media in the training weeks"]
    assert len(found) == 4


def test_a_declared_sign_leaves_no_doubt_about_the_direction(selected):
    declared = [{"variable": "price", "expected_sign": "-"}]
    change = put(SELECTION, {"p_positive": 0.4}, variable_id="context:price")
    assert selected(change)["context:price"][1] == "could be dropped"
    assert selected(change, context_variables=declared)["context:price"][1] == "keep"


def test_the_client_keeps_a_channel(selected):
    answer = {"model_id": "m", "channel_id": "tv", "answer": "model", "answered_by": "CMO",
              "answered_on": "2025-01-01", "reason": "we must know"}  # fmt: skip
    change = put(FEASIBILITY, {"verdict": "pool", "vif": 40.0}, node_id="tv")
    status, recommendation, reason = selected(change, feasibility_answers=[answer])["tv"]
    assert (status, recommendation) == ("kept by client", "test")
    assert "modelled on its own because CMO wants it: we must know" in reason
