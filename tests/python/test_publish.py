from datetime import timedelta

import numpy as np
import planted
import polars as pl
import pytest

from mixloop import publish
from mixloop.backtest import METHODS, _of_normal, backtest_rows, in_sample_rows, score_rows
from mixloop.bridge import table
from mixloop.planning import tables as planning
from mixloop.posterior import posterior_to_frame
from mixloop.schemas import (
    BACKTESTS,
    CONSISTENCY,
    CONTRIBUTIONS,
    CURVES,
    DECISION_BACKTESTS,
    FORECASTS,
    PERFORMANCE,
    POSTERIOR,
    RECOMMENDATIONS,
    SCORES,
    SELECTION,
    SPECIFICATIONS,
    VARIANCE,
    conform,
    empty,
)
from mixloop.scores import crps_normal

N_WEEKS = 70
LAST = planted.weeks(N_WEEKS)[-1].item()
ORIGIN = LAST - timedelta(weeks=5)


def ledger(run, run_id, *, kind="live", last=LAST, code="code", seed=7):
    """A run's posterior as rows of the append-only table."""
    run = planted.replace(run, run_id=run_id, run_kind=kind, last_week=np.datetime64(last))
    frame = posterior_to_frame(run).with_columns(
        pl.lit(seed).alias("seed"), pl.lit(code).alias("code_hash")
    )
    missing = [pl.lit(None).alias(name) for name in POSTERIOR if name not in frame.columns]
    return conform(frame.with_columns(missing), POSTERIOR)


def long(panel, values, names, columns, keep):
    """Rows geo x week x name from (J, T, N) arrays."""
    weeks = panel.weeks.astype(object)
    rows = [
        ("m", geo, weeks[t], name, *(float(v[j, t, n]) for v in values))
        for j, geo in enumerate(panel.geos)
        for t in np.flatnonzero(keep)
        for n, name in enumerate(names)
    ]
    kinds = [pl.String, pl.String, pl.Date, pl.String, *[pl.Float64] * len(values)]
    schema = dict(zip(["model_id", "geo", "week", *columns], kinds, strict=True))
    return pl.DataFrame(rows, schema=schema, orient="row")


@pytest.fixture(scope="module")
def tables():
    """The warehouse's frames of one model: a live run, an older one, a backtest, two plans."""
    run, panel = planted.world(n_weeks=N_WEEKS)
    every = np.full(len(panel.weeks), True)
    training = panel.weeks >= run.first_week
    media = long(
        panel, [panel.spend, panel.exposure], panel.channels,
        ["channel_id", "spend", "exposure"], every,
    )  # fmt: skip
    drivers = long(panel, [panel.driver_values], panel.drivers, ["driver_id", "value"], training)
    outcomes = long(panel, [panel.outcome[:, :, None]], ["x"], ["x", "outcome"], training)
    plans = []
    for as_of, plan_id, source in ((LAST, "b", "client"), (LAST, "a", "assumed"),
                                   (ORIGIN, "a", "assumed")):  # fmt: skip
        for geo in panel.geos:
            for h in (1, 2, 3):
                week = as_of + timedelta(weeks=h)
                keys = ("m", plan_id, as_of, geo, week, source)
                plans += [(*keys, "channel", c, 12.0 + h, 12.0 + h) for c in panel.channels]
                plans.append((*keys, "context", "context:price", 10.0, None))
    return {
        "posterior": pl.concat(
            [
                ledger(run, "older", last=LAST - timedelta(weeks=1)),
                ledger(run, "replaced"),
                ledger(run, "back_replaced", kind="backtest", last=ORIGIN),
                ledger(run, "back", kind="backtest", last=ORIGIN),
                ledger(run, "back_other_code", kind="backtest", last=ORIGIN, code="old"),
                ledger(run, "live"),
            ]
        ),
        "models": pl.DataFrame(
            {"model_id": ["m"], "last_training_week": [LAST], "hurdle_roi": [1.0]}
        ),
        "outcomes": outcomes.drop("x"),
        "media": media,
        "drivers": drivers,
        "nodes": planted.nodes([(f"c{c}", f"c{c}") for c in range(4)] + [("top", "c0")]),
        "plans": pl.DataFrame(
            plans,
            schema={
                "model_id": pl.String, "plan_id": pl.String, "as_of_week": pl.Date,
                "geo": pl.String, "week": pl.Date, "plan_source": pl.String,
                "item_type": pl.String, "item_id": pl.String, "planned_value": pl.Float64,
                "planned_spend": pl.Float64,
            },
            orient="row",
        ),
    }  # fmt: skip


