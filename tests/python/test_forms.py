"""A multiplicative KPI: its split by hand, closure of every table, and planted worlds."""

import json
from dataclasses import replace

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.backtest import backtest_rows, in_sample_rows
from mixloop.contributions import contribution_rows
from mixloop.curves import curve_rows
from mixloop.evaluate import fitted_by_geo, training_weeks
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import expected_kpi, forecast_rows, predictive_draws
from mixloop.forms import growth, in_log_points, media_weight, split_baseline
from mixloop.judging import run_draws
from mixloop.performance import performance_rows
from mixloop.posterior import posterior_to_frame, posteriors_from_frame
from mixloop.prior_predictive import prior_rows
from mixloop.runs import configuration, fit_tasks
from mixloop.variance import variance_rows

QUICK = FitSettings(chains=2, warmup=4, sweeps=12, max_sweeps=12, draws=20)
NODES = [("c0", "c0"), ("c1", "c1"), ("c2", "c2"), ("c3", "c3"), ("media", "c0"), ("media", "c1")]


def product_world(**over):
    """`planted.world` as a product: level near zero, history and eight weeks more."""
    run, panel = planted.world(n_weeks=78, **over)
    coef = run.baseline_coef.copy()
    coef[..., 0] -= 0.8
    last = run.first_week + planted.WEEK * 69
    curves = np.where(np.arange(coef.shape[0])[:, None] % 3 > 0, "hill", "exponential")
    saturation = np.broadcast_to(curves, run.kernel.shape)
    run = replace(
        run, baseline_coef=coef, kpi_form="multiplicative", last_week=last, saturation=saturation
    )
    return run, panel


def leaf_media(panel, share=0.3):
    """c1 split into two leaves."""
    rows = [
        (geo, week, leaf, part * panel.spend[j, t, 1], part * panel.exposure[j, t, 1])
        for j, geo in enumerate(panel.geos)
        for t, week in enumerate(panel.weeks.astype(object))
        for leaf, part in (("l0", share + 0.01 * (t % 9)), ("l1", 1 - share - 0.01 * (t % 9)))
    ]
    names = ["geo", "week", "leaf_id", "spend", "exposure"]
    return pl.DataFrame(rows, schema=names, orient="row")


PARTS = planted.nodes(NODES, parts=[("l0", "c1", "l0"), ("l1", "c1", "l1")])


def pivot(frame, value, keys=("geo", "week")):
    """Sum of additive rows, and the row `kpi`, by keys."""
    total = frame.filter("is_additive").group_by(*keys).agg(pl.col(value).sum())
    return total.sort(*keys)[value].to_numpy()


# --- the split ----------------------------------------------------------------------------------


def test_growth_is_smooth_at_zero_and_exact_elsewhere():
    x = np.array([-3.0, -1e-6, -1e-12, 0.0, 1e-12, 1e-6, 0.7])
    exact = np.array([(1 - np.exp(-3)) / 3, 1 - 5e-7, 1.0, 1.0, 1.0, 1 + 5e-7, np.expm1(0.7) / 0.7])
    np.testing.assert_allclose(growth(x), exact, rtol=1e-12)


def test_a_week_by_hand():
    """Level 200, price and season one tenth up and down, media 0.2 and 0.3 log points."""
    run = planted.posterior(
        np.array([[[0.4, 0.6]]]),  # at exposure 1 half of it works
        1,
        level=np.log(2.0),
        drivers={"context:price": 0.1, "context:rain": -0.3},
        kpi_scale=np.array([100.0]),
        kpi_form="multiplicative",
    )
    panel = planted.panel(
        np.ones((1, 1, 2)), [[350.0]], {"context:price": 1.0, "context:rain": -1.0}
    )
    frame = contribution_rows(run, panel, planted.nodes([("c0", "c0"), ("c1", "c1")]))
    rows = frame.filter(pl.col("geo") == "g0")
    found = dict(rows.select("component_id", "contribution_mean").rows())
    base, whole = 200 * np.exp(0.4), 200 * np.exp(0.9)
    assert found["level"] == pytest.approx(200.0)
    assert found["context:price"] == pytest.approx((base - 200) * 0.1 / 0.4)
    assert found["context:rain"] == pytest.approx((base - 200) * 0.3 / 0.4)
    assert found["c0"] == pytest.approx((whole - base) * 0.2 / 0.5)
    assert found["c1"] == pytest.approx((whole - base) * 0.3 / 0.5)
    assert found["unexplained"] == pytest.approx(350 - whole)


