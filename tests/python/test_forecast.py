import numpy as np
import planted
import polars as pl
import pytest

from mixloop.forecast import expected_kpi, forecast_rows, predictive_draws, stable_rng
from mixloop.schemas import FORECASTS

TREE = [("c0", "c0"), ("c1", "c1"), ("media", "c0"), ("media", "c1")]


def noisy(n_draws, rho=0.6, sigma=0.05, error=0.2, horizon=4):
    """One geo, level 1 on a KPI scale of 100, no media effect: 100 plus the error."""
    run = planted.posterior(
        np.zeros((n_draws, 1, 1)), 2, level=1.0, kpi_scale=np.array([100.0]),
        rho=np.full((n_draws, 1), rho), sigma=np.full((n_draws, 1), sigma),
        last_error=np.full((n_draws, 1), error),
    )  # fmt: skip
    return run, planted.panel(np.zeros((1, 2 + horizon, 1)))


def test_noise_has_the_mean_and_variance_of_an_ar1():
    run, panel = noisy(200_000)
    draws = predictive_draws(run, panel, np.random.default_rng(0))[:, 0]
    horizon = np.arange(1, 5)
    np.testing.assert_allclose(draws.mean(axis=0), 100 + 20 * 0.6**horizon, atol=0.08)
    variance = 25 * (1 - 0.36**horizon) / (1 - 0.36)
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.02)
    np.testing.assert_allclose(
        np.corrcoef(draws[:, 0], draws[:, 1])[0, 1], 0.6 / 1.36**0.5, atol=0.01
    )


def test_mean_forecast_has_no_simulation_noise():
    run, panel = noisy(3)
    horizon = np.arange(1, 5)
    np.testing.assert_allclose(expected_kpi(run, panel), [100 + 20 * 0.6**horizon])
    frame = rows(run, panel)
    kpi = frame.filter((pl.col("component_id") == "kpi") & (pl.col("geo") == "g0"))
    np.testing.assert_allclose(kpi["forecast_mean"], 100 + 20 * 0.6**horizon)
    noise = frame.filter((pl.col("component_id") == "noise") & (pl.col("geo") == "all"))
    np.testing.assert_allclose(noise["forecast_p95"], 20 * 0.6**horizon)
    assert noise["is_additive"].all()


def rows(run, panel, tree=TREE, seed=1):
    return forecast_rows(
        run, panel, planted.nodes(tree), stable_rng(seed, run.run_id, "p"),
        plan_id="p", plan_source="client",
    )  # fmt: skip


def test_media_and_noise_by_hand():
    # two draws, one week ahead: 0.5 x (20, 40) of media at its scale, errors of 10 and 30
    run = planted.posterior(
        [[[0.2]], [[0.4]]], 1, level=1.0, kpi_scale=np.array([100.0]),
        rho=np.full((2, 1), 0.5), last_error=np.array([[0.2], [0.6]]),
    )  # fmt: skip
    frame = rows(run, planted.panel([[[0.0], [1.0]]]), tree=[])
    found = dict(
        frame.filter(pl.col("geo") == "all").select("component_id", "forecast_mean").rows()
    )
    assert found == pytest.approx({"c0": 15.0, "level": 100.0, "noise": 20.0, "kpi": 135.0})
    kpi = frame.filter(pl.col("component_id") == "kpi")  # without shocks: draws 120 and 150
    np.testing.assert_allclose(kpi["forecast_p05"], 121.5)


def test_rows_of_a_full_run():
    run, history = planted.world(n_weeks=60)
    run = planted.replace(run, last_week=run.first_week + 54 * planted.WEEK)
    frame = rows(run, history)
    assert frame.schema == FORECASTS
    assert frame["horizon_weeks"].unique().sort().to_list() == [1, 2, 3, 4, 5]
    assert frame.select("geo", "week", "component_id").is_duplicated().sum() == 0
    ahead = (frame["week"] - frame["as_of_week"]).dt.total_days()
    assert (ahead == 7 * frame["horizon_weeks"]).all()
    sums = frame.filter("is_additive").group_by("geo", "week").agg(pl.col("forecast_mean").sum())
    kpi = frame.filter(pl.col("component_id") == "kpi").select("geo", "week", kpi="forecast_mean")
    both = sums.join(kpi, on=["geo", "week"])
    assert len(both) == 4 * 5
    np.testing.assert_allclose(both["forecast_mean"], both["kpi"], rtol=1e-9)
    # all = sum of geos, in the mean
    totals = kpi.group_by("week").agg(
        pl.col("kpi").filter(pl.col("geo") == "all").sum().alias("all"),
        pl.col("kpi").filter(pl.col("geo") != "all").sum().alias("geos"),
    )
    np.testing.assert_allclose(totals["all"], totals["geos"], rtol=1e-9)


def test_quantiles_are_those_of_the_predictive_draws():
    run, history = planted.world(n_weeks=60, n_draws=200)
    run = planted.replace(run, last_week=run.first_week + 54 * planted.WEEK)
    frame = rows(run, history)
    draws = predictive_draws(run, history, stable_rng(1, run.run_id, "p"))
    kpi = frame.filter(pl.col("component_id") == "kpi").sort("geo", "week")
    total = kpi.filter(pl.col("geo") == "all")
    np.testing.assert_allclose(total["forecast_p95"], np.quantile(draws.sum(axis=1), 0.95, axis=0))
    one = kpi.filter(pl.col("geo") == "g2")
    np.testing.assert_allclose(one["forecast_p05"], np.quantile(draws[:, 2], 0.05, axis=0))


def test_planned_values_and_spend():
    run = planted.posterior(
        [[[1.0, 1.0], [1.0, 1.0]]], 1, drivers={"context:price": 0.1},
        media_units=("impressions", "spend"),
    )  # fmt: skip
    panel = planted.panel(
        [[[0.0, 0.0], [5.0, 3.0]], [[0.0, 0.0], [7.0, 4.0]]],
        drivers={"context:price": [[1.0, 2.0], [1.0, 4.0]]},
        spend=[[[0.0, 0.0], [0.0, 3.0]], [[0.0, 0.0], [0.0, 4.0]]],
    )
    frame = rows(run, panel)
    found = {
        (geo, name): (value, money)
        for geo, name, value, money in frame.select(
            "geo", "component_id", "planned_value", "planned_spend"
        ).rows()
    }
    assert found["g0", "c0"] == (5.0, 0.0)
    assert found["all", "c0"] == (12.0, 0.0)
    assert found["all", "c1"] == (7.0, 7.0)
    assert found["g1", "media"] == (None, 4.0)
    assert found["all", "media"] == (None, 7.0)
    assert found["g1", "context:price"] == (4.0, None)
    assert found["all", "context:price"] == (3.0, None)
    assert found["all", "level"] == (None, None)


def test_random_numbers_depend_on_names_not_on_order():
    one = stable_rng(7, "run", "plan").random(3)
    stable_rng(7, "run", "other").random(5)
    np.testing.assert_array_equal(stable_rng(7, "run", "plan").random(3), one)
    for other in (("run", "other"), ("runp", "lan"), ("plan", "run")):
        assert not np.array_equal(stable_rng(7, *other).random(3), one)
    assert not np.array_equal(stable_rng(8, "run", "plan").random(3), one)


def test_a_driver_without_future_value_is_named():
    run = planted.posterior([[[1.0]]], 1, drivers={"context:price": 0.1})
    panel = planted.panel([[[0.0], [1.0]]], drivers={"context:price": [[1.0, np.nan]]})
    with pytest.raises(ValueError, match=r"context:price.*g0.*2024-01-08"):
        rows(run, panel)