def take(tables, *names, **over):
    history = ("posterior", "models", "outcomes", "media", "drivers")
    return {name: tables[name] for name in (*history, *names)} | over


def without_models(inputs):
    return {name: frame for name, frame in inputs.items() if name != "models"}


def test_the_last_appended_run_of_the_newest_week_is_current(tables):
    assert publish.current_runs(tables["posterior"], tables["models"]) == ["live"]
    earlier = tables["models"].with_columns(last_training_week=LAST - timedelta(weeks=1))
    assert publish.current_runs(tables["posterior"], earlier) == ["older"]


def test_backtests_share_the_live_runs_window_and_code(tables):
    assert publish.backtest_runs(tables["posterior"], tables["models"]) == ["back"]


def test_contributions_of_the_current_run(tables):
    frame = publish.contributions_table(**take(tables, "nodes"))
    assert frame.schema == CONTRIBUTIONS
    assert frame["run_id"].unique().to_list() == ["live"]
    kpi = frame.filter((pl.col("component_id") == "kpi") & (pl.col("geo") == "all"))
    weekly = tables["outcomes"].group_by("week").agg(pl.col("outcome").sum())
    both = kpi.join(weekly, on="week")
    assert len(both) == N_WEEKS
    np.testing.assert_allclose(both["contribution_mean"], both["outcome"])


def test_drivers_are_controllable_where_the_warehouse_says_so(tables):
    ours = pl.lit("m").alias("model_id"), pl.lit(True).alias("is_controllable")
    theirs = pl.lit("another").alias("model_id"), pl.lit(True).alias("is_controllable")
    for columns, expected in ((ours, ["context:price"]), (theirs, [])):
        marked = tables["drivers"].with_columns(columns)
        drivers = pl.concat([tables["drivers"].with_columns(is_controllable=False), marked])
        history = take(tables, "nodes", drivers=tables["drivers"])
        controllable = publish._controllable(drivers, planted.world(n_weeks=N_WEEKS)[0])
        assert sorted(controllable) == expected
    plain = publish.contributions_table(**history)
    flagged = tables["drivers"].with_columns(is_controllable=pl.lit(True))
    frame = publish.contributions_table(**history | {"drivers": flagged})
    changed = frame.filter(pl.col("is_controllable") != plain["is_controllable"])
    assert changed["component_id"].unique().to_list() == ["context:price"]


def test_performance_and_curves_of_the_current_run(tables):
    frame = publish.performance_table(**take(tables, "nodes"))
    assert frame.schema == PERFORMANCE
    assert frame.select("period_id", "node_id").is_duplicated().sum() == 0
    paid = frame.filter((pl.col("period_id") == "training") & (pl.col("node_id") == "c1"))
    week = pl.col("week") >= planted.FIRST.item()
    spend = tables["media"].filter((pl.col("channel_id") == "c1") & week)["spend"].sum()
    np.testing.assert_allclose(paid["spend"], [spend])
    curves = publish.curves_table(**take(tables, "plans", points=5))
    assert curves.schema == CURVES
    assert len(curves) == 4 * 5
    # three geos at 13, 14 and 15: 42 a week on average
    assert curves["planned_weekly_exposure"].unique().to_list() == [42.0]


@pytest.fixture(scope="module")
def forecasts(tables):
    return publish.forecasts_table(**take(tables, "plans", "nodes"))


def test_forecasts_of_live_and_backtest_runs(tables, forecasts):
    assert forecasts.schema == FORECASTS
    keys = ["run_id", "forecast_kind", "plan_id", "plan_source", "as_of_week"]
    assert sorted(forecasts.select(keys).unique().rows()) == [
        ("back", "backtest", "a", "assumed", ORIGIN),
        ("live", "live", "a", "assumed", LAST),
        ("live", "live", "b", "client", LAST),
    ]
    grain = ["run_id", "plan_id", "geo", "week", "component_id"]
    assert forecasts.select(grain).is_duplicated().sum() == 0
    assert forecasts["forecast_p50"].null_count() == 0