def test_parts_that_cancel_are_still_there_and_close():
    parts = np.array([[[0.1]], [[0.5]], [[-0.5]]])
    effects = split_baseline(parts, ("level", "season", "trend"), 100.0)[:, 0, 0]
    level = 100 * np.exp(0.1)
    np.testing.assert_allclose(effects, [level, 0.5 * level, -0.5 * level])
    assert media_weight(np.zeros((1, 1)), np.zeros((1, 1)), 7.0) == [[7.0]]


def test_in_log_points_everything_adds_up_to_the_log_of_the_fit():
    run, panel = product_world()
    keep = training_weeks(run, panel)
    logs = fitted_by_geo(in_log_points(run), panel, keep)
    for j, (log, fitted) in enumerate(zip(logs, fitted_by_geo(run, panel, keep), strict=True)):
        np.testing.assert_allclose(run.kpi_scale[j] * np.exp(log), fitted, rtol=1e-12)


# --- every table closes -------------------------------------------------------------------------


def test_contributions_sum_to_the_kpi_and_children_to_their_parent():
    run, panel = product_world()
    frame = contribution_rows(run, panel, PARTS, leaf_media(panel))
    kpi = frame.filter(pl.col("component_id") == "kpi").sort("geo", "week")
    actual = kpi["contribution_mean"].to_numpy()
    np.testing.assert_allclose(pivot(frame, "contribution_mean"), actual, rtol=1e-9)
    by = {
        name: frame.filter(pl.col("component_id") == name).sort("geo", "week")["contribution_mean"]
        for name in ("c0", "c1", "l0", "l1", "media")
    }
    np.testing.assert_allclose(by["l0"] + by["l1"], by["c1"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(by["c0"] + by["c1"], by["media"], rtol=1e-9, atol=1e-12)
    assert (by["c0"] >= 0).all()


def test_media_is_what_the_kpi_would_lose_without_it():
    run, panel = product_world()
    keep = training_weeks(run, panel)
    frame = contribution_rows(run, panel, planted.nodes(NODES))
    media = frame.filter((pl.col("component_type") == "channel") & pl.col("is_additive"))
    total = media.filter(pl.col("geo") == "all")["contribution_mean"].sum()
    silent = replace(panel, exposure=np.zeros_like(panel.exposure))
    with_it = sum(draws.sum() for draws in fitted_by_geo(run, panel, keep))
    without = sum(draws.sum() for draws in fitted_by_geo(run, silent, keep))
    assert total == pytest.approx((with_it - without) / len(run.coef))


def forecast_of(run, panel, rng=None):
    return forecast_rows(
        run, panel, PARTS, rng or np.random.default_rng(1), plan_id="p", plan_source="client",
        leaf_media=leaf_media(panel),
    )  # fmt: skip


def test_forecasts_sum_to_the_kpi():
    run, panel = product_world()
    frame = forecast_of(run, panel)
    kpi = frame.filter(pl.col("component_id") == "kpi").sort("geo", "week")
    np.testing.assert_allclose(pivot(frame, "forecast_mean"), kpi["forecast_mean"], rtol=1e-9)
    assert kpi["week"].n_unique() == 8
    assert (kpi["forecast_p05"] > 0).all()


def test_predictive_draws_are_log_normal_around_the_fit():
    """One parameter draw, many errors: e_h is normal with the variance of an AR(1) after e_0."""
    n, sigma, rho, start = 40_000, 0.3, 0.6, 0.2
    run = planted.posterior(
        np.full((n, 1, 1), 0.2),
        3,
        level=0.1,
        kpi_scale=np.array([50.0]),
        kpi_form="multiplicative",
        sigma=np.full((n, 1), sigma),
        rho=np.full((n, 1), rho),
        last_error=np.full((n, 1), start),
    )
    panel = planted.panel(np.ones((1, 6, 1)), np.ones((1, 6)))
    draws = predictive_draws(run, panel, np.random.default_rng(2))[:, 0]
    horizon = np.arange(1, 4)
    variance = sigma**2 * (1 - rho ** (2 * horizon)) / (1 - rho**2)
    logs = np.log(draws / (50 * np.exp(0.1 + 0.1)))
    np.testing.assert_allclose(logs.mean(axis=0), rho**horizon * start, atol=0.01)
    np.testing.assert_allclose(logs.var(axis=0), variance, rtol=0.03)
    frame = forecast_rows(
        run, panel, planted.nodes([("c0", "c0")]), np.random.default_rng(3),
        plan_id="p", plan_source="client",
    )  # fmt: skip
    kpi = frame.filter((pl.col("component_id") == "kpi") & (pl.col("geo") == "g0")).sort("week")
    exact = 50 * np.exp(0.2 + rho**horizon * start + variance / 2)
    np.testing.assert_allclose(kpi["forecast_mean"], exact, rtol=1e-9)
    np.testing.assert_allclose(draws.mean(axis=0), exact, rtol=0.01)


def test_the_mean_of_a_product_holds_that_of_its_shocks():
    n, sigma, share = 200_000, 0.1, 0.1
    run = planted.posterior(
        np.full((n, 1, 1), 0.2), 3, level=0.1, kpi_scale=np.array([50.0]),
        kpi_form="multiplicative", sigma=np.full((n, 1), sigma),
        shock_share=np.full((n, 1), share),
    )  # fmt: skip
    panel = planted.panel(np.ones((1, 4, 1)), np.ones((1, 4)))
    exact = 50 * np.exp(0.2) * np.exp(0.005) * (0.9 + 0.1 * np.exp(0.18))
    assert expected_kpi(run, panel) == pytest.approx(exact)
    draws = predictive_draws(run, panel, np.random.default_rng(2))
    assert draws.mean() == pytest.approx(exact, rel=0.003)


def published(frame):
    keep = ("component_id", "component_type", "geo", "week", "planned_value", "plan_id")
    return frame.select(*keep, pl.selectors.starts_with("forecast_"))


def test_variance_sums_to_the_gap_and_only_what_moved_has_a_part():
    run, panel = product_world()
    ledger = published(forecast_of(run, panel))
    exposure, drivers = panel.exposure.copy(), panel.driver_values.copy()
    exposure[:, -6:, 1] *= 1.7
    drivers[:, -4:, 0] += 2.0
    came = replace(panel, exposure=exposure, driver_values=drivers)
    frame = variance_rows(run, ledger, came, PARTS, leaf_media(came))
    frame = frame.filter(period_type="week")
    total = frame.filter(driver_id="total", cause="total").sort("geo", "week")
    np.testing.assert_allclose(
        pivot(frame, "variance_mean"), total["variance_mean"], rtol=1e-9, atol=1e-9
    )
    size = {
        name: frame.filter(pl.col("driver_id") == name)["variance_mean"].abs().sum()
        for name in ("c0", "c1", "c2", "context:price", "l0", "l1")
    }
    assert size["c0"] == size["c2"] == 0.0
    assert min(size["c1"], size["context:price"], size["l0"]) > 1.0
    nodes = frame.filter(cause="total", geo="all")
    parts = nodes.filter(pl.col("driver_id").is_in(["l0", "l1"]))
    whole = nodes.filter(driver_id="c1")
    assert parts["variance_mean"].sum() == pytest.approx(whole["variance_mean"].sum(), rel=1e-9)


def test_one_surprise_explains_exactly_what_it_changed():
    run = planted.posterior(
        np.full((2, 1, 1), 0.2), 3, level=0.1, drivers={"context:price": [[-0.2], [-0.4]]},
        kpi_scale=np.array([50.0]), kpi_form="multiplicative",
    )  # fmt: skip
    plan = planted.panel(np.ones((1, 5, 1)), np.ones((1, 5)), {"context:price": 0.0})
    nodes = planted.nodes([("c0", "c0")])
    ledger = forecast_rows(
        run, plan, nodes, np.random.default_rng(1), plan_id="p", plan_source="client"
    )
    price = plan.driver_values.copy()
    price[0, 4, 0] = 1.0
    outcome = np.full((1, 5), 60.0)
    came = replace(plan, driver_values=price, outcome=outcome)
    rows = variance_rows(run, published(ledger), came, nodes).filter(pl.col("geo") == "g0")
    last = rows.filter(horizon_weeks=2, period_type="week")
    found = dict(last.select("driver_id", "variance_mean").rows())
    planned = 50 * np.exp(0.2)
    came_to = planned * np.exp([-0.2, -0.4]).mean()
    assert found["context:price"] == pytest.approx(came_to - planned)
    assert found["unexplained"] == pytest.approx(60 - came_to)
    assert found["c0"] == 0.0


def test_performance_sums_contributions_and_its_margin_is_the_kpis():
    run, panel = product_world()
    panel = panel.until(run.last_week)
    keep = training_weeks(run, panel)
    frame = performance_rows(run, panel, PARTS, 1.0, leaf_media(panel))
    weekly = contribution_rows(run, panel, PARTS, leaf_media(panel))
    weekly = weekly.filter((pl.col("geo") == "all") & (pl.col("component_type") == "channel"))
    for period, first in (("training", 0), ("last_13_weeks", 57)):
        rows = frame.filter(pl.col("period_id") == period)
        weeks = panel.weeks[keep][first:]
        inside = weekly.filter(pl.col("week").is_in(list(weeks.astype(object))))
        total = dict(
            inside.group_by("component_id").agg(pl.col("contribution_mean").sum()).iter_rows()
        )
        for node, effect in rows.select("node_id", "effect_mean").rows():
            assert effect == pytest.approx(total[node], rel=1e-9)
    # a week without a KPI counts for the effect, not for the share of the KPI
    outcome = panel.outcome.copy()
    outcome[1, -2] = np.nan
    gap = performance_rows(run, replace(panel, outcome=outcome), PARTS, 1.0, leaf_media(panel))
    for node in ("c1", "l0", "media"):
        mine = pl.col("node_id") == node, pl.col("period_id") == "training"
        of_weeks = weekly.filter(pl.col("component_id") == node).sort("week")["contribution_mean"]
        known = np.arange(70) != 68
        share = of_weeks.to_numpy()[known].sum() / outcome[:, keep][:, known].sum()
        row = gap.filter(*mine)
        assert row["share_of_kpi_mean"][0] == pytest.approx(share, rel=1e-9)
        assert row["effect_mean"][0] == frame.filter(*mine)["effect_mean"][0]
    # one per cent more of c1, or of its leaf l0, in the last 13 weeks
    now = sum(draws.sum(axis=0) for draws in fitted_by_geo(run, panel, keep))
    split = leaf_media(panel).filter(pl.col("leaf_id") == "l0").sort("geo", "week")
    own = split["exposure"].to_numpy().reshape(len(panel.geos), -1)
    recent = panel.weeks > run.last_week - 13 * planted.WEEK
    for node, extra in (("c1", panel.exposure[:, :, 1]), ("l0", own)):
        more = panel.exposure.copy()
        more[:, :, 1] += 0.01 * recent * extra
        grown = sum(draws.sum(axis=0) for draws in fitted_by_geo(
            run, replace(panel, exposure=more), keep))  # fmt: skip
        margin = (grown - now) / (0.01 * extra[:, recent].sum())
        row = frame.filter((pl.col("period_id") == "last_13_weeks") & (pl.col("node_id") == node))
        assert row["marginal_roi_mean"][0] == pytest.approx(margin.mean(), rel=1e-6)


def test_curves_are_the_kpi_with_the_channel_held_minus_without_it():
    """Without carry-over: hold c1 at a level in every training week, all else as it was."""
    rng = np.random.default_rng(4)
    n_weeks = 30
    run = planted.posterior(
        rng.gamma(2.0, 0.1, (5, 2, 2)), n_weeks, level=0.1, kpi_form="multiplicative",
        kpi_scale=np.array([50.0, 80.0]), exposure_scale=np.array([[1.0, 2.0], [3.0, 4.0]]),
    )  # fmt: skip
    exposure = rng.gamma(1.0, 2.0, (2, n_weeks, 2))
    panel = planted.panel(exposure, rng.gamma(50.0, 1.0, (2, n_weeks)))
    text = dict.fromkeys(("plan_source", "plan_id", "item_type", "item_id", "geo"), pl.String)
    plans = pl.DataFrame(schema=text | {"week": pl.Date, "planned_value": pl.Float64})
    rows = curve_rows(run, panel, plans, 5).filter(pl.col("channel_id") == "c1").sort("point")
    share = exposure[:, :, 1].sum(axis=1) / exposure[:, :, 1].sum()
    every = np.ones(n_weeks, dtype=bool)

    def kpi(level):
        held = exposure.copy()
        held[:, :, 1] = (level * share)[:, None]
        found = fitted_by_geo(run, replace(panel, exposure=held), every)
        return sum(draws.mean(axis=0) for draws in found)

    for level, mean, slope in rows.select(
        "weekly_exposure", "response_mean", "marginal_response_mean"
    ).rows():
        assert mean == pytest.approx((kpi(level) - kpi(0.0)).mean(), rel=1e-9, abs=1e-12)
        if level > 0:
            rise = (kpi(level + 1e-4) - kpi(level - 1e-4)).mean() / 2e-4
            assert slope == pytest.approx(rise, rel=1e-5)


def test_headroom_ends_where_one_more_unit_of_money_brings_the_hurdle():
    run = planted.posterior(
        np.full((3, 1, 1), 0.5), 20, level=0.0, kpi_form="multiplicative",
        kpi_scale=np.array([100.0]), exposure_scale=np.array([[10.0]]),
    )  # fmt: skip
    panel = planted.panel(np.full((1, 20, 1), 5.0), np.full((1, 20), 120.0))
    rows = performance_rows(run, panel, planted.nodes([("c0", "c0")]), 1.5)
    more = rows.filter(pl.col("period_id") == "training")["headroom_spend_mean"][0]

    def kpi(spend):
        u = spend / 10.0
        return 100.0 * np.exp(0.5 * u / (1 + u))

    slope = (kpi(5.0 + more + 1e-4) - kpi(5.0 + more - 1e-4)) / 2e-4
    assert slope == pytest.approx(1.5, rel=2e-3)  # found on a grid of 40 steps
    assert rows["saturation_mean"][0] == pytest.approx(1 / 3)  # half of 0.5 log points: u = 0.5


def test_backtest_and_in_sample_means_hold_the_mean_of_the_errors():
    n = 4000
    run = planted.posterior(
        np.full((n, 1, 1), 0.2), 60, level=0.1, kpi_scale=np.array([50.0]),
        kpi_form="multiplicative", sigma=np.full((n, 1), 0.4), rho=np.full((n, 1), 0.5),
    )  # fmt: skip
    panel = planted.panel(np.ones((1, 63, 1)), np.full((1, 63), 60.0))
    fitted = 50 * np.exp(0.2)
    inside = in_sample_rows(run, panel, seed=1).filter(pl.col("method") == "mixloop")
    spread = 0.16 / 0.75
    np.testing.assert_allclose(inside["forecast_mean"], fitted * np.exp(spread / 2), rtol=1e-9)
    np.testing.assert_allclose(
        inside["forecast_p95"].mean(), fitted * np.exp(1.645 * spread**0.5), rtol=0.02
    )
    after = backtest_rows(run, panel, seed=1, horizon_weeks=3)
    first = after.filter((pl.col("method") == "mixloop") & (pl.col("horizon_weeks") == 1))
    assert first["forecast_mean"][0] == pytest.approx(fitted * np.exp(0.08))


def test_a_product_is_judged_on_the_log_scale():
    run, panel = product_world()
    panel = panel.until(run.last_week)
    found = run_draws(run, panel)
    logs = in_log_points(run)
    same = run_draws(logs, replace(panel, outcome=np.log(panel.outcome / run.kpi_scale[:, None])))
    np.testing.assert_allclose(found.fit_steps.var(axis=1), same.fit_steps.var(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found.innovations, same.innovations, atol=1e-9)
    assert found.innovation_variance == same.innovation_variance


@pytest.mark.parametrize("form", ["additive", "multiplicative"])
def test_errors_that_grow_with_the_level_are_seen(form):
    """A KPI that doubles every half year, its errors with it, and one whose errors do not."""
    n_weeks = 100
    rng = np.random.default_rng(8)
    run = planted.posterior(
        np.full((2, 1, 1), 0.2), n_weeks, level=0.0 if form == "multiplicative" else 1.0,
        drivers={"context:size": 1.0}, kpi_scale=np.array([50.0]), kpi_form=form,
    )  # fmt: skip
    size = np.linspace(0.0, 2.0, n_weeks)
    size = size if form == "multiplicative" else np.exp(size)
    panel = planted.panel(np.ones((1, n_weeks, 1)), np.ones((1, n_weeks)), {"context:size": size})
    every = np.ones(n_weeks, dtype=bool)
    level = next(fitted_by_geo(run, panel, every))[:, 0]
    noise = 0.03 * rng.standard_normal(n_weeks)
    growing = run_draws(run, replace(panel, outcome=(level * np.exp(noise))[None])).spread
    even = run_draws(run, replace(panel, outcome=(level + level.min() * noise)[None])).spread
    if form == "additive":
        assert growing > 0.3
        assert abs(even) < 0.2
    else:
        assert abs(growing) < 0.2
        assert even < -0.3


# --- fits ---------------------------------------------------------------------------------------


def test_the_form_goes_through_the_ledger_and_null_is_additive():
    run, _ = product_world()
    frame = posterior_to_frame(run)
    assert frame["kpi_form"].unique().to_list() == ["multiplicative"]
    assert posteriors_from_frame(frame)[0].kpi_form == "multiplicative"
    for old in (frame.with_columns(kpi_form=pl.lit(None, pl.String)), frame.drop("kpi_form")):
        assert posteriors_from_frame(old)[0].kpi_form == "additive"


def task_of(panel, form, **changes):
    values = {
        "run_id": "r",
        "run_kind": "live",
        "model_id": "sales",
        "kpi": "revenue",
        "panel": panel,
        "n_training": len(panel.weeks),
        "media_units": dict.fromkeys(panel.channels, "spend"),
        "share_of_kpi": {},
        "kpi_form": form,
    }
    return FitTask(**values | changes)


def test_the_form_is_part_of_a_run_only_where_it_is_a_product(simulate, to_frames):
    panel = simulate(n_weeks=60, geos=("north",), channels=("search",)).panel
    inputs = to_frames(panel)
    origins = {"origins": 0, "step_weeks": 13, "horizon_weeks": 13, "first_forecast_weeks_ago": 4}

    def live(form):
        models = inputs["models"].with_columns(kpi_form=pl.lit(form, pl.String))
        return fit_tasks(**inputs | {"models": models}, settings=QUICK, **origins)[-1]

    plain = fit_tasks(**inputs, settings=QUICK, **origins)[-1]
    assert live("additive").run_id == live(None).run_id == plain.run_id
    assert "kpi_form" not in json.loads(configuration(plain, QUICK))
    product = live("multiplicative")
    assert product.run_id != plain.run_id
    assert json.loads(configuration(product, QUICK))["kpi_form"] == "multiplicative"
    posterior = fit(product, QUICK).posterior
    assert posterior.kpi_form == "multiplicative"
    assert posterior.kpi_scale == pytest.approx(np.exp(np.log(panel.outcome).mean(axis=1)))


def test_a_product_needs_a_kpi_above_zero(simulate):
    panel = simulate(n_weeks=60, geos=("north",), channels=("search",)).panel
    outcome = panel.outcome.copy()
    outcome[0, 7] = 0.0
    with pytest.raises(ValueError, match=r"'revenue' is zero or below in 1 .*2022-02-21 in north"):
        fit(task_of(replace(panel, outcome=outcome), "multiplicative"), QUICK)
    with pytest.raises(ValueError, match="kpi_form must be one of additive, multiplicative"):
        task_of(panel, "log")


def test_a_planted_product_is_recovered_better_as_one(simulate):
    """Two channels lift a strongly seasonal, growing KPI by a factor."""
    world = simulate(n_weeks=156, geos=("north",), channels=("search", "social"), noise=0.0)
    rng = np.random.default_rng(5)
    size = 1000.0
    logs = 1.5 * world.effect / size  # log points of each channel
    t = np.arange(156)
    base = 0.6 * np.sin(2 * np.pi * t / (365.25 / 7)) + 0.004 * t
    price = world.panel.driver_values[0, :, 0]
    base = base - 0.03 * (price - 10) + rng.normal(0, 0.04, 156)
    outcome = size * np.exp(base + logs.sum(axis=2))
    panel = replace(world.panel, outcome=outcome)
    total = logs.sum(axis=2)
    truth = (outcome[..., None] * -np.expm1(-total)[..., None] * logs / total[..., None])[0]
    settings = FitSettings(chains=2, warmup=150, sweeps=250, max_sweeps=250, draws=250)
    nodes = planted.nodes([("search", "search"), ("social", "social")], model_id="sales")
    error, inside = {}, {}
    for form in ("additive", "multiplicative"):
        run = fit(task_of(panel, form), settings).posterior
        rows = contribution_rows(run, panel, nodes)
        rows = rows.filter(pl.col("geo") == "north")
        found = np.stack(
            [
                rows.filter(pl.col("component_id") == c).sort("week")["contribution_mean"]
                for c in ("search", "social")
            ],
            axis=1,
        )
        error[form] = np.abs(found - truth).sum() / truth.sum()
        frame = performance_rows(run, panel, nodes, 1.0).filter(pl.col("period_id") == "training")
        low, high = (frame.sort("node_id")[f"effect_{q}"].to_numpy() for q in ("p05", "p95"))
        inside[form] = ((low < truth.sum(axis=0)) & (truth.sum(axis=0) < high)).all()
    assert error["multiplicative"] < 0.6 * error["additive"]
    assert error["multiplicative"] < 0.2
    assert inside["multiplicative"]


def test_the_year_of_a_product_is_not_the_sum_of_its_log_points():
    run = planted.posterior(
        np.full((3, 1, 1), 0.4), 20, level=0.1, kpi_scale=np.array([50.0]),
        kpi_form="multiplicative",
    )  # fmt: skip
    panel = planted.panel(np.ones((1, 20, 1)), np.full((1, 20), 60.0))
    asked = {"share_of_kpi": {}, "channel_share_scale": 0.06, "beliefs": {}, "pool_spread": 0.3}
    rows = prior_rows(run, panel, asked, np.random.default_rng(1))
    found = {
        (channel, quantity): value
        for channel, quantity, value in rows.select(
            "channel_id", "quantity", "posterior_p50"
        ).iter_rows()
    }
    assert found["all", "kpi_per_year"] == pytest.approx(365.25 / 7 * 50 * np.exp(0.3))
    assert found["c0", "share_of_kpi"] == pytest.approx(0.2)  # log points
