import time

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.performance import headroom, performance_rows, periods
from mixloop.schemas import PERFORMANCE
from mixloop.shapes import distinct_shapes, full_effect
from mixloop.transforms import hill_slope

TREE = [("c0", "c0"), ("c1", "c1"), ("media", "c0"), ("media", "c1")]


def row(frame, period, node):
    return frame.filter((pl.col("period_id") == period) & (pl.col("node_id") == node)).row(
        0, named=True
    )


def test_periods_of_sixty_weeks_over_a_new_year():
    # training begins on 2023-12-04 after one week of lead-in: four weeks of 2023, 52 + 4 of 2024/5
    weeks = planted.weeks(61, np.datetime64("2023-11-27"))
    found = periods(weeks, np.arange(61) > 0)
    assert {name: int(window.sum()) for name, window in found.items()} == {
        "training": 60,
        "last_52_weeks": 52,
        "last_13_weeks": 13,
        "year_2023": 4,
        "year_2024": 53,
        "year_2025": 3,
    }
    assert found["last_13_weeks"][-13:].all()
    assert not found["training"][0]


def simple():
    """Two channels, one geo, 20 weeks: u = 1 and u = 3 each week, full effects 8 and 4."""
    exposure = np.tile([10.0, 30.0], (1, 20, 1))
    run = planted.posterior(
        [[[0.08, 0.04]], [[0.16, 0.04]]],
        20,
        kpi_scale=np.array([100.0]),
        exposure_scale=np.array([[10.0, 10.0]]),
    )
    return run, planted.panel(exposure, outcome=np.full((1, 20), 50.0))


def test_hand_computed_channel():
    run, panel = simple()
    frame = performance_rows(run, panel, planted.nodes(TREE), 0.5)
    assert frame.schema == PERFORMANCE
    found = row(frame, "last_13_weeks", "c0")  # weekly effect 4 and 8, weekly spend 10
    assert found["spend"] == 130.0
    np.testing.assert_allclose(found["share_of_spend"], 0.25)
    np.testing.assert_allclose(found["effect_mean"], 78.0)
    np.testing.assert_allclose(found["roi_mean"], 0.6)
    np.testing.assert_allclose(found["roi_p05"], 0.42)
    np.testing.assert_allclose(found["share_of_kpi_mean"], 0.12)
    # c1 brings 3 a week: shares 4/7 and 8/11
    np.testing.assert_allclose(found["share_of_effect_mean"], (4 / 7 + 8 / 11) / 2)
    np.testing.assert_allclose(found["saturation_mean"], 0.5)
    np.testing.assert_allclose(found["half_life_weeks_mean"], 0.5)  # all of it within a week
    np.testing.assert_allclose(found["cost_per_outcome_mean"], 130 / 78)
    np.testing.assert_allclose(found["cost_per_outcome_p95"], 2.5 - 0.05 * 1.25)
    assert found["period_start"] == planted.weeks(20)[7].item()
    assert found["period_end"] == planted.weeks(20)[19].item()


def test_marginal_roi_is_that_of_one_per_cent_more():
    run, panel = simple()
    frame = performance_rows(run, panel, planted.nodes(TREE), 0.5)
    # c1: full effect 4, u = 3 -> 3.03, spend 30 -> 30.3
    exact = 4 * (3.03 / 4.03 - 3 / 4) / 0.3
    derivative = 4 * float(hill_slope(np.array([3.0]), 1.0, 1.0)[0]) / 10.0
    found = row(frame, "training", "c1")["marginal_roi_mean"]
    np.testing.assert_allclose(found, exact, rtol=1e-9)
    np.testing.assert_allclose(found, derivative, rtol=0.01)
    # only the period's own spend is raised, so 13 weeks of it return the same
    recent = row(frame, "last_13_weeks", "c1")["marginal_roi_mean"]
    np.testing.assert_allclose(recent, exact, rtol=1e-9)
    # c0: full effects 8 and 16 at u = 1: 0.2 and 0.4 by the derivative
    assert row(frame, "training", "c0")["p_marginal_roi_above_hurdle"] == 0.0
    above = performance_rows(run, panel, planted.nodes(TREE), 0.3)
    assert row(above, "training", "c0")["p_marginal_roi_above_hurdle"] == 0.5


def test_subtotal_comes_from_joint_draws():
    run, panel = simple()
    node = row(performance_rows(run, panel, planted.nodes(TREE), 0.5), "training", "media")
    assert not node["is_additive"]
    np.testing.assert_allclose(node["roi_mean"], (7 / 40 + 11 / 40) / 2)
    c0, c1 = 8 * (1.01 / 2.01 - 0.5), 4 * (3.03 / 4.03 - 0.75)
    expected = [(c0 + c1) / 0.4, (2 * c0 + c1) / 0.4]
    np.testing.assert_allclose(node["marginal_roi_mean"], np.mean(expected), rtol=1e-9)
    np.testing.assert_allclose(node["share_of_effect_p50"], 1.0)
    for name in ("saturation_mean", "half_life_weeks_p50", "headroom_spend_mean"):
        assert node[name] is None
        channel = performance_rows(run, panel, planted.nodes(TREE), 0.5)
        assert row(channel, "training", "c0")[name] is not None


