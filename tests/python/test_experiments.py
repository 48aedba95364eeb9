"""Lift tests in a run's data: which count, what effect they stand for, how much they count."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from planted import FIRST, WEEK, panel

from mixloop.experiments import (
    LiftTest,
    counterfactual,
    effect_per_coefficient,
    error_factors,
    known_at,
    read_lift_tests,
    spend_gap,
    unseen_share,
)
from mixloop.sampler import transform_media
from mixloop.transforms import TransformGrid, adstock, adstock_weights, default_grid, hill

WEEKS = [str(FIRST + WEEK * k) for k in range(60)]
ONE = TransformGrid(
    ("geometric",), ("hill",), np.array([0.5]), np.array([0.5]), np.array([1.5]), np.array([0.0])
)


def lift_test(first=10, last=13, **changes):
    values = {
        "evidence_id": "t",
        "channel_id": "c0",
        "geos": (),
        "start_week": WEEKS[first],
        "end_week": WEEKS[last],
        "spend_actual": 100.0,
        "spend_counterfactual": 50.0,
        "lift": 7.0,
        "standard_error": 2.0,
    }
    return LiftTest(**(values | changes))


def two_geos(n_weeks=20):
    exposure = np.random.default_rng(4).uniform(1, 9, size=(2, n_weeks, 2))
    return panel(exposure)


# --- which tests a run knows --------------------------------------------------------------------


def test_a_run_knows_tests_that_ended_in_its_training_weeks():
    data = two_geos(20)
    tests = [lift_test(first, last, evidence_id=f"{first}") for first, last in ((5, 9), (4, 8))]
    tests += [lift_test(15, 20, evidence_id="not over"), lift_test(3, 9, evidence_id="too early")]
    tests += [lift_test(5, 9, evidence_id="elsewhere", geos=("g0", "mars"))]
    assert [test.evidence_id for test in known_at(tests, data, n_training=16)] == ["4", "5"]
    assert known_at(tests, data.until(data.weeks[7]), n_training=4) == []


def test_a_measured_decision_counts_in_weeks_before_training_whose_media_are_there():
    data = panel(np.ones((2, 20, 1)), geos=("g0", "g1"))
    told = {"source": "decision"}
    tests = [lift_test(1, 3, evidence_id="gone", **told)]
    assert known_at([lift_test(1, 3)], data, n_training=16) == []
    assert known_at(tests, data, n_training=16) == tests
    early = lift_test(1, 3, start_week=str(FIRST - WEEK), **told)
    assert known_at([early], data, n_training=16) == []


def test_rows_are_read_as_they_are_written():
    row = {
        "evidence_id": "t",
        "channel_id": "c0",
        "geos": ["b", "a"],
        "start_week": FIRST.item(),
        "end_week": (FIRST + WEEK).item(),
        "spend_actual": 3.0,
        "spend_counterfactual": 1.0,
        "lift": 7.0,
        "standard_error": 2.0,
        "model_id": "m",
    }
    (found,) = read_lift_tests(pl.DataFrame([row]))
    told = {"spend_actual": 3.0, "spend_counterfactual": 1.0, "geos": ("a", "b")}
    assert found == lift_test(0, 1, **told)


# --- what would have been -----------------------------------------------------------------------


def test_exposure_of_the_window_is_scaled_to_the_counterfactual_money():
    data = two_geos()
    without = counterfactual(lift_test(10, 13, geos=("g1",)), data, 0)
    expected = data.exposure[:, :, 0].copy()
    expected[1, 10:14] *= 0.5
    np.testing.assert_allclose(without, expected)


def test_a_channel_that_was_switched_off_would_have_spent_evenly_as_usual():
    exposure = np.zeros((2, 6, 1))
    exposure[0, :3, 0], exposure[1, :3, 0] = 30.0, 10.0
    data = panel(exposure, spend=2.0 * exposure)  # an impression costs 2
    test = lift_test(4, 5, spend_actual=0.0, spend_counterfactual=80.0)
    without = counterfactual(test, data, 0)
    np.testing.assert_allclose(without[:, 4:], [[15.0, 15.0], [5.0, 5.0]])  # 80 / 2 weeks / 2
    np.testing.assert_array_equal(without[:, :4], exposure[:, :4, 0])
    # in one geo only, and where the channel never ran
    alone = counterfactual(replace(test, geos=("g1",)), data, 0)
    np.testing.assert_allclose(alone[:, 4:], [[0.0, 0.0], [20.0, 20.0]])
    never = counterfactual(test, panel(np.zeros((2, 6, 1))), 0)
    np.testing.assert_allclose(never[:, 4:], 20.0)


def test_the_effect_is_that_of_both_curves_up_to_the_tests_last_week():
    data, scale = two_geos(), np.array([9.0, 5.0])
    worth = np.array([[100.0], [300.0]]) * np.linspace(1.0, 2.0, 20)
    test = lift_test(10, 13, geos=("g1",))
    found = effect_per_coefficient(test, data, 0, scale, worth, ONE, 6)
    weights = adstock_weights("geometric", 0.5, 6)
    curves = [
        hill(adstock(x[1] / 5.0, weights), 0.5, 1.5)
        for x in (data.exposure[:, :, 0], counterfactual(test, data, 0))
    ]
    gained = curves[0] - curves[1]
    np.testing.assert_allclose(found, [[0.0], [(worth[1] * gained)[10:14].sum()]])
    assert gained[14:].sum() > 0.05 * gained.sum()  # what comes later is not counted


def test_every_transform_of_the_grid_has_its_own_effect():
    data, grid = two_geos(), default_grid()
    found = effect_per_coefficient(lift_test(), data, 1, np.ones(2), np.ones((2, 20)), grid, 12)
    assert found.shape == (2, len(grid.kernel)) and (found > 0).all()
    media = transform_media(data.exposure, grid, 12)[1]
    without = data.exposure.copy()
    without[:, 10:14, 1] *= 0.5
    gained = media - transform_media(without, grid, 12)[1]
    np.testing.assert_allclose(found, gained[:, :, 10:14].sum(axis=2))


# --- how far it is believed ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("current", "gap"),
    [
        (20.0, 1.0),  # between 12.5 and 25 a week
        (50.0, 2.0),
        (6.25, 2.0),
        (100.0, 4.0),
        (0.0, np.inf),
    ],
)
def test_the_gap_is_the_distance_to_the_levels_that_were_compared(current, gap):
    exposure = np.full((2, 30, 1), 999.0)  # the other geo does not count
    exposure[0] = 25.0
    exposure[0, -13:] = current
    test = lift_test(4, 7, geos=("g0",))
    assert spend_gap(test, panel(exposure), 0) == pytest.approx(gap)
    factors = error_factors(test, panel(exposure), 0, ONE, ONE.log_prior, 0, 52.0)
    assert factors.gap == pytest.approx(min(1 + np.log2(gap) ** 2, 4.0))


def test_age_doubles_the_variance_every_half_life():
    data = panel(np.full((1, 60, 1), 25.0))
    for last, half_life, expected in ((59, 52.0, 1.0), (7, 52.0, 2.0), (7, 26.0, 4.0)):
        test = lift_test(last - 3, last)
        assert error_factors(test, data, 0, ONE, ONE.log_prior, 0, half_life).age == expected


def test_a_test_shorter_than_the_carry_over_counts_less():
    data = panel(np.full((1, 30, 1), 25.0))
    weights = adstock_weights("geometric", 0.5, 12)
    assert unseen_share(2, ONE, np.array([0.0]), 12) == pytest.approx(weights[2:].sum())
    short = error_factors(lift_test(5, 6), data, 0, ONE, np.array([0.0]), 12, 52.0)
    assert short.duration == pytest.approx(1 / weights[:2].sum())
    long = error_factors(lift_test(5, 20), data, 0, ONE, np.array([0.0]), 12, 52.0)
    assert long.duration == 1.0
    # what is believed of the carry-over weighs the shapes
    two = TransformGrid(
        ("geometric",) * 2, ("hill",) * 2, np.array([0.0, 0.5]), *(np.ones(2),) * 2, np.zeros(2)
    )
    log_prior = np.log([0.75, 0.25])
    assert unseen_share(2, two, log_prior, 12) == pytest.approx(0.25 * weights[2:].sum())


def test_the_error_grows_by_the_root_of_all_factors():
    exposure = np.full((1, 60, 1), 25.0)
    exposure[:, -13:] = 50.0
    test = lift_test(4, 7, spend_actual=100.0, spend_counterfactual=0.0)
    factors = error_factors(test, panel(exposure), 0, ONE, ONE.log_prior, 0, 26.0)
    assert (factors.age, factors.gap, factors.duration) == (4.0, 2.0, 1.0)
    assert factors.of_error == pytest.approx(np.sqrt(8.0))