def test_forecasts_do_not_depend_on_the_order_of_rows_or_plans(tables, forecasts):
    shuffled = tables["plans"].sample(fraction=1.0, shuffle=True, seed=3)
    only = shuffled.filter((pl.col("plan_id") == "b") & (pl.col("as_of_week") == LAST))
    again = publish.forecasts_table(**take(tables, "nodes", plans=only))
    expected = forecasts.filter(pl.col("plan_id") == "b")
    assert again.equals(expected)


def test_variance_of_the_weeks_that_have_come(tables, forecasts):
    inputs = without_models(take(tables, "nodes", forecasts=forecasts))
    frame = table.variance_table(**inputs)
    assert frame.schema == VARIANCE
    assert frame["run_id"].unique().to_list() == ["back"]  # the live plan's weeks are to come
    assert frame["week"].drop_nulls().n_unique() == 3
    weekly = frame.filter(period_type="week", geo="g0")
    total = weekly.filter(driver_id="total", cause="total").sort("week")
    kpi = forecasts.filter(
        (pl.col("run_id") == "back") & (pl.col("component_id") == "kpi") & (pl.col("geo") == "g0")
    ).sort("week")
    actual = kpi.join(tables["outcomes"], on=["geo", "week"]).sort("week")["outcome"]
    np.testing.assert_allclose(total["variance_mean"], actual - kpi["forecast_mean"])
    tidy = inputs | {"forecasts": forecasts.with_columns(issued=pl.lit("x")).reverse()}
    assert table.variance_table(**tidy).equals(frame)


def test_a_published_forecast_without_draws_is_an_error(tables, forecasts):
    lost = tables["posterior"].filter(pl.col("run_id") != "back")
    inputs = without_models(take(tables, "nodes", forecasts=forecasts, posterior=lost))
    with pytest.raises(ValueError, match=r"back.*restore"):
        table.variance_table(**inputs)


def test_backtests_of_five_methods(tables):
    both = publish.backtests_table(**take(tables))
    assert both.schema == BACKTESTS
    sums = both.filter(pl.col("measure") == "sum")
    assert sums.select("horizon_weeks", "week").unique().rows() == [(4, LAST - timedelta(weeks=1))]
    frame = both.filter(pl.col("measure") == "week")
    counts = dict(frame.group_by("method").len().rows())
    assert counts == dict.fromkeys(METHODS, 5)
    first_four = frame.filter(pl.col("horizon_weeks") <= 4).group_by("method")
    added = first_four.agg(pl.col("actual", "forecast_mean").sum()).sort("method")
    for name in ("actual", "forecast_mean"):
        np.testing.assert_allclose(sums.sort("method")[name], added[name])
    assert frame["origin_week"].unique().to_list() == [ORIGIN]
    ours = frame.filter(pl.col("method") == "mixloop").sort("week")
    weekly = tables["outcomes"].group_by("week").agg(pl.col("outcome").sum()).sort("week")
    np.testing.assert_allclose(ours["actual"], weekly["outcome"][-5:])
    assert ours["horizon_weeks"].to_list() == [1, 2, 3, 4, 5]
    naive = frame.filter(pl.col("method") == "seasonal_naive").sort("week")
    np.testing.assert_allclose(naive["forecast_mean"], weekly["outcome"][-57:-52])
    assert naive["is_in_90_range"].null_count() == 0
    ridge = frame.filter(pl.col("method") == "ridge")
    assert ridge["is_in_90_range"].null_count() == ridge["forecast_p05"].null_count() == 5
    np.testing.assert_allclose(ridge["crps"], ridge["absolute_error"])
    short = publish.backtests_table(**take(tables), horizon_weeks=2)
    assert short["horizon_weeks"].max() == 2


def test_backtests_skip_a_week_that_one_geo_misses(tables):
    gap = LAST - timedelta(weeks=2)
    hole = (pl.col("geo") == "g1") & (pl.col("week") == gap)
    outcomes = tables["outcomes"].with_columns(outcome=pl.when(~hole).then("outcome"))
    frame = publish.backtests_table(**take(tables, outcomes=outcomes))
    assert gap not in frame["week"].to_list()
    assert frame["measure"].unique().to_list() == ["week"]  # the sum of four weeks is not known
    assert frame.filter(pl.col("method") == "mixloop")["horizon_weeks"].to_list() == [1, 2, 4, 5]


