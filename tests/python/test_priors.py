"""What the client believes of a channel, as weights on transforms and as a row of evidence."""

import numpy as np
import pytest
from scipy import stats

from mixloop.priors import (
    Belief,
    channel_log_prior,
    grid_half_lives,
    grid_saturations,
    roi_evidence,
)
from mixloop.transforms import TransformGrid, adstock_weights, default_grid, half_life_weeks, hill

GRID = default_grid()


def test_without_a_belief_the_grid_keeps_its_weights():
    np.testing.assert_array_equal(channel_log_prior(GRID, 12, Belief()), GRID.log_prior)
    roi = Belief(roi_low=1.0, roi_high=2.0)
    np.testing.assert_array_equal(channel_log_prior(GRID, 12, roi), GRID.log_prior)


def test_what_the_grid_means():
    half_lives, reached = grid_half_lives(GRID, 12), grid_saturations(GRID)
    for g in (0, 50, 100, 215):
        weights = adstock_weights(GRID.kernel[g], GRID.decay[g], 12)
        assert half_lives[g] == half_life_weeks(weights)
        assert reached[g] == pytest.approx(hill(np.ones(1), GRID.half[g], GRID.slope[g])[0])


def test_half_lives_are_log_normal_on_top_of_the_grids_weights():
    belief = Belief(half_life_low_weeks=2.0, half_life_high_weeks=4.0)
    told = channel_log_prior(GRID, 12, belief)
    assert np.exp(told).sum() == pytest.approx(1.0)
    half_lives = grid_half_lives(GRID, 12)
    density = stats.norm(np.log(8.0) / 2, np.log(2.0) / (2 * stats.norm.ppf(0.95)))
    expected = GRID.log_prior + density.logpdf(np.log(half_lives))
    np.testing.assert_allclose(told - told[0], expected - expected[0], rtol=1e-9)
    inside = (half_lives >= 2.0) & (half_lives <= 4.0)
    before, after = (np.exp(weights)[inside].sum() for weights in (GRID.log_prior, told))
    assert after > 0.9 > 0.5 > before
    # saturation keeps the weights it had
    halves = [np.exp(w)[GRID.half == 0.45].sum() for w in (GRID.log_prior, told)]
    assert halves[0] == pytest.approx(halves[1])


def test_saturation_is_normal_on_the_log_odds():
    told = channel_log_prior(GRID, 12, Belief(saturation_low=0.2, saturation_high=0.5))
    reached = grid_saturations(GRID)
    odds = np.log(reached / (1 - reached))
    low, high = np.log(0.25), 0.0
    density = stats.norm((low + high) / 2, (high - low) / (2 * stats.norm.ppf(0.95)))
    expected = GRID.log_prior + density.logpdf(odds)
    np.testing.assert_allclose(told - told[0], expected - expected[0], rtol=1e-9)
    inside = (reached >= 0.2) & (reached <= 0.5)
    assert np.exp(told)[inside].sum() > 0.85


def test_a_range_between_two_points_leaves_the_weight_to_the_nearest():
    grid = TransformGrid(
        ("geometric",) * 2, ("hill",) * 2, np.array([0.0, 0.87]), *(np.ones(2),) * 2, np.zeros(2)
    )
    belief = Belief(half_life_low_weeks=2.00, half_life_high_weeks=2.01)
    told = np.exp(channel_log_prior(grid, 12, belief))
    half_lives = grid_half_lives(grid, 12)
    nearest = np.argmin(np.abs(np.log(half_lives) - np.log(2.005)))
    assert told[nearest] == pytest.approx(1.0) and np.isfinite(told).all()


@pytest.mark.parametrize(
    "ends",
    [
        {"roi_low": 1.0},
        {"roi_high": 1.0},
        {"roi_low": 2.0, "roi_high": 2.0},
        {"half_life_low_weeks": 3.0, "half_life_high_weeks": 2.0},
        {"saturation_high": 0.5},
    ],
)
def test_a_range_has_two_ends_in_order(ends):
    with pytest.raises(ValueError, match="must have a low and a higher high"):
        Belief(**ends)


def test_only_what_was_given_is_part_of_a_belief():
    assert Belief().given == {}
    assert Belief(roi_low=0.0, roi_high=2.0).given == {"roi_low": 0.0, "roi_high": 2.0}


def test_a_return_is_evidence_on_the_whole_training_window():
    whole = np.array([[30.0, 120.0], [2100.0, 3000.0]])
    found = roi_evidence(Belief(roi_low=1.0, roi_high=3.0), 4, whole, 50.0)
    np.testing.assert_array_equal(found.d, whole)
    assert (found.channel, found.lift) == (4, 100.0)
    # the 5% and 95% quantiles are the ends of the client's range
    ends = stats.norm(found.lift, found.se).ppf([0.05, 0.95]) / 50.0
    np.testing.assert_allclose(ends, [1.0, 3.0])
    assert roi_evidence(Belief(), 4, whole, 50.0) is None
    assert roi_evidence(Belief(roi_low=1.0, roi_high=3.0), 4, whole, 0.0) is None
