"""Signs of staleness: hand-computed values, exact false-alarm rates, planted changes."""

import sys
from datetime import date, timedelta
from itertools import product
from math import comb
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mixloop.likewise import ordinary_movement, reference_weights, total_variation
from mixloop.misses import Pushes, needed_on_one_side, new_misses, pushes, sign_test
from mixloop.schemas import STALENESS
from mixloop.stale_signs import (
    Planned,
    RunView,
    Thresholds,
    age_signal,
    channel_signals,
    mix_signals,
    price_signals,
    range_signals,
)
from mixloop.staleness import mean_kernels, records_of, staleness_table

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import staleness as bench

LIMITS = Thresholds()
NOW = np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])  # no carry-over
YEARS = 2 * 52


def view(spend, *, training=YEARS, impressions=None, weights=NOW, plans=None):
    spend = np.asarray(spend, float)
    return RunView(
        ("tv", "web"), spend, spend, np.zeros_like(spend) if impressions is None else impressions,
        weights, np.arange(training), plans or {},
    )  # fmt: skip


def flat(n_weeks, tv=60.0, web=40.0):
    return np.tile([tv, web], (n_weeks, 1))


def plan(spend, **over):
    return Planned(np.asarray(spend, float), np.asarray(spend, float), **over)


def called(signals):
    return {(s.channel_id, s.signal) for s in signals if s.is_triggered}


# --- mix ----------------------------------------------------------------------------------------


def test_mix_shift_is_the_share_that_moved():
    moved = np.vstack([flat(YEARS), flat(13, 35.0, 65.0)])
    (found,) = mix_signals(view(moved), LIMITS)
    assert found.measured == pytest.approx(0.25)
    assert found.threshold == 0.15
    assert found.is_triggered
    assert (found.first, found.last, found.n) == (YEARS, YEARS + 12, 13)
    assert "tv 60% to 35%" in found.sentence


@pytest.mark.parametrize(("web", "is_called"), [(54.0, False), (56.0, True)])
def test_mix_shift_is_called_beyond_the_threshold(web, is_called):
    moved = np.vstack([flat(YEARS), flat(13, 100.0 - web, web)])
    (found,) = mix_signals(view(moved), LIMITS)
    assert found.is_triggered == is_called


def test_an_ordinary_season_is_no_shift():
    # in the last quarter of every year all the money goes to tv
    season = flat(YEARS + 52)
    season[np.arange(len(season)) % 52 >= 39] = (100.0, 0.0)
    assert total_variation(season[:YEARS].sum(axis=0), season[YEARS + 39 :].sum(axis=0)) > 0.25
    (found,) = mix_signals(view(season), LIMITS)
    assert found.measured == pytest.approx(0.0, abs=1e-12)


def test_a_plan_is_compared_with_its_season():
    (found,) = mix_signals(view(flat(YEARS), plans={"next": plan(flat(13, 10.0, 90.0))}), LIMITS)
    assert found.is_triggered
    assert "in plan next" in found.sentence


def test_a_mix_that_moved_as_far_in_training_is_ordinary():
    # the mix went from 60:40 to 20:80 between the two years of training, and stayed there
    spend = np.vstack([flat(52), flat(52, 20.0, 80.0), flat(13, 20.0, 80.0)])
    (found,) = mix_signals(view(spend), LIMITS)
    assert found.measured == pytest.approx(0.2)
    assert found.threshold == pytest.approx(0.4)
    assert not found.is_triggered


def test_without_weeks_or_plan_nothing_is_measured():
    (found,) = mix_signals(view(flat(YEARS)), LIMITS)
    assert found.measured is None
    assert not found.is_triggered


def test_the_reference_never_holds_the_window_itself():
    training = np.arange(YEARS)
    weights = reference_weights(np.arange(91, 104), training)
    assert weights.nonzero()[0].tolist() == list(range(39, 52))
    assert weights.sum() == pytest.approx(1.0)
    assert np.isnan(ordinary_movement(lambda w, r: 1.0, np.arange(20), 13))


# --- channels -----------------------------------------------------------------------------------