def test_scores_of_both_samples(tables):
    backtests = publish.backtests_table(**take(tables))
    frame = publish.scores_table(**take(tables, backtests=backtests))
    assert frame.schema == SCORES
    assert frame["run_id"].unique().to_list() == ["live"]
    weeks = {(m, s): n for m, s, n in frame.select("method", "sample", "n_weeks").rows()}
    assert weeks == {
        ("mixloop", "in_sample"): 70,
        ("ridge", "in_sample"): 70,
        ("seasonal_naive", "in_sample"): 18,
        ("drift", "in_sample"): 69,
        ("last_value", "in_sample"): 69,
        ("drift", "out_of_sample"): 5,
        ("last_value", "out_of_sample"): 5,
        ("mixloop", "out_of_sample"): 5,
        ("ridge", "out_of_sample"): 5,
        ("seasonal_naive", "out_of_sample"): 5,
    }
    naive = frame.filter(pl.col("method") == "seasonal_naive")
    np.testing.assert_allclose(naive["skill"], 0.0)
    assert frame.filter(pl.col("method") == "ridge")["coverage_90"].null_count() == 2


def with_facts(tables):
    nothing = '{"channels": ["radio"], "drivers": []}'
    return tables["posterior"].with_columns(dropped=pl.lit(nothing))


def test_variables_of_the_current_run(tables):
    inputs = take(tables, posterior=with_facts(tables))
    frame = publish.selection_table(**inputs, material_share=0.005)
    assert frame.schema == SELECTION
    assert frame["run_id"].unique().to_list() == ["live"]
    assert set(frame["variable_id"]) == {
        *(f"c{c}" for c in range(4)), "radio", "trend", "season", "context:price",
    }  # fmt: skip
    none = publish.selection_table(**inputs, material_share=9)
    assert none["p_material"].drop_nulls().unique().to_list() == [0.0]


def test_specifications_of_the_current_run_average_to_its_performance(tables):
    frame = publish.specifications_table(**take(tables))
    assert frame.schema == SPECIFICATIONS
    assert frame["run_id"].unique().to_list() == ["live"]
    performance = publish.performance_table(**take(tables, "nodes"))
    own = performance.filter((pl.col("period_id") == "training") & pl.col("is_additive"))
    both = frame.filter(pl.col("dimension") == "all").join(
        own, left_on="channel_id", right_on="node_id", suffix="_published"
    )
    assert len(both) == 4
    for name in ("effect_mean", "effect_p05", "effect_p95", "roi_p50"):
        np.testing.assert_allclose(both[name], both[f"{name}_published"])


def test_consistency_compares_with_the_backtests_of_the_current_run(tables):
    frame = publish.consistency_table(**take(tables))
    assert frame.schema == CONSISTENCY
    assert frame["run_id"].unique().to_list() == ["live"]
    assert frame["n_origins"].to_list() == [1] * 4
    assert frame["last_week"].unique().to_list() == [ORIGIN]
    # the planted backtest has the same draws
    assert frame["share_same_rank"].to_list() == [1.0] * 4


def steady(n_draws=4000, n_weeks=60):
    """One geo: level 100, an AR(1) error with rho 0.6 and shocks of 5, the last error at 20."""
    run = planted.posterior(
        np.zeros((n_draws, 1, 1)),
        n_weeks - 3,
        level=1.0,
        kpi_scale=np.array([100.0]),
        rho=np.full((n_draws, 1), 0.6),
        sigma=np.full((n_draws, 1), 0.05),
        last_error=np.full((n_draws, 1), 0.2),
    )
    return run, planted.panel(np.ones((1, n_weeks, 1)), outcome=np.full((1, n_weeks), 110.0))


def test_backtest_forecast_by_hand():
    run, panel = steady()
    frame = backtest_rows(run, panel, horizon_weeks=13, seed=1)
    ours = frame.filter(pl.col("method") == "mixloop")
    assert ours["measure"].unique().to_list() == ["week"]  # three weeks are no sum of four
    horizon = np.arange(1, 4)
    mean = 100 + 20 * 0.6**horizon
    np.testing.assert_allclose(ours["forecast_mean"], mean)
    np.testing.assert_allclose(ours["absolute_error"], np.abs(110 - mean))
    sd = 5 * np.sqrt((1 - 0.36**horizon) / (1 - 0.36))
    np.testing.assert_allclose(ours["forecast_p95"], mean + 1.645 * sd, rtol=0.01)
    np.testing.assert_allclose(ours["crps"], crps_normal(mean, sd, 110.0), rtol=0.05)


