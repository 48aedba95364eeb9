"""Which runs are judged, what counts as a miss, and the verdict, each by hand."""

from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse.by_hand import rows_of

WEEK = date(2025, 1, 6)
NOTHING = "select cast(null as varchar) as overrides"


def week(index):
    return WEEK + timedelta(weeks=index)


def terms(run, last, *, model="m", kind="live", converged=True):
    """Posterior rows of a run with two geos: errors that carry on by 0.2 and 0.6 on average."""
    return [
        {"run_id": run, "model_id": model, "run_kind": kind, "as_of_week": week(last),
         "first_training_week": week(last - 100), "carryover_weeks": 12,
         "is_converged": converged, "geo": geo, "term_id": "noise:rho", "kpi_scale": scale,
         "coefficient": rho}
        for geo, scale, rho in (("a", 300.0, [0.1, 0.3]), ("b", 100.0, [0.6, 0.6]))
    ]  # fmt: skip


def judged(manifest, runs, published, current, last_known=0):
    return rows_of(
        manifest,
        "int_mixloop__judged_runs",
        {
            "int_mixloop__models": pl.DataFrame(
                {"model_id": ["m"], "last_training_week": [week(last_known)]}
            ),
            "int_mixloop__posterior": pl.DataFrame([row for run in runs for row in run]),
            "int_mixloop__published_forecasts": pl.DataFrame({"run_id": published}),
            "int_mixloop__current_runs": pl.DataFrame(
                {"run_id": current, "run_kind": ["live"] * len(current)}
            ),
        },
    )


def test_judged_runs_are_those_on_record_newest_first(manifest):
    runs = [terms(f"r{i:02}", -13 * i) for i in range(8)]
    runs += [
        terms("twin", -13),  # another run of one week, fitted to other data
        terms("before", -26, kind="backtest"),
        terms("unpublished", -39),
        terms("later", 13),  # from a build that knew more
        terms("ancient", -200),
        terms("foreign", 0, model="gone"),
    ]
    published = [run[0]["run_id"] for run in runs if run[0]["run_id"] != "unpublished"]
    found = judged(manifest, runs, published, ["r00", "twin"])
    by_run = {row["run_id"]: row for row in found}
    order = sorted(by_run, key=lambda run: by_run[run]["run_number"])
    assert order == ["r00", "twin", "r02", "r03", "r04", "r05", "r06", "r07"]
    assert [by_run[run]["is_judged"] for run in order] == [True] * 5 + [False] * 3
    assert by_run["twin"]["is_current"]
    assert by_run["r00"]["rho"] == pytest.approx((300 * 0.2 + 100 * 0.6) / 400)


def test_today_s_run_is_judged_without_a_forecast(manifest):
    (found,) = judged(manifest, [terms("r", 0)], pl.Series([], dtype=pl.String), ["r"])
    assert found["is_judged"]
    assert found["run_number"] == 1


def test_kernels_are_counted_once_for_all_geos(manifest):
    rows = [
        {"run_id": run, "component_id": "tv", "term_type": "channel", "geo": geo,
         "kernel": ["geometric", "geometric", "delayed"], "decay": [0.5, 0.5, 0.5]}
        for run in ("r", "not judged") for geo in ("b", "a")
    ]  # fmt: skip
    found = rows_of(
        manifest,
        "int_mixloop__run_kernels",
        {
            "int_mixloop__judged_runs": pl.DataFrame({"run_id": ["r"]}),
            "int_mixloop__posterior": pl.DataFrame(rows),
        },
    )
    assert sorted((r["kernel"], r["decay"], r["n_draws"]) for r in found) == [
        ("delayed", 0.5, 1),
        ("geometric", 0.5, 2),
    ]


def test_misses_are_weeks_of_all_geos_once(manifest):
    keys = ("run_id", "plan_id", "geo", "period_type", "week", "driver_type", "cause")
    rows = [
        ("r", "b", "all", "week", week(-2), "unexplained", "unexplained", 7.0),
        ("r", "a", "all", "week", week(-2), "unexplained", "unexplained", 7.0),
        ("r", "a", "north", "week", week(-2), "unexplained", "unexplained", 1.0),
        ("r", "a", "all", "week", week(-2), "total", "total", 2.0),
        ("r", "a", "all", "month", None, "unexplained", "unexplained", 3.0),
        ("r", "a", "all", "week", week(5), "unexplained", "unexplained", 4.0),  # not known yet
        ("x", "a", "all", "week", week(-2), "unexplained", "unexplained", 5.0),
    ]
    found = rows_of(
        manifest,
        "int_mixloop__run_misses",
        {
            "int_mixloop__judged_runs": pl.DataFrame(
                {"run_id": ["r"], "last_known_week": [week(0)]}
            ),
            "int_mixloop__forecast_variance": pl.DataFrame(
                rows, schema=[*keys, "variance_mean"], orient="row"
            ),
        },
    )
    assert found == [{"run_id": "r", "week": week(-2), "miss": 7.0}]