def test_new_and_dropped_channels_are_named():
    spend = flat(YEARS + 13)
    spend[:YEARS, 1] = 0.0
    spend[YEARS:, 0] = 0.0
    found = channel_signals(view(spend), LIMITS)
    assert called(found) == {("tv", "dropped_channel"), ("web", "new_channel")}
    dropped = next(s for s in found if s.channel_id == "tv")
    assert (dropped.measured, dropped.threshold) == (13.0, 4.0)


def test_a_pause_as_long_as_in_training_is_no_drop():
    spend = flat(YEARS + 9)
    spend[20:29, 0] = 0.0
    spend[YEARS:, 0] = 0.0
    assert called(channel_signals(view(spend), LIMITS)) == set()


def test_a_plan_can_drop_a_channel():
    gone = plan(flat(8, 0.0, 100.0))
    assert called(channel_signals(view(flat(YEARS), plans={"p": gone}), LIMITS)) == {
        ("tv", "dropped_channel")
    }
    assumed = plan(flat(8, 0.0, 100.0), is_client=False)
    assert called(channel_signals(view(flat(YEARS), plans={"p": assumed}), LIMITS)) == set()


# --- ranges -------------------------------------------------------------------------------------


def test_two_millions_trained_five_asked():
    found = range_signals(view(flat(YEARS), plans={"bold": plan(flat(13) * 2.5)}), LIMITS)
    assert called(found) == {
        (channel, signal)
        for channel in ("tv", "web", "total")
        for signal in ("spend_range", "carryover_range", "budget_range")
    }
    assert {s.measured for s in found} == {2.5}
    assert all(s.first == YEARS for s in found)


def test_a_single_week_is_outside_only_where_it_is():
    spend = flat(13)
    spend[4, 0] = 90.0
    found = range_signals(view(flat(YEARS), plans={"p": plan(spend)}), LIMITS)
    week = next(s for s in found if (s.channel_id, s.signal) == ("tv", "spend_range"))
    assert week.measured == pytest.approx(1.5)
    assert week.first == YEARS + 4
    budget = next(s for s in found if (s.channel_id, s.signal) == ("tv", "budget_range"))
    assert budget.measured == pytest.approx(1.0 + 30.0 / (13 * 60.0))
    assert not budget.is_triggered


def test_carry_over_sums_what_single_weeks_do_not_show():
    # training: one week in three at 300; the plan: 300 every week, carried over for three weeks
    training = flat(YEARS, 0.0, 40.0)
    training[::3, 0] = 300.0
    thirds = np.full((2, 3), 1 / 3)
    every_week = plan(flat(6, 300.0, 40.0))
    found = {
        (s.channel_id, s.signal): s
        for s in range_signals(view(training, weights=thirds, plans={"p": every_week}), LIMITS)
    }
    assert found["tv", "spend_range"].measured == pytest.approx(1.0)
    assert found["tv", "carryover_range"].measured == pytest.approx(3.0)


def test_the_most_in_training_is_a_limit_with_a_margin():
    found = range_signals(view(flat(YEARS), plans={"p": plan(flat(13) * 1.2)}), LIMITS)
    assert called(found) == set()


# --- prices and age -----------------------------------------------------------------------------


@pytest.mark.parametrize(("factor", "is_called"), [(1.14, False), (1.16, True), (0.86, True)])
def test_price_index(factor, is_called):
    spend = flat(YEARS + 13)
    impressions = spend * 100.0
    impressions[YEARS:, 0] /= factor
    impressions[:, 1] = 0.0  # nobody counted them
    (found,) = price_signals(view(spend, impressions=impressions), LIMITS)
    assert found.channel_id == "tv"
    assert found.measured == pytest.approx(factor)
    assert found.is_triggered == is_called


@pytest.mark.parametrize(("weeks", "is_called"), [(13, False), (14, True)])
def test_age(weeks, is_called):
    found = age_signal(view(flat(YEARS + weeks)), LIMITS)
    assert (found.measured, found.is_triggered) == (weeks, is_called)