def test_carry_over_after_the_period_counts_for_the_margin_not_for_the_effect():
    # spend in the last week of 2024 only; the weights 2/3, 1/3 bring a third of it in 2025
    first = np.datetime64("2024-12-23")
    exposure = np.array([[[0.0], [1e-6], [0.0]]])
    run = planted.posterior(
        [[[1e6]]], 3, decay=np.array([[0.5]]), carryover_weeks=1,
        first_week=first, last_week=first + 2 * planted.WEEK,
    )  # fmt: skip
    panel = planted.panel(exposure, outcome=np.ones((1, 3)), first=first)
    found = row(performance_rows(run, panel, planted.nodes([]), 1.0), "year_2024", "c0")
    # so far below saturation the curve is a line: effect = 1e6 x u
    np.testing.assert_allclose(found["effect_mean"], 2 / 3, rtol=1e-5)
    np.testing.assert_allclose(found["marginal_roi_mean"], 1e6, rtol=1e-4)


def test_without_spend_returns_are_null_and_the_effect_is_not():
    run, panel = simple()
    free = planted.replace(panel, spend=panel.spend * [0.0, 1.0])
    frame = performance_rows(run, free, planted.nodes(TREE), 0.5)
    found = row(frame, "training", "c0")
    assert found["effect_mean"] > 0
    for name in ("roi_mean", "marginal_roi_p50", "cost_per_outcome_mean", "headroom_spend_mean",
                 "p_marginal_roi_above_hurdle"):  # fmt: skip
        assert found[name] is None
    # the node's marginal return is that of its paid channel alone
    paid = 4 * (3.03 / 4.03 - 0.75) / 0.3
    np.testing.assert_allclose(row(frame, "training", "media")["marginal_roi_mean"], paid)


def test_share_of_kpi_leaves_out_weeks_without_kpi():
    run, panel = simple()
    outcome = panel.outcome.copy()
    outcome[0, :10] = np.nan
    frame = performance_rows(run, planted.replace(panel, outcome=outcome), planted.nodes([]), 0.5)
    np.testing.assert_allclose(row(frame, "training", "c1")["share_of_kpi_mean"], 3 / 50)


def test_a_geo_where_the_channel_never_ran_does_not_dilute_saturation():
    run = planted.posterior([[[1.0], [1.0]]], 4)
    panel = planted.panel([[[1.0]] * 4, [[0.0]] * 4], outcome=np.ones((2, 4)))
    found = row(performance_rows(run, panel, planted.nodes([]), 0.5), "training", "c0")
    np.testing.assert_allclose(found["saturation_mean"], 0.5)


@pytest.mark.parametrize(
    ("hurdle", "expected"),
    [
        (0.4, 0.0),  # the margin is 0.4 at u = 1: 16 / 10 / (1 + 1)^2
        (1.0, 0.0),
        # full x half / scale / (u + half)^2 = hurdle  ->  u = sqrt(1.6 / hurdle) - 1
        (0.1, 10 * (np.sqrt(16.0) - 2.0)),
        (0.2, 10 * (np.sqrt(8.0) - 2.0)),
        (0.01, 40.0),  # never within five times the current spend: capped
    ],
)
def test_headroom_closed_form(hurdle, expected):
    run = planted.posterior([[[0.16]]], 1, kpi_scale=np.array([100.0]))
    found = headroom(
        distinct_shapes(run)[0], full_effect(run, 0), np.array([10.0]), np.array([10.0]), hurdle
    )
    np.testing.assert_allclose(found, [expected], rtol=2e-3)


def test_headroom_without_spend_is_unknown():
    run = planted.posterior([[[0.16]]], 1)
    found = headroom(distinct_shapes(run)[0], full_effect(run, 0), np.ones(1), np.zeros(1), 1.0)
    assert np.isnan(found).all()


def test_node_effects_equal_contributions():
    from mixloop.contributions import contribution_rows

    run, panel = planted.world()
    tree = planted.nodes([("top", "c0"), ("top", "c3")])
    weekly = contribution_rows(run, panel, tree).filter(pl.col("geo") == "all")
    frame = performance_rows(run, panel, tree, 1.0)
    for node in ("top", "c0", "c2"):
        total = weekly.filter(pl.col("component_id") == node)["contribution_mean"].sum()
        np.testing.assert_allclose(row(frame, "training", node)["effect_mean"], total)


def test_large_run_is_quick():
    run, panel = planted.world(n_draws=1000, n_geos=8, n_weeks=156, n_channels=8)
    start = time.perf_counter()
    performance_rows(run, panel, planted.nodes([("all", f"c{c}") for c in range(8)]), 1.0)
    assert time.perf_counter() - start < 6.0
