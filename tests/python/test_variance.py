import numpy as np
import planted
import polars as pl
import pytest

from mixloop.forecast import forecast_rows, stable_rng
from mixloop.schemas import VARIANCE
from mixloop.variance import variance_rows

TREE = [("c0", "c0"), ("c1", "c1"), ("media", "c0"), ("media", "c1")]


def published(run, planned, tree=TREE):
    return forecast_rows(
        run, planned, planted.nodes(tree), stable_rng(1, run.run_id, "p"),
        plan_id="p", plan_source="client",
    )  # fmt: skip


def weekly(frame):
    return frame.filter(pl.col("period_type") == "week")


def found(frame, geo, driver, week=0, cause=None):
    """One row: the total of a node or of the KPI, or the only cause of another driver."""
    kind = driver.split(":")[0]
    cause = cause or (kind if kind in ("context", "unexplained") else "total")
    rows = weekly(frame).filter(geo=geo, driver_id=driver, cause=cause).sort("week")
    return rows.row(week, named=True)


def moved():
    """One geo, one training week, one week ahead: c0 planned at u = 1 and spent at u = 3."""
    run = planted.posterior(
        [[[0.2, 0.4]], [[0.4, 0.4]]], 1, level=1.0, drivers={"context:price": [[-0.1], [-0.3]]},
        kpi_scale=np.array([100.0]), sigma=np.full((2, 1), 0.04),
    )  # fmt: skip
    price = {"context:price": [[0.0, 0.0]]}
    plan = planted.panel([[[0.0, 0.0], [1.0, 1.0]]], drivers=price)
    price = {"context:price": [[0.0, 0.5]]}
    fact = planted.panel([[[0.0, 0.0], [3.0, 1.0]]], [[0.0, 140.0]], drivers=price)
    return run, plan, fact


def test_planted_changes_by_hand():
    run, plan, fact = moved()
    ledger = published(run, plan)  # 100 + (10, 20) + 20
    frame = variance_rows(run, ledger, fact, planted.nodes(TREE))
    assert frame.schema == VARIANCE
    total = found(frame, "g0", "total")
    np.testing.assert_allclose(total["variance_mean"], 140 - 135)
    assert (total["planned_value"], total["actual_value"]) == (pytest.approx(135.0), 140.0)
    spend = found(frame, "g0", "c0")  # (20, 40) x (3/4 - 1/2)
    np.testing.assert_allclose([spend["variance_mean"], spend["variance_p05"]], [7.5, 5.25])
    assert (spend["planned_value"], spend["actual_value"]) == (1.0, 3.0)
    assert (spend["driver_type"], spend["is_additive"]) == ("channel", False)
    caused = found(frame, "g0", "c0", cause="spend")
    assert (caused["variance_mean"], caused["is_additive"]) == (spend["variance_mean"], True)
    assert found(frame, "g0", "c0", cause="timing")["variance_mean"] == 0.0
    same = found(frame, "g0", "c1")
    assert (same["variance_mean"], same["variance_p95"]) == (0.0, 0.0)
    price = found(frame, "g0", "context:price")  # (-10, -30) x 0.5
    np.testing.assert_allclose([price["variance_mean"], price["variance_p95"]], [-10.0, -5.5])
    assert (price["driver_type"], price["actual_value"]) == ("context", 0.5)
    node = found(frame, "g0", "media")
    np.testing.assert_allclose(node["variance_mean"], 7.5)
    assert not node["is_additive"]
    rest = found(frame, "g0", "unexplained")
    np.testing.assert_allclose(rest["variance_mean"], 5 - 7.5 + 10)
    # draw by draw: actual 140 minus (100 + 15 + 20 - 5) and minus (100 + 30 + 20 - 15)
    np.testing.assert_allclose(rest["variance_p95"], 5.0 + 0.95 * 5.0)
    np.testing.assert_allclose(rest["variance_p05"], 5.0 + 0.05 * 5.0)


def test_the_carried_error_is_part_of_the_forecast():
    run, plan, fact = moved()
    rho, error = np.full((2, 1), 0.5), np.array([[0.1], [0.3]])  # carries 5 and 15
    run = planted.replace(run, rho=rho, last_error=error)
    frame = variance_rows(run, published(run, plan), fact, planted.nodes(TREE))
    np.testing.assert_allclose(found(frame, "g0", "total")["variance_mean"], 140 - 145)
    rest = found(frame, "g0", "unexplained")
    # draw by draw: 140 - (100 + 15 + 20 - 5 + 5) and 140 - (100 + 30 + 20 - 15 + 15)
    np.testing.assert_allclose(rest["variance_mean"], -2.5)
    np.testing.assert_allclose(rest["variance_p95"], -10 + 0.95 * 15)
    np.testing.assert_allclose(rest["variance_p05"], -10 + 0.05 * 15)


def test_z_score_measures_against_the_published_spread():
    run, plan, fact = moved()
    ledger = published(run, plan).with_columns(
        forecast_p05=pl.lit(100.0), forecast_p95=pl.lit(100.0 + 2 * 1.6448536269514722 * 4.0)
    )
    frame = variance_rows(run, ledger, fact, planted.nodes(TREE))
    np.testing.assert_allclose(found(frame, "g0", "total")["z_score"], 5 / 4)
    np.testing.assert_allclose(found(frame, "all", "unexplained")["z_score"], 7.5 / 4)
    assert found(frame, "g0", "c0")["z_score"] is None