# --- misses -------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [8, 13, 18])
def test_needed_signs_are_the_exact_binomial(n):
    for level in (0.05, 0.01):
        needed = needed_on_one_side(n, level)
        counted = [2 * sum(comb(n, j) for j in range(k, n + 1)) / 2**n for k in range(n + 1)]
        first = next((k for k in range(n // 2 + 1, n + 1) if counted[k] <= level), None)
        assert needed == first


def test_the_sign_test_holds_its_level_over_all_signs():
    calls = [
        sign_test(np.array(signs), 0.05, least=8).is_called for signs in product((-1, 1), repeat=10)
    ]
    assert 0 < np.mean(calls) <= 0.05
    assert not sign_test(np.ones(7), 0.05, least=8).is_called
    assert sign_test(np.ones(8), 0.05, least=8).direction == 1


def test_new_misses_undo_what_carries_on():
    rng = np.random.default_rng(0)
    shocks = rng.normal(size=5)
    errors = np.zeros(5)
    for t in range(5):
        errors[t] = 0.6 * (errors[t - 1] if t else 0.0) + shocks[t]
    np.testing.assert_allclose(new_misses(np.arange(10, 15), errors, 0.6, 9), shocks)


def test_misses_are_put_down_to_the_channel_that_moved():
    rng = np.random.default_rng(1)
    carried = rng.lognormal(0.0, 0.3, size=(624, 2))
    training, weeks = np.arange(312), np.arange(312, 624)
    misses = -0.5 * (carried[weeks, 0] - carried[training, 0].mean())  # tv does less than thought
    found = pushes(weeks, misses, 0.0, carried, training)
    assert np.mean(found.by_channel[:, 0] < 0) > 0.95
    share = np.abs(found.by_channel.sum(axis=0))
    assert share[1] < 0.2 * share[0]


def test_a_channel_that_never_varied_is_not_judged():
    carried = np.column_stack([np.full(60, 5.0), np.arange(60.0)])
    found = pushes(np.array([52]), np.array([1.0]), 0.0, carried, np.arange(52))
    assert np.isnan(found.by_channel[0, 0])
    assert np.isfinite(found.by_channel[0, 1])


def test_channels_that_move_as_one_share_what_they_missed():
    rng = np.random.default_rng(2)
    one = rng.lognormal(0.0, 0.3, size=130)
    carried = np.column_stack([one, one])
    found = pushes(np.arange(104, 130), rng.normal(size=26), 0.3, carried, np.arange(104))
    assert np.isfinite(found.by_channel).all()
    np.testing.assert_allclose(found.by_channel[:, 0], found.by_channel[:, 1])


def test_a_run_is_judged_by_what_was_forecast_up_to_it():
    """Week 6 was forecast by both runs: the older run is judged by its own, the newer by its."""
    first = Pushes(np.array([5, 6]), np.array([1.0, 2.0]), np.array([[1.0], [2.0]]))
    second = Pushes(np.array([6, 7]), np.array([-3.0, -4.0]), np.array([[-3.0], [-4.0]]))
    records = records_of([first, second], 1)
    older, newer = records.known_to(0), records.known_to(1)
    assert (older.weeks.tolist(), older.total.tolist()) == ([5, 6], [1.0, 2.0])
    assert (newer.weeks.tolist(), newer.total.tolist()) == ([5, 6, 7], [1.0, -3.0, -4.0])
    assert newer.by_channel.ravel().tolist() == [1.0, -3.0, -4.0]


# --- frames -------------------------------------------------------------------------------------


def frames(n_since=13):
    start = date(2022, 1, 3)
    weeks = [start + timedelta(weeks=i) for i in range(YEARS + n_since)]
    known = weeks[-1]
    return {
        "runs": pl.DataFrame(
            [
                {"run_id": "old", "model_id": "m", "as_of_week": weeks[YEARS - 1],
                 "first_training_week": weeks[0], "last_known_week": known, "carryover_weeks": 2,
                 "rho": 0.0, "run_number": 2, "is_judged": True},
                {"run_id": "new", "model_id": "m", "as_of_week": known,
                 "first_training_week": weeks[n_since], "last_known_week": known,
                 "carryover_weeks": 2, "rho": 0.0, "run_number": 1, "is_judged": True},
            ]
        ),
        "kernels": pl.DataFrame(
            [{"run_id": run, "channel_id": c, "kernel": "geometric", "decay": 0.5, "n_draws": 10}
             for run in ("old", "new") for c in ("tv", "web")]
        ),
        "media": pl.DataFrame(
            [{"model_id": "m", "week": week, "channel_id": c, "spend": s, "exposure": s,
              "impressions": 0.0}
             for i, week in enumerate(weeks)
             for c, s in (("tv", 60.0 + i % 3), ("web", 40.0 + i % 5))]
        ),
        "plans": pl.DataFrame(
            [{"model_id": "m", "plan_id": "p", "week": known + timedelta(weeks=h),
              "channel_id": c, "plan_source": "client", "planned_spend": s, "planned_value": s}
             for h in range(1, 5) for c, s in (("tv", 200.0), ("web", 40.0))]
        ),
        "misses": pl.DataFrame(
            [{"run_id": "old", "week": week, "miss": -1.0} for week in weeks[YEARS:]],
            schema={"run_id": pl.String, "week": pl.Date, "miss": pl.Float64},
        ),
        "logged": pl.DataFrame(
            [{"model_id": "m", "channel_id": "tv", "week": known, "record_id": f"t{i}",
              "miss": -5.0} for i in range(9)]
        ),
        "settings": {name: str(value) for name, value in vars(LIMITS).items()},
    }  # fmt: skip


def test_rows_of_judged_runs():
    found = staleness_table(**frames(14))
    assert dict(found.schema) == STALENESS
    assert found.select("run_id", "channel_id", "signal").is_duplicated().sum() == 0
    triggered = found.filter("is_triggered")
    assert triggered["remedy"].null_count() == 0
    assert found.filter(~pl.col("is_triggered"))["remedy"].null_count() == found.height - (
        triggered.height
    )
    age = dict(found.filter(pl.col("signal") == "age").select("run_id", "measured").rows())
    assert age == {"old": 14.0, "new": 0.0}
    ranged = found.filter(
        pl.col("signal") == "spend_range", pl.col("channel_id") == "tv", pl.col("is_triggered")
    )
    assert set(ranged["run_id"]) == {"old", "new"}
    assert set(ranged["first_week"]) == {frames(14)["runs"]["as_of_week"][1] + timedelta(weeks=1)}


def test_measured_decisions_and_tests_count_as_misses():
    found = staleness_table(**frames())
    tv = found.filter(pl.col("signal") == "misses", pl.col("channel_id") == "tv")
    assert tv["n_observations"].to_list() == [12, 12]  # three blocks of weeks, nine tests
    assert "(9 from decisions and tests)" in tv["sentence"][0]
    without = frames() | {"logged": frames()["logged"].clear()}
    few = staleness_table(**without).filter(pl.col("signal") == "misses")
    assert not few["is_triggered"].any()


def test_same_frames_in_any_order_give_the_same_rows():
    asked = frames()
    shuffled = {
        name: frame.sample(fraction=1.0, shuffle=True, seed=3) if name != "settings" else frame
        for name, frame in asked.items()
    }
    assert staleness_table(**asked).equals(staleness_table(**shuffled))


def test_mean_kernels_weigh_the_draws():
    kernels = pl.DataFrame(
        {"channel_id": ["tv", "tv"], "kernel": ["geometric"] * 2, "decay": [0.0, 0.5],
         "n_draws": [1, 3]}
    )  # fmt: skip
    found = mean_kernels(kernels, ("tv", "web"), 1)
    np.testing.assert_allclose(found, [[0.25 + 0.75 * 2 / 3, 0.75 / 3], [0.0, 0.0]])


# --- worlds -------------------------------------------------------------------------------------


def test_a_stationary_world_is_seldom_called():
    found = bench.stationary(10, LIMITS)
    assert found["checks"] == 120
    assert found["any"] <= 0.2  # 15% are stated; three standard errors of 120 checks more
    assert found.get("misses", 0.0) <= 0.1
    assert found.get("mix_shift", 0.0) <= 0.03


@pytest.mark.parametrize(
    ("case", "weeks"), [("mix", 13), ("new", 0), ("dropped", 13), ("price", 13), ("plan", 0)]
)
def test_planted_changes_are_called(case, weeks):
    found = bench.planted(case, 2, LIMITS, step=bench.QUARTER)
    assert found["called"] == 1.0
    assert found["weeks_p90"] <= weeks
