"""Scores of forecast backtests against numpy, row by row; decision backtests; recommendations."""

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas
from mixloop.backtest import METHODS

RANGE = ("mean", "p05", "p50", "p95")
FIRST = date(2024, 6, 3)
HORIZONS = [("week_1", "week", 1), ("week_4", "week", 4), ("week_13", "week", 13)]
HORIZONS += [("sum_4", "sum", 4), ("sum_13", "sum", 13)]


@pytest.fixture(scope="module")
def chain(project_root):
    found = Chain(compile_project(project_root))
    tables = tiny.tables()
    found.run([], {n: pl.DataFrame(rows, infer_schema_length=None) for n, rows in tables.items()})
    return found


def backtests(seed=3):
    """Three origins of two models, five methods, some weeks and ranges missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for model in ("m", "n"):
        for origin in range(3):
            known = FIRST + timedelta(weeks=6 * origin)
            spans = [("week", h) for h in range(1, 14)] + [("sum", 4), ("sum", 13)]
            for measure, h in spans:
                actual = 0.0 if (origin, h) == (1, 4) else float(rng.normal(100.0, 20.0) * h)
                for method in METHODS:
                    if method == "seasonal_naive" and h == 13 and origin == 2:
                        continue
                    forecast = float(rng.normal(100.0, 20.0) * h)
                    inside = [bool(rng.random() < share) for share in (0.5, 0.8, 0.9)]
                    rows.append(
                        dict.fromkeys(schemas.BACKTESTS)
                        | {
                            "run_id": f"{model}{origin}",
                            "model_id": model,
                            "origin_week": known,
                            "method": method,
                            "measure": measure,
                            "week": known + timedelta(weeks=h),
                            "horizon_weeks": h,
                            "actual": actual,
                            "forecast_mean": forecast,
                            "absolute_error": abs(actual - forecast),
                            "crps": abs(actual - forecast) * 0.7,
                        }
                        | (
                            dict(
                                zip((f"is_in_{s}_range" for s in (50, 80, 90)), inside, strict=True)
                            )
                            if method != "ridge"
                            else {}
                        )
                    )
    return pl.DataFrame(rows, schema=schemas.BACKTESTS)


def expected(rows, method, keep):
    """Return the scores of a method over some rows, in the order the test reads them."""
    at = {(r["run_id"], r["measure"], r["week"]): {} for r in rows}
    for r in rows:
        at[r["run_id"], r["measure"], r["week"]][r["method"]] = r
    own = [r for r in rows if r["method"] == method and keep(r)]
    actual = np.array([r["actual"] for r in own])
    error = np.array([r["forecast_mean"] for r in own]) - actual
    nonzero = actual != 0
    skills = []
    for naive in ("seasonal_naive", "drift", "last_value"):
        pairs = [(r, at[r["run_id"], r["measure"], r["week"]].get(naive)) for r in own]
        pairs = [(r["crps"], other["crps"]) for r, other in pairs if other]
        ours, theirs = np.sum(pairs, axis=0)
        skills.append(1 - ours / theirs)
    inside = [
        None if method == "ridge" else np.mean([r[f"is_in_{s}_range"] for r in own])
        for s in (50, 80, 90)
    ]
    return [
        len({r["run_id"] for r in own}),
        len(own),
        np.mean(np.abs(error[nonzero]) / actual[nonzero]),
        np.abs(error).sum() / actual.sum(),
        error.sum() / actual.sum(),
        sum(r["crps"] for r in own) / actual.sum(),
        *inside,
        *skills,
    ]


def test_scores_by_horizon_are_those_of_their_rows(chain):
    frame = backtests()
    runs = pl.DataFrame(
        [{"run_id": f"live_{m}", "model_id": m, "run_kind": "live"} for m in ("m", "n")]
        + [{"run_id": "m0", "model_id": "m", "run_kind": "backtest"}],
        schema=schemas.CURRENT_RUNS,
    )
    given = {"int_mixloop__backtests": frame, "int_mixloop__current_runs": runs}
    chain.run(["mixloop__backtest_scores"], given=given)
    found = chain.read(
        """select run_id, method, horizon, n_origins, n_values, mape, wmape, bias, crps,
        coverage_50, coverage_80, coverage_90,
        skill_seasonal_naive, skill_drift, skill_last_value
        from {mixloop__backtest_scores}"""
    )
    assert len(found) == 2 * len(METHODS) * 6
    scores = {row[:3]: row[3:] for row in found}
    for model in ("m", "n"):
        rows = frame.filter(pl.col("model_id") == model).to_dicts()
        for method in METHODS:
            for horizon, measure, h in [*HORIZONS, ("all_weeks", "week", None)]:

                def keep(r, measure=measure, h=h):
                    return r["measure"] == measure and h in (None, r["horizon_weeks"])

                wanted = expected(rows, method, keep)
                ours = scores[f"live_{model}", method, horizon]
                for a, b in zip(ours, wanted, strict=True):
                    assert (a is None and b is None) or a == pytest.approx(b), (method, horizon)


def test_without_a_live_run_there_are_no_scores(chain):
    given = {"int_mixloop__backtests": backtests()}
    chain.run(["mixloop__backtest_scores"], given=given)
    assert chain.read("select * from {mixloop__backtest_scores}") == []


# --- decision backtests and recommendations ------------------------------------------------------


def hindsight(**over):
    """One decision backtest as the Python model returns it."""
    names = ("expected_gain", "gain", "gain_in_window", "kpi_if_followed")
    ranges = {
        f"{n}_{p}": v for n in names for p, v in zip(RANGE, (12.0, -3.0, 12.5, 28.0), strict=True)
    }
    return dict.fromkeys(schemas.DECISION_BACKTESTS) | ranges | {
        "run_id": "b", "newest_run_id": "r", "model_id": "m", "origin_week": FIRST,
        "first_week": FIRST + timedelta(weeks=1), "last_week": FIRST + timedelta(weeks=13),
        "n_weeks": 13, "budget": 1000.0, "moved_spend": 80.0, "n_moved": 2, "more_for": "tv",
        "less_for": "search, radio", "budget_then": 900.0, "p_gain": 0.93, "actual_kpi": 600.0,
    } | over  # fmt: skip


def test_a_decision_backtest_in_one_sentence(chain):
    later = [FIRST + timedelta(weeks=6 * i) for i in range(1, 5)]
    rows = [
        hindsight(),
        hindsight(origin_week=later[0], p_gain=0.1),
        hindsight(origin_week=later[1], p_gain=0.5, actual_kpi=None, less_for=None),
        hindsight(origin_week=later[2], n_moved=0, p_gain=None, more_for=None, less_for=None),
    ]
    frame = pl.DataFrame(rows, schema=schemas.DECISION_BACKTESTS)
    chain.run(["mixloop__decision_backtests"], given={"int_mixloop__decision_backtests": frame})
    found = chain.read(
        "select answer, gain_share_p05, sentence from {mixloop__decision_backtests} "
        "order by origin_week"
    )
    assert [row[0] for row in found] == ["ahead", "behind", "not sure", "nothing moved"]
    assert [row[1] for row in found] == [pytest.approx(-0.005)] * 2 + [None, pytest.approx(-0.005)]
    assert found[0][2] == (
        "Had the advice of 2024-06-03 been followed in the 13 weeks to 2024-09-02: more for tv, "
        "less for search, radio. At the same budget, +2.00% of the KPI (-0.50% to +4.67%), says "
        "the newest model: ahead with probability 0.93."
    )
    assert ": more for tv. At the same budget, 12 of the KPI more (-3 to 28), says" in found[2][2]
    assert found[3][2] == f"The advice of {later[2]} was to leave the money where it was."


def advice(channel, **over):
    ranges = {f"{n}_{p}": 1.5 for n in ("effect_now", "effect_change", "gain") for p in RANGE}
    return dict.fromkeys(schemas.RECOMMENDATIONS) | ranges | {
        "run_id": "r", "model_id": "m", "plan_id": "base", "plan_source": "client",
        "as_of_week": FIRST, "first_week": FIRST, "last_week": FIRST, "channel_id": channel,
        "spend_now": 100.0, "spend_recommended": 110.0, "spend_low": 80.0, "spend_high": 120.0,
        "p_better": 0.75, "n_moved": 2,
    } | over  # fmt: skip


def test_a_recommendation_is_one_record_of_the_ledger(chain):
    rows = [advice("tv"), advice("search", spend_recommended=90.0)]
    frame = pl.DataFrame(rows, schema=schemas.RECOMMENDATIONS)
    texts = []
    for order in (frame, frame.reverse()):
        chain.run(
            ["int_mixloop__recommendation_records"], given={"int_mixloop__recommendations": order}
        )
        ((kind, record, run, content),) = chain.read(
            "select record_kind, record_id, run_id, content "
            "from {int_mixloop__recommendation_records}"
        )
        assert (kind, record, run) == ("recommendation", "r/base", "r")
        texts.append(content)
    assert texts[0] == texts[1]
    said = json.loads(texts[0])
    assert list(said) == sorted(said)
    assert (said["p_better"], said["gain_mean"], said["plan_source"]) == ("0.750", "1.50", "client")
    assert [row[:3] for row in said["rows"]] == [
        ["search", "100.00", "90.00"],
        ["tv", "100.00", "110.00"],
    ]
    assert len(said["rows"][0]) == len(said["columns"].split(", "))
