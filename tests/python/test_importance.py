"""Pareto-smoothed importance sampling against distributions whose answers are known."""

import numpy as np
import pytest
from scipy import stats

from mixloop.frames import summarise
from mixloop.importance import pareto_fit, smoothed_weights, weighted_summary


@pytest.mark.parametrize(("k", "scale"), [(0.3, 2.0), (0.8, 0.1), (-0.2, 5.0)])
def test_the_tail_of_a_generalised_pareto_is_found(k, scale):
    rng = np.random.default_rng(1)
    excess = np.sort(stats.genpareto.rvs(k, scale=scale, size=4000, random_state=rng))
    found, found_scale = pareto_fit(excess)
    assert found == pytest.approx(k, abs=0.06)
    assert found_scale == pytest.approx(scale, rel=0.08)


def gaussian(sd, mean=0.0, n=4000, seed=2):
    """Draws of a standard normal and the log ratio to another normal."""
    draws = np.random.default_rng(seed).standard_normal(n)
    return draws, stats.norm.logpdf(draws, mean, sd) - stats.norm.logpdf(draws)


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.2), (0.5, 1.0), (-0.3, 0.8)])
def test_another_normal_is_described_by_draws_of_a_normal(mean, sd):
    draws, log_ratio = gaussian(sd, mean)
    weight, k = smoothed_weights(log_ratio)
    assert weight.sum() == pytest.approx(1.0) and k < 0.7
    found_mean, found_sd, levels = weighted_summary(draws, weight)
    assert found_mean == pytest.approx(mean, abs=0.08)
    assert found_sd == pytest.approx(sd, rel=0.06)
    np.testing.assert_allclose(levels, stats.norm(mean, sd).ppf([0.05, 0.5, 0.95]), atol=0.15)


def test_a_much_wider_target_is_not_trusted():
    # removing a row that holds nearly all of the information: the weights have no mean to find
    _, k = smoothed_weights(gaussian(10.0)[1])
    assert k > 0.7


def test_equal_densities_need_no_weights():
    weight, k = smoothed_weights(np.full(500, 3.0))
    np.testing.assert_allclose(weight, 1 / 500)
    assert k == -np.inf


def test_even_weights_give_the_plain_summary():
    draws = np.random.default_rng(3).gamma(2.0, size=5000)
    mean, sd, levels = weighted_summary(draws, np.full(5000, 1 / 5000))
    plain = summarise(draws)
    assert (mean, sd) == (pytest.approx(plain[0]), pytest.approx(draws.std()))
    np.testing.assert_allclose(levels, plain[1:], atol=2e-3)
