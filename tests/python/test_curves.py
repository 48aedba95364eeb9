import numpy as np
import planted
import polars as pl
import pytest

from mixloop.curves import curve_rows, geo_shares
from mixloop.schemas import CURVES

PLAN = {
    "plan_id": pl.String, "plan_source": pl.String, "item_type": pl.String, "item_id": pl.String,
    "geo": pl.String, "week": pl.Date, "planned_value": pl.Float64,
}  # fmt: skip
NO_PLAN = pl.DataFrame(schema=PLAN)


def plan(*rows):
    weeks = planted.weeks(9).astype(object)
    return pl.DataFrame(
        [(p, s, "channel", c, g, weeks[w], v) for p, s, c, g, w, v in rows], PLAN, orient="row"
    )


def simple():
    """Two geos at scales 10 and 20, full effects 8 and 4; a third and two thirds of exposure."""
    run = planted.posterior(
        [[[0.08], [0.04]]], 20, kpi_scale=np.array([100.0, 100.0]),
        exposure_scale=np.array([[10.0], [20.0]]),
    )  # fmt: skip
    exposure = np.stack([np.full((20, 1), 5.0), np.full((20, 1), 10.0)])
    exposure[:, :7] = 0.0
    return run, planted.panel(exposure)


def test_response_by_hand():
    run, panel = simple()
    frame = curve_rows(run, panel, NO_PLAN, 3)  # 0, 15 and 30 a week
    assert frame.schema == CURVES
    assert frame["weekly_exposure"].to_list() == [0.0, 15.0, 30.0]
    assert frame["weekly_spend"].to_list() == [0.0, 15.0, 30.0]
    # at 15: u = 0.5 in both; 12 x 0.5 / 1.5. at 30: u = 1
    np.testing.assert_allclose(frame["response_mean"], [0.0, 4.0, 6.0])
    # 8 x (1/3) / 10 x hill' + 4 x (2/3) / 20 x hill', hill' = 1 / (1 + u)^2
    slope = 8 / 30 + 4 / 30
    np.testing.assert_allclose(
        frame["marginal_response_p50"], [slope, slope / 2.25, slope / 4], 1e-5
    )
    assert frame["is_in_observed_range"].to_list() == [True, True, False]
    assert frame["current_weekly_exposure"].to_list() == [15.0] * 3
    assert frame["planned_weekly_exposure"].to_list() == [None] * 3


def test_margin_is_the_derivative_of_the_response():
    run, panel = planted.world(n_draws=1)
    frame = curve_rows(run, panel, NO_PLAN, 2001)
    for channel in run.channels:
        own = frame.filter(pl.col("channel_id") == channel).sort("point")
        slope = np.gradient(own["response_mean"].to_numpy(), own["weekly_exposure"].to_numpy())
        np.testing.assert_allclose(own["marginal_response_mean"][50:-1], slope[50:-1], rtol=2e-3)


def test_curve_reaches_the_plan_of_the_client():
    run, panel = simple()
    plans = plan(
        ("a_status_quo", "assumed", "c0", "g0", 0, 500.0),
        ("b_plan", "client", "c0", "g0", 0, 40.0),
        ("b_plan", "client", "c0", "g1", 0, 20.0),
        ("b_plan", "client", "c0", "g0", 1, 20.0),
    )
    frame = curve_rows(run, panel, plans, 5)
    assert frame["planned_weekly_exposure"].to_list() == [40.0] * 5  # (60 + 20) / 2 weeks
    assert frame["weekly_exposure"].max() == 40.0


def test_impressions_have_no_spend():
    run, panel = simple()
    run = planted.replace(run, media_units=("impressions",))
    free = planted.replace(panel, spend=0.0 * panel.spend)
    assert curve_rows(run, free, NO_PLAN, 3)["weekly_spend"].null_count() == 3


def test_impressions_that_are_paid_for_cost_their_price_of_late():
    run, panel = simple()
    run = planted.replace(run, media_units=("impressions",))
    spend = panel.spend * np.r_[[9.0] * 7, [0.2] * 13][:, None]
    frame = curve_rows(run, planted.replace(panel, spend=spend), NO_PLAN, 3)
    assert frame["weekly_spend"].to_list() == pytest.approx([0.0, 3.0, 6.0])


def test_geo_shares():
    exposure = np.zeros((2, 60))
    exposure[0, 0], exposure[1, 1] = 3.0, 1.0
    np.testing.assert_allclose(geo_shares(exposure), [0.75, 0.25])  # off for the last 52 weeks
    exposure[1, 59] = 1.0
    np.testing.assert_allclose(geo_shares(exposure), [0.0, 1.0])
    np.testing.assert_allclose(geo_shares(exposure * 0.0), [0.5, 0.5])


def test_one_point_is_no_curve():
    run, panel = simple()
    with pytest.raises(ValueError, match="mixloop__curve_points"):
        curve_rows(run, panel, NO_PLAN, 1)
