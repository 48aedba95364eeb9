import numpy as np
import pytest

from mixloop.scores import coverage, crps_from_draws, crps_normal, point_scores


def test_crps_of_three_draws_by_hand():
    # |x - y| = 1, 0, 2, mean 1; all nine pairs: 2 (1 + 3 + 2) / 9 = 4/3, half of it 2/3
    found = crps_from_draws(np.array([3.0, 0.0, 1.0]), np.array(1.0))
    np.testing.assert_allclose(found, 1 / 3)


def test_crps_of_equal_draws_is_the_absolute_error():
    found = crps_from_draws(np.full((2, 5), 4.0), np.array([1.0, 4.0]))
    np.testing.assert_allclose(found, [3.0, 0.0])


def test_crps_of_many_normal_draws_is_the_closed_form():
    draws = np.random.default_rng(1).normal(10.0, 2.0, (3, 400_000))
    actual = np.array([10.0, 13.0, 4.0])
    np.testing.assert_allclose(
        crps_from_draws(draws, actual), crps_normal(np.full(3, 10.0), 2.0, actual), rtol=5e-3
    )


def test_crps_of_a_normal_at_its_mean():
    # sd (2 phi(0) - 1 / sqrt(pi)) = sd (sqrt(2) - 1) / sqrt(pi)
    expected = 3.0 * (np.sqrt(2) - 1) / np.sqrt(np.pi)
    np.testing.assert_allclose(crps_normal(np.array([5.0]), 3.0, np.array([5.0])), expected)


def test_coverage_counts_the_bounds():
    low, high = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    assert coverage(low, high, np.array([0.0, 1.0, 1.1, 0.5])) == 0.75
    assert np.isnan(coverage(low * np.nan, high, low))


def test_point_scores_by_hand():
    found = point_scores(np.array([10.0, 20.0, 0.0]), np.array([12.0, 16.0, 3.0]))
    # errors 2, 4, 3; squares 4 + 16 + 9 = 29; deviations 0, 10, -10: 200
    assert found == pytest.approx(
        {
            "r2": 1 - 29 / 200,
            "nrmse": np.sqrt(29 / 3) / 20,
            "mape": (0.2 + 0.2) / 2,
            "wmape": 9 / 30,
        }
    )


def test_scores_that_are_not_defined_are_nan():
    assert np.isnan(list(point_scores(np.array([]), np.array([])).values())).all()
    flat = point_scores(np.array([2.0, 2.0]), np.array([2.0, 3.0]))
    assert np.isnan(flat["r2"])
    assert np.isnan(flat["nrmse"])
