import numpy as np
import planted
import pytest
from sklearn.linear_model import Ridge

from mixloop.baselines import (
    RIDGE_MIN_WEEKS,
    drift,
    last_value,
    nonnegative_ridge,
    ridge_forecast,
    seasonal_naive,
)
from mixloop.posterior import BaselineColumn
from mixloop.transforms import adstock, adstock_weights, hill


def test_seasonal_naive_by_hand():
    outcome = np.arange(60.0)
    outcome[54], outcome[1] = 55.0, np.nan
    training = np.arange(60) < 55
    found = seasonal_naive(outcome, training)
    np.testing.assert_array_equal(found.mean[52:], [0, np.nan, 2, 3, 4, 5, 6, 7])
    # known training errors: 52 - 0 = 52 and 55 - 2 = 53
    np.testing.assert_allclose(found.sd, np.sqrt((52**2 + 53**2) / 2))
    # weeks 52 and 54 are the known errors, two weeks apart
    np.testing.assert_allclose(found.covariance[0], [2756.5, 0, 52 * 53 / 2, 0, 0])
    np.testing.assert_allclose(found.covariance, found.covariance.T)


@pytest.mark.parametrize("method", [seasonal_naive, last_value, drift])
def test_naive_methods_never_read_weeks_after_training(method):
    outcome = np.arange(120.0) ** 1.5
    training = np.arange(120) < 60
    changed = np.where(training, outcome, -1e6)
    one, two = method(outcome, training), method(changed, training)
    for name in ("mean", "sd", "covariance"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_seasonal_naive_knows_one_year_ahead_and_needs_more_for_a_range():
    found = seasonal_naive(np.arange(120.0), np.arange(120) < 60)
    assert np.isnan(found.mean[60 + 52 :]).all()
    assert np.isnan(seasonal_naive(np.ones(52), np.full(52, True)).sd).all()


def test_last_value_and_drift_by_hand():
    outcome = np.array([np.nan, 10.0, 12.0, np.nan, 11.0, 16.0, np.nan, 50.0, 60.0])
    training = np.arange(9) < 7  # the last known week is 5; weeks 7 and 8 are two and three later
    naive = last_value(outcome, training)
    np.testing.assert_array_equal(naive.mean[[2, 5, 7, 8]], [10.0, 11.0, 16.0, 16.0])
    one_step = np.sqrt((2**2 + 5**2) / 2)  # the changes between known neighbours
    np.testing.assert_allclose(naive.sd[7:], one_step * np.sqrt([2, 3]))
    np.testing.assert_allclose(naive.covariance, one_step**2 * np.array([[2, 2], [2, 3]]))
    line = drift(outcome, training)
    np.testing.assert_allclose(line.mean[[2, 7, 8]], [11.5, 19.0, 20.5])  # 6 in 4 weeks
    one_step = np.sqrt(0.5**2 + 3.5**2)  # two changes less the one that the slope took
    np.testing.assert_allclose(line.sd[7:], one_step * np.sqrt([2 * 1.5, 3 * 1.75]))
    np.testing.assert_allclose(line.covariance[0, 1], one_step**2 * (2 + 6 / 4))


@pytest.mark.parametrize("method", [last_value, drift])
def test_too_few_known_weeks_give_no_range(method):
    training = np.arange(4) < 3
    one = method(np.array([np.nan, 5.0, np.nan, 7.0]), training)
    assert np.isnan(one.sd).all()
    none = method(np.full(4, np.nan), training)
    assert np.isnan(none.mean).all()
    assert none.covariance.shape == (1, 1)


@pytest.mark.parametrize(("method", "slope"), [(last_value, 0.0), (drift, 3.0)])
def test_ranges_of_naive_methods_are_those_of_random_walks(method, slope):
    rng = np.random.default_rng(4)
    training = np.arange(47) < 34
    weekly, summed = [], []
    for _ in range(1500):
        walk = np.cumsum(slope + 10.0 * rng.standard_normal(47))
        found = method(walk, training)
        error = (walk - found.mean)[34:]
        weekly.append((error / found.sd[34:])[[0, 3, 12]])
        summed.append(error.sum() / np.sqrt(found.covariance.sum()))
    # the estimated spread makes z a little wider than one: t with 33 degrees of freedom
    np.testing.assert_allclose(np.std(weekly, axis=0), np.sqrt(33 / 31), rtol=0.06)
    np.testing.assert_allclose(np.std(summed), np.sqrt(33 / 31), rtol=0.06)


def data(seed=0, n=120):
    rng = np.random.default_rng(seed)
    return rng.gamma(1.0, 1.0, (n, 3)), rng.normal(size=(n, 2)), rng


def test_planted_coefficients_come_back():
    media, free, _ = data()
    y = 7.0 + media @ [1.0, 0.0, 2.5] + free @ [-3.0, 0.5]
    intercept, coef = nonnegative_ridge(media, free, y, 1e-8)
    np.testing.assert_allclose(coef, [1.0, 0.0, 2.5, -3.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(intercept, 7.0, atol=1e-6)


def test_equals_ridge_where_no_sign_binds():
    media, free, rng = data(1)
    y = media @ [1.0, 2.0, 3.0] + free @ [-3.0, 0.5] + rng.normal(size=len(media))
    intercept, coef = nonnegative_ridge(media, free, y, 20.0)
    other = Ridge(alpha=20.0).fit(np.hstack([media, free]), y)
    np.testing.assert_allclose(coef, other.coef_, atol=1e-9)
    np.testing.assert_allclose(intercept, other.intercept_, atol=1e-9)


def test_a_harmful_medium_gets_zero_and_the_others_are_refitted():
    media, free, rng = data(2)
    y = media @ [1.0, -2.0, 3.0] + free @ [-3.0, 0.5] + rng.normal(size=len(media))
    _, coef = nonnegative_ridge(media, free, y, 5.0)
    other = Ridge(alpha=5.0).fit(np.hstack([media[:, [0, 2]], free]), y)
    assert coef[1] == 0.0
    np.testing.assert_allclose(coef[[0, 2, 3, 4]], other.coef_, atol=1e-9)


def national(n=130, noise=0.0):
    """A KPI that the ridge's own family can express: decay 0.3, half 0.4, a trend and a season."""
    rng = np.random.default_rng(5)
    exposure = rng.gamma(1.0, 10.0, (1, n, 2)) * (rng.random((1, n, 2)) > 0.2)
    carried = adstock(exposure[0].T, adstock_weights("geometric", 0.3, 12)).T
    media = hill(carried / carried[:104].max(axis=0), 0.4, 1.0)
    t = np.arange(n)
    y = 100 + 0.2 * t + 8 * np.sin(2 * np.pi * t * 7 / 365.25) + media @ [30.0, 15.0]
    y = y + noise * rng.normal(size=n)
    one, zero = np.ones(1), np.zeros(1)
    names = [("level", "level"), ("trend", "trend"), ("hinge:2024-09-02", "trend")]
    names += [("season:sin1", "season"), ("season:cos1", "season")]
    columns = tuple(BaselineColumn(name, part, zero, one) for name, part in names)
    return planted.panel(exposure, y[None]), columns, y


def test_forecasts_a_world_of_its_own_family():
    panel, columns, y = national()
    found = ridge_forecast(panel, columns, np.arange(130) < 104)
    assert np.isnan(found.sd).all()
    np.testing.assert_allclose(found.mean[104:], y[104:], rtol=2e-3)
    np.testing.assert_allclose(found.mean[:104], y[:104], rtol=2e-3)


def test_sees_neither_held_out_weeks_nor_missing_ones():
    panel, columns, y = national(noise=2.0)
    training = np.arange(130) < 104
    outcome = panel.outcome.copy()
    outcome[0, 104:] = 1e6
    before = ridge_forecast(panel, columns, training).mean
    np.testing.assert_array_equal(
        ridge_forecast(planted.replace(panel, outcome=outcome), columns, training).mean, before
    )
    outcome[0, [3, 50]] = np.nan
    found = ridge_forecast(planted.replace(panel, outcome=outcome), columns, training).mean
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found[[3, 50]], y[[3, 50]], rtol=0.1)


def test_too_short_a_history_gives_no_forecast():
    panel, columns, _ = national(n=40)
    short = np.arange(40) < RIDGE_MIN_WEEKS - 1
    assert np.isnan(ridge_forecast(panel, columns, short).mean).all()
    assert np.isfinite(ridge_forecast(panel, columns, np.arange(40) < RIDGE_MIN_WEEKS).mean).all()