def test_measured_misses_count_once_and_in_the_channel_s_direction(manifest):
    decisions = pl.DataFrame(
        [
            # a cut that cost more than predicted: the channel does more than expected
            {"decision_id": "cut", "end_week": week(-60), "spend_from": 100.0, "spend_to": 50.0,
             "variance_effect": -30.0},
            {"decision_id": "raise", "end_week": week(-60), "spend_from": 50.0, "spend_to": 90.0,
             "variance_effect": -30.0},
            {"decision_id": "recent", "end_week": week(-2), "spend_from": 50.0, "spend_to": 90.0,
             "variance_effect": -30.0},  # its weeks are misses already
            {"decision_id": "tested", "end_week": week(-60), "spend_from": 50.0, "spend_to": 90.0,
             "variance_effect": -30.0, "measured_by": "experiment"},
            {"decision_id": "unknown", "end_week": week(-60), "spend_from": 50.0,
             "spend_to": 90.0, "variance_effect": None},
        ]
    ).with_columns(
        pl.lit("m").alias("model_id"), pl.lit("tv").alias("channel_id"),
        pl.lit("itself").alias("role"), pl.lit("named").alias("prediction_basis"),
        pl.col("measured_by").fill_null("later_model"),
    )  # fmt: skip
    effects = pl.DataFrame(
        [
            {"evidence_id": "up", "source": "experiment", "run_id": "r", "lift": 10.0,
             "effect_before_mean": 30.0, "spend_actual": 9.0, "spend_counterfactual": 5.0},
            {"evidence_id": "holdout", "source": "experiment", "run_id": "r", "lift": -10.0,
             "effect_before_mean": -30.0, "spend_actual": 0.0, "spend_counterfactual": 5.0},
            {"evidence_id": "belief", "source": "roi_belief", "run_id": "r", "lift": 1.0,
             "effect_before_mean": 3.0, "spend_actual": 0.0, "spend_counterfactual": 5.0},
        ]
    ).with_columns(
        pl.lit("m").alias("model_id"), pl.lit("tv").alias("channel_id"),
        pl.lit(week(-20) + timedelta(days=6)).alias("end_week"),
    )  # fmt: skip
    found = rows_of(
        manifest,
        "int_mixloop__logged_misses",
        {
            "int_mixloop__evidence_effects": effects,
            "int_mixloop__current_runs": pl.DataFrame({"run_id": ["r"], "run_kind": ["live"]}),
            "mixloop__decision_outcomes": decisions,
            "int_mixloop__run_misses": pl.DataFrame({"run_id": ["r"], "week": [week(-2)]}),
            "int_mixloop__judged_runs": pl.DataFrame({"run_id": ["r"], "model_id": ["m"]}),
        },
    )
    assert {row["record_id"]: row["miss"] for row in found} == {
        "up": -20.0,
        "holdout": -20.0,
        "cut": 30.0,
        "raise": -30.0,
    }
    assert {row["week"] for row in found if row["source"] == "experiment"} == {week(-20)}


def sign(run, signal, is_triggered, *, channel="tv", measured=2.0):
    return {"run_id": run, "channel_id": channel, "signal": signal, "measured": measured,
            "threshold": 1.25, "is_triggered": is_triggered,
            "sentence": f"{signal} of {channel}",
            "remedy": f"mend {signal}" if is_triggered else None}  # fmt: skip


def test_the_worst_that_is_true_is_the_verdict(manifest):
    signs = {
        "fresh": [sign("fresh", "age", False)],
        "stale": [sign("stale", "age", True), sign("stale", "misses", False)],
        "biased": [sign("biased", "age", True), sign("biased", "misses", True)],
        "far": [
            sign("far", "misses", True),
            sign("far", "spend_range", True, measured=2.0),
            sign("far", "spend_range", True, channel="web", measured=3.0),
            sign("far", "budget_range", True, channel="total", measured=1.5),
        ],
        "doubtful": [sign("doubtful", "spend_range", True)],
        "raw": [sign("raw", "age", False)],
    }
    runs = pl.DataFrame(
        [
            {"run_id": run, "model_id": "m", "run_kind": "live", "as_of_week": week(-13 * i),
             "last_known_week": week(0), "is_converged": run != "raw", "is_current": i == 0,
             "run_number": i + 1, "is_judged": run != "past"}
            for i, run in enumerate([*signs, "empty", "past"])
        ]
    )  # fmt: skip
    found = rows_of(
        manifest,
        "mixloop__freshness",
        {
            "int_mixloop__judged_runs": runs,
            "mixloop__staleness": pl.DataFrame([row for rows in signs.values() for row in rows]),
            "mixloop__model_health": pl.DataFrame(
                {"run_id": ["doubtful", "stale"], "reasons": ["no skill", "short history"],
                 "verdict": ["not for decisions", "usable with care"]}
            ),
            "int_mixloop__publication": NOTHING,
        },
    )  # fmt: skip
    verdicts = {row["run_id"]: (row["verdict"], row["cause"], row["remedy"]) for row in found}
    assert verdicts["fresh"] == ("fresh", None, None)
    assert verdicts["stale"] == ("stale", "age of tv", "mend age")
    assert verdicts["biased"] == ("biased", "misses of tv", "mend misses")
    # the total comes first, then what is furthest out
    assert verdicts["far"] == (
        "out_of_range",
        "budget_range of total; spend_range of web; spend_range of tv",
        "mend budget_range",
    )
    assert verdicts["doubtful"][:2] == ("broken", "no skill")
    assert verdicts["raw"][:2] == ("broken", "the fit has not converged")
    assert verdicts["empty"][0] == "broken"
    assert "past" not in verdicts
    weeks = {row["run_id"]: row["weeks_since_training"] for row in found}
    assert (weeks["fresh"], weeks["stale"]) == (0, 13)