def test_sums_and_their_ranges_by_hand():
    run, panel = steady(n_weeks=80)
    run = planted.replace(run, last_week=run.last_week - 10 * planted.WEEK)
    frame = backtest_rows(run, panel, horizon_weeks=13, seed=1)
    sums = frame.filter(pl.col("measure") == "sum")
    assert sums["horizon_weeks"].to_list() == [4, 13] * 5
    ours = sums.filter(pl.col("method") == "mixloop")
    for row, h in zip(ours.iter_rows(named=True), (4, 13), strict=True):
        weeks = np.arange(1, h + 1)
        mean = h * 100 + 20 * (0.6**weeks).sum()
        # each shock goes on: the weight of the one in week k is 1 + 0.6 + ... to week h
        sd = 5 * np.sqrt((((1 - 0.6**weeks) / 0.4) ** 2).sum())
        assert row["actual"] == 110.0 * h
        np.testing.assert_allclose(row["forecast_mean"], mean)
        np.testing.assert_allclose(row["forecast_p95"] - row["forecast_p05"], 3.29 * sd, rtol=0.05)
        np.testing.assert_allclose(row["crps"], crps_normal(mean, sd, 110.0 * h), rtol=0.05)
        z = abs(110 * h - mean) / sd
        for share, reach in ((50, 0.674), (80, 1.282), (90, 1.645)):
            assert abs(z - reach) > 0.05  # far enough from the bound to be sure of the answer
            assert row[f"is_in_{share}_range"] == (z < reach)


def test_normal_ranges_cover_by_hand():
    scored = _of_normal(
        np.zeros(4), np.array([1.0, 1.0, 2.0, np.nan]), np.array([0.6, 1.3, 3.4, 1])
    )
    np.testing.assert_array_equal(scored.is_covered[:3], [[1, 1, 1], [0, 0, 1], [0, 0, 0]])
    assert scored.crps[3] == 1.0
    assert np.isnan(scored.ranges[3, 1:]).all()


def test_in_sample_range_has_the_long_run_spread_of_the_errors():
    run, panel = steady()
    ours = in_sample_rows(run, panel, seed=1).filter(pl.col("method") == "mixloop")
    assert len(ours) == 57
    np.testing.assert_allclose(ours["forecast_mean"], 100.0)
    # 5 / sqrt(1 - 0.36) = 6.25
    np.testing.assert_allclose(ours["forecast_p95"].mean(), 100 + 1.645 * 6.25, rtol=2e-3)
    np.testing.assert_allclose(ours["forecast_p05"].mean(), 100 - 1.645 * 6.25, rtol=2e-3)


