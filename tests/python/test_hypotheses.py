"""Too much or too little money: closed forms, planted orderings, the year that comes again."""

from dataclasses import replace

import numpy as np
import pytest
from tests.python import planted

from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forms import MULTIPLICATIVE
from mixloop.hypotheses import LEVELS, NOW, direction_of, hypothesis_rows, stake, year_response
from mixloop.reach import REACH_FREQUENCY
from mixloop.schemas import HYPOTHESES
from mixloop.shapes import distinct_shapes, full_effect
from mixloop.transforms import hill

# hill(u) = u / (u + 1), scale 1, spend 1 every week: an effect of b u / (u + 1), a slope of b / 4


def steady(coefs, n_weeks=60, spend=1.0):
    """A run with one channel for each coefficient, spending the same every week."""
    coefs = np.asarray(coefs, float)  # (S, C)
    run = planted.posterior(coefs[:, None, :], n_weeks)
    return run, planted.panel(np.full((1, n_weeks, coefs.shape[1]), spend))


def rows(run, panel, hurdle=1.0, lean=0.6):
    found = hypothesis_rows(run, panel, hurdle_roi=hurdle, lean=lean)
    assert dict(found.schema) == HYPOTHESES
    return {row["channel_id"]: row for row in found.iter_rows(named=True)}


def test_marginal_return_and_probability_by_hand():
    run, panel = steady([[2.0], [3.0], [5.0], [8.0]])  # slopes 0.5, 0.75, 1.25, 2
    row = rows(run, panel)["c0"]
    assert row["p_over"] == 0.5
    assert row["direction"] == "open"
    assert row["marginal_roi_mean"] == pytest.approx((0.5 + 0.75 + 1.25 + 2.0) / 4)
    assert row["weekly_spend"] == 1.0


@pytest.mark.parametrize(
    ("coef", "direction", "best"),
    [
        # best where b / (u + 1)^2 = 1, u = sqrt(b) - 1: on the grid of tenths
        (1.96, "over", 0.4),
        (2.89, "over", 0.7),
        (6.25, "under", 1.5),
        (40.0, "under", 2.0),  # twice today's is the most that is looked at
        (0.5, "over", 0.0),
    ],
)
def test_best_level_and_gain_by_hand(coef, direction, best):
    run, panel = steady([[coef], [coef * 1.0001]])
    row = rows(run, panel)["c0"]
    assert row["direction"] == direction
    assert row["best_weekly_spend"] == pytest.approx(best)
    assert row["movable_spend_p50"] == pytest.approx(abs(best - 1.0))
    gain = coef * best / (best + 1) - best - (coef / 2 - 1.0)
    assert row["gain_mean"] == pytest.approx(gain, rel=1e-3)
    assert row["gain_mean"] > 0


def test_hurdle_moves_the_answer():
    run, panel = steady([[6.25], [6.26]])
    assert rows(run, panel, hurdle=1.0)["c0"]["direction"] == "under"
    assert rows(run, panel, hurdle=2.0)["c0"]["direction"] == "over"


def test_the_year_comes_again():
    # spend in one week of the year; carried over, it returns at the beginning
    exposure = np.zeros((1, 52))
    exposure[0, -1] = 9.0
    run = planted.posterior([[[1.0]]], 60, decay=np.full((1, 1), 0.5))
    shapes = distinct_shapes(run)[0]
    response, _ = year_response(shapes, full_effect(run, 0), np.ones(1), exposure)
    carried = 9.0 * np.array([4, 2, 1]) / 7
    assert response[NOW, 0] == pytest.approx((carried / (carried + 1)).sum() / 52)


@pytest.mark.parametrize("form", ["additive", MULTIPLICATIVE])
def test_marginal_is_the_slope_of_the_response(form):
    run, panel = planted.world(n_draws=12)
    run = replace(run, kpi_form=form)
    shapes = distinct_shapes(run)[0]
    others = None if form == "additive" else np.full((12, 3), 50.0)
    exposure = panel.exposure[:, -52:, 0]
    full = full_effect(run, 0)
    step = 1e-4
    scale = run.exposure_scale[:, 0]
    _, marginal = year_response(shapes, full, scale, exposure, others)
    up, _ = year_response(shapes, full, scale, exposure * (1 + step), others)
    down, _ = year_response(shapes, full, scale, exposure * (1 - step), others)
    np.testing.assert_allclose(marginal, (up[NOW] - down[NOW]) / (2 * step), rtol=1e-4)