def test_carry_over_of_a_change_reaches_later_weeks():
    # weights 2/3, 1/3: 3 instead of 0 in the first week is worth hill(2) then hill(1)
    run = planted.posterior([[[1.0]]], 1, decay=np.array([[0.5]]), carryover_weeks=1)
    ledger = published(run, planted.panel(np.zeros((1, 3, 1))), [])
    fact = planted.panel([[[0.0], [3.0], [0.0]]], np.ones((1, 3)))
    frame = variance_rows(run, ledger, fact, planted.nodes([]))
    np.testing.assert_allclose(found(frame, "g0", "c0", 0)["variance_mean"], 2 / 3)
    np.testing.assert_allclose(found(frame, "g0", "c0", 1)["variance_mean"], 1 / 2)
    np.testing.assert_allclose(found(frame, "g0", "unexplained", 1)["variance_mean"], 1 / 2)


def full():
    run, fact = planted.world(n_weeks=60)
    run = planted.replace(run, last_week=run.first_week + 54 * planted.WEEK)
    rng = np.random.default_rng(9)
    plan = planted.replace(
        fact,
        exposure=fact.exposure * rng.uniform(0.5, 1.5, fact.exposure.shape),
        driver_values=fact.driver_values + 0.5,
    )
    past = fact.weeks <= run.last_week
    plan.exposure[:, past] = fact.exposure[:, past]
    plan.driver_values[:, past] = fact.driver_values[:, past]
    return run, plan, fact


def test_causes_sum_to_actual_minus_published_forecast():
    run, plan, fact = full()
    ledger = published(run, plan, [("top", "c0"), ("top", "c1")])
    frame = variance_rows(run, ledger, fact, planted.nodes([("top", "c0"), ("top", "c1")]))
    frame = weekly(frame)
    keys = ["geo", "week"]
    sums = frame.filter("is_additive").group_by(keys).agg(pl.col("variance_mean").sum())
    total = frame.filter(driver_id="total", cause="total").select(*keys, total="variance_mean")
    kpi = ledger.filter(pl.col("component_id") == "kpi").select(*keys, kpi="forecast_mean")
    both = sums.join(total, on=keys).join(kpi, on=keys).sort(keys)
    assert len(both) == 4 * 5
    np.testing.assert_allclose(both["variance_mean"], both["total"], atol=1e-9)
    actual = np.concatenate([fact.outcome.sum(axis=0)[None], fact.outcome])[:, -5:]
    np.testing.assert_allclose(both["total"] + both["kpi"], actual.ravel())


def test_causes_of_all_geos_are_the_sums_of_the_geos():
    run, plan, fact = full()
    frame = weekly(variance_rows(run, published(run, plan), fact, planted.nodes([])))
    for cause in ("c1", "context:price", "unexplained", "total"):
        rows = frame.filter(pl.col("driver_id") == cause)
        sums = rows.group_by("week", "cause").agg(
            pl.col("variance_mean").filter(pl.col("geo") == "all").sum().alias("all"),
            pl.col("variance_mean").filter(pl.col("geo") != "all").sum().alias("geos"),
        )
        assert len(sums) == 5 * rows["cause"].n_unique()
        np.testing.assert_allclose(sums["all"], sums["geos"], atol=1e-9)


def test_unexplained_is_actual_minus_the_model_at_what_really_happened():
    run, plan, fact = full()
    frame = weekly(variance_rows(run, published(run, plan), fact, planted.nodes([])))
    hindsight = published(run, fact)
    kpi = hindsight.filter((pl.col("component_id") == "kpi") & (pl.col("geo") == "g1"))
    rest = frame.filter((pl.col("driver_id") == "unexplained") & (pl.col("geo") == "g1"))
    expected = fact.outcome[1, -5:] - kpi.sort("week")["forecast_mean"].to_numpy()
    np.testing.assert_allclose(rest.sort("week")["variance_mean"], expected)


def test_weeks_to_come_and_weeks_without_kpi_are_left_out():
    run, plan, fact = full()
    outcome = fact.outcome.copy()
    outcome[0, -3] = np.nan
    fact = planted.replace(fact, outcome=outcome).until(fact.weeks[-2])
    frame = variance_rows(run, published(run, plan), fact, planted.nodes([]))
    counts = dict(weekly(frame).group_by("geo").agg(pl.col("week").n_unique()).rows())
    assert counts == {"g0": 3, "g1": 4, "g2": 4, "all": 3}
    before = fact.until(run.last_week)
    assert variance_rows(run, published(run, plan), before, planted.nodes([])).is_empty()


def test_a_channel_that_is_gone_counts_as_gone_to_plan():
    run, plan, fact = moved()
    without = fact.select_channels(("c1",))
    frame = variance_rows(run, published(run, plan), without, planted.nodes(TREE))
    gone = found(frame, "g0", "c0")
    assert gone["variance_mean"] == 0.0
    assert gone["actual_value"] is None
    np.testing.assert_allclose(found(frame, "g0", "unexplained")["variance_mean"], 15.0)
    np.testing.assert_allclose(found(frame, "g0", "total")["variance_mean"], 5.0)