def test_score_rows_by_hand():
    weeks = planted.weeks(3).astype(object)
    rows = [
        ("mixloop", weeks[0], 10.0, 12.0, 1.0, 9.0, 15.0),
        ("mixloop", weeks[1], 30.0, 24.0, 3.0, 20.0, 29.0),
        ("mixloop", weeks[2], 20.0, 20.0, 5.0, 15.0, 25.0),  # naive has no such week
        ("seasonal_naive", weeks[0], 10.0, 14.0, 4.0, None, None),
        ("seasonal_naive", weeks[1], 30.0, 26.0, 4.0, None, None),
    ]
    names = ["method", "week", "actual", "forecast_mean", "crps", "forecast_p05", "forecast_p95"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(run_id=pl.lit("back"))
    found = score_rows(frame, run_id="live", model_id="m", sample="out_of_sample").row(
        0, named=True
    )
    assert found["n_weeks"] == 3
    np.testing.assert_allclose(found["wmape"], 8 / 60)
    np.testing.assert_allclose(found["r2"], 1 - 40 / 200)
    np.testing.assert_allclose(found["crps"], 3.0 / 20.0)
    np.testing.assert_allclose(found["coverage_90"], 2 / 3)
    np.testing.assert_allclose(found["skill"], 1 - 4.0 / 8.0)


def test_nothing_in_nothing_out_with_types(tables):
    none = {"posterior": empty(POSTERIOR)}
    inputs = take(tables, **none)
    assert publish.contributions_table(**inputs, nodes=tables["nodes"]).equals(empty(CONTRIBUTIONS))
    assert publish.performance_table(**inputs, nodes=tables["nodes"]).equals(empty(PERFORMANCE))
    assert publish.curves_table(**inputs, plans=tables["plans"], points=5).equals(empty(CURVES))
    assert publish.backtests_table(**inputs).equals(empty(BACKTESTS))
    both = {"plans": tables["plans"], "nodes": tables["nodes"]}
    assert publish.forecasts_table(**inputs, **both).equals(empty(FORECASTS))
    assert publish.scores_table(**inputs, backtests=empty(BACKTESTS)).equals(empty(SCORES))
    assert publish.selection_table(**inputs, material_share=0.005).equals(empty(SELECTION))
    assert publish.specifications_table(**inputs).equals(empty(SPECIFICATIONS))
    assert publish.consistency_table(**inputs).equals(empty(CONSISTENCY))
    rest = {"forecasts": empty(FORECASTS), "nodes": tables["nodes"]}
    assert table.variance_table(**without_models(inputs), **rest).equals(empty(VARIANCE))
    no_plans = take(tables, "nodes", plans=tables["plans"].clear())
    assert publish.forecasts_table(**no_plans).equals(empty(FORECASTS))
    no_backtests = publish.scores_table(**take(tables, backtests=empty(BACKTESTS)))
    assert no_backtests["sample"].unique().to_list() == ["in_sample"]


def test_backtests_of_which_nothing_changed_are_kept(tables, monkeypatch):
    first = publish.backtests_table(**take(tables))
    assert first["inputs_hash"].n_unique() == 1
    calls = []
    real = publish.backtest_rows
    monkeypatch.setattr(
        publish,
        "backtest_rows",
        lambda run, *a, **k: calls.append(run.run_id) or real(run, *a, **k),
    )
    same = publish.backtests_table(**take(tables), previous=first)
    assert (calls, same.equals(first)) == ([], True)
    later = pl.col("week") == LAST
    more = tables["outcomes"].with_columns(
        outcome=pl.when(later).then(pl.col("outcome") + 1.0).otherwise("outcome")
    )
    changed = publish.backtests_table(**take(tables, outcomes=more), previous=first)
    assert calls == ["back"]
    assert not changed.equals(first)
    assert changed.equals(publish.backtests_table(**take(tables, outcomes=more)))
    publish.backtests_table(**take(tables), horizon_weeks=4, previous=first)
    monkeypatch.setattr(publish, "code_digest", lambda: "edited")
    publish.backtests_table(**take(tables), previous=first)
    assert calls == ["back"] * 4


def test_decision_backtests_of_which_nothing_changed_are_kept(tables, monkeypatch):
    terms = {"horizon_weeks": 8, "change_max": 0.2, "step": 0.01}
    first = planning.decision_backtests_table(**take(tables), **terms)
    assert first.schema == DECISION_BACKTESTS
    assert first["run_id"].to_list() == ["back"]
    calls = []
    real = planning.hindsight_rows
    monkeypatch.setattr(
        planning, "hindsight_rows", lambda *a: calls.append(a[1][0].run_id) or real(*a)
    )
    same = planning.decision_backtests_table(**take(tables), **terms, previous=first)
    assert (calls, same.equals(first)) == ([], True)
    planning.decision_backtests_table(**take(tables), **terms | {"step": 0.02}, previous=first)
    assert calls == ["back"]
    none = take(tables, posterior=empty(POSTERIOR))
    assert planning.decision_backtests_table(**none, **terms).equals(empty(DECISION_BACKTESTS))


def test_recommendations_of_the_current_run(tables):
    found = planning.recommendations_table(**take(tables, "plans"), change_max=0.2, step=0.01)
    assert found.schema == RECOMMENDATIONS
    assert found["run_id"].unique().to_list() == ["live"]
    assert found["plan_id"].unique().to_list() == ["b"]  # the client's
    no_plans = take(tables, plans=tables["plans"].clear())
    nothing = planning.recommendations_table(**no_plans, change_max=0.2, step=0.01)
    assert nothing.equals(empty(RECOMMENDATIONS))