def test_more_money_reaches_more_people_as_often():
    # one contact a week with half at 1: half of the effect of a person; 4 people, 2 of each money
    run = replace(planted.posterior([[[6.0]], [[6.2]]], 60), media_units=(REACH_FREQUENCY,))
    panel = replace(
        planted.panel(np.full((1, 60, 1), 4.0), spend=np.full((1, 60, 1), 2.0)),
        frequency=np.ones((1, 60, 1)),
    )
    row = rows(run, panel)["c0"]
    assert row["marginal_roi_mean"] == pytest.approx(6.1 * 4 * 0.5 / 2)
    assert row["best_weekly_spend"] == pytest.approx(4.0)
    assert row["gain_mean"] == pytest.approx(6.1 * 4 * 0.5 - 2.0)


def test_no_channel_without_a_range_and_none_without_money():
    run, panel = planted.world()
    spend = panel.spend.copy()
    spend[:, :, 2] = 0.0
    found = rows(run, replace(panel, spend=spend))
    assert set(found) == {"c0", "c1", "c3"}
    for row in found.values():
        assert row["marginal_roi_p05"] < row["marginal_roi_p95"]
        assert 0.0 <= row["p_over"] <= 1.0
        assert row["movable_spend_p05"] <= row["movable_spend_mean"]


def test_stake_looks_at_one_side_only():
    response = np.sqrt(LEVELS)[:, None] * np.array([1.0, 4.0])  # best at 0.25 and at 4
    found = stake(response, np.zeros(2), 1.0, 1.0, down=True)
    np.testing.assert_allclose(found["movable"], [0.75, 0.0], atol=0.051)
    found = stake(response, np.zeros(2), 1.0, 1.0, down=False)
    np.testing.assert_allclose(found["movable"], [0.0, 1.0])


def test_direction_at_the_lean():
    assert [direction_of(p, 0.6) for p in (0.6, 0.59, 0.41, 0.4)] == [
        "over",
        "open",
        "open",
        "under",
    ]


def test_planted_orderings_are_found_by_a_fit():
    """Early diminishing returns and an under-invested channel, from data alone."""
    rng = np.random.default_rng(11)
    n_weeks = 156
    spend = rng.lognormal(0.0, 0.7, (1, n_weeks, 3)) * 10.0
    u = spend[0] / spend[0].max(axis=0)
    # effect at full saturation, and where half of it is reached: early, later, far away
    size, half = np.array([80.0, 150.0, 600.0]), np.array([0.1, 0.4, 2.0])
    effect = hill(u, half, 1.0) * size
    kpi = 800.0 + effect.sum(axis=1) + rng.normal(0.0, 12.0, n_weeks)
    panel = planted.panel(spend, kpi[None])
    task = FitTask(
        run_id="r", run_kind="live", model_id="m", kpi="revenue", panel=panel, n_training=n_weeks,
        media_units=dict.fromkeys(panel.channels, "spend"), share_of_kpi={},
    )  # fmt: skip
    settings = FitSettings(chains=2, warmup=100, sweeps=200, max_sweeps=200, draws=400)
    run = fit(task, settings).posterior
    slope = half / (u + half) ** 2 * size  # of each week, per scale
    true = (slope * u).mean(axis=0) / spend[0].mean(axis=0)
    assert true[0] < 2.0 < true[1] < true[2]
    found = rows(run, panel, hurdle=2.0)
    assert [found[c]["direction"] for c in panel.channels] == ["over", "under", "under"]
    marginal = [found[c]["marginal_roi_p50"] for c in panel.channels]
    assert marginal == sorted(marginal)
    for c, channel in enumerate(panel.channels):
        low, high = (found[channel][f"marginal_roi_{part}"] for part in ("p05", "p95"))
        assert low - 0.5 < true[c] < high + 0.5
    assert found["c0"]["gain_mean"] > 0
    assert found["c0"]["best_weekly_spend"] < found["c0"]["weekly_spend"]
