"""The scores of forecast backtests, against the same scores worked out row by row in numpy."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop import schemas
from mixloop.backtest import METHODS

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
