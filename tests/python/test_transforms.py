"""Adstock, Hill and the grid, against closed forms and plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixloop.transforms import (
    KERNELS,
    adstock,
    adstock_weights,
    default_grid,
    half_life_weeks,
    hill,
    hill_slope,
)

kernels = st.sampled_from(KERNELS)
decays = st.floats(0.0, 0.99)
lags = st.integers(0, 20)
halves = st.floats(0.05, 3.0)
slopes = st.floats(0.3, 4.0)
quick = settings(max_examples=60, deadline=None, derandomize=True)


@quick
@given(kernels, decays, lags)
def test_weights_are_shares(kernel, decay, longest):
    weights = adstock_weights(kernel, decay, longest)
    assert weights.shape == (longest + 1,)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_geometric_weights_are_the_truncated_geometric_series():
    decay, longest = 0.6, 7
    expected = [decay**lag * (1 - decay) / (1 - decay ** (longest + 1)) for lag in range(8)]
    assert adstock_weights("geometric", decay, longest) == pytest.approx(expected, rel=1e-12)


def test_delayed_weights_peak_after_two_weeks_and_are_symmetric_around_it():
    weights = adstock_weights("delayed", 0.5, 4)
    # decay^((l - 2)^2) = 1/16, 1/2, 1, 1/2, 1/16; their sum is 17/8
    assert weights == pytest.approx(np.array([1 / 16, 1 / 2, 1, 1 / 2, 1 / 16]) / (17 / 8))


def test_a_delayed_kernel_shorter_than_its_peak_still_works_most_at_its_last_lag():
    assert adstock_weights("delayed", 0.5, 1) == pytest.approx([1 / 3, 2 / 3])


def test_without_decay_everything_works_at_the_peak():
    assert adstock_weights("geometric", 0.0, 3).tolist() == [1, 0, 0, 0]
    assert adstock_weights("delayed", 0.0, 3).tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("weibull", 0.5, 3), "'weibull'"),
        (("geometric", 1.0, 3), "1.0"),
        (("geometric", -0.1, 3), "-0.1"),
        (("delayed", float("nan"), 3), "nan"),
        (("delayed", 0.5, -2), "-2"),
    ],
)
def test_weights_name_the_bad_value(arguments, named):
    with pytest.raises(ValueError, match=named):
        adstock_weights(*arguments)


@quick
@given(st.integers(0, 2**32 - 1), st.integers(1, 15), lags, st.integers(1, 3))
def test_adstock_is_the_double_loop(seed, n_weeks, longest, n_series):
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(0, 5, size=(2, n_series, n_weeks))
    weights = rng.uniform(0, 1, size=(n_series, longest + 1))
    expected = np.zeros_like(exposure)
    for i, n, t in np.ndindex(exposure.shape):
        for lag in range(min(t, longest) + 1):
            expected[i, n, t] += weights[n, lag] * exposure[i, n, t - lag]
    np.testing.assert_allclose(adstock(exposure, weights), expected, atol=1e-12)
    shared = adstock(exposure, weights[0])  # one kernel for all series
    np.testing.assert_allclose(shared[:, 0], expected[:, 0], atol=1e-12)


@quick
@given(decays, lags, kernels)
def test_adstock_keeps_a_steady_exposure_and_never_invents_any(decay, longest, kernel):
    weights = adstock_weights(kernel, decay, longest)
    steady = adstock(np.full(50, 3.0), weights)
    np.testing.assert_allclose(steady[longest:], 3.0, rtol=1e-12)
    pulse = np.zeros(50)
    pulse[10] = 3.0
    assert adstock(pulse, weights).sum() == pytest.approx(3.0, rel=1e-12)


@quick
@given(halves, slopes)
def test_hill_is_a_rising_share_that_is_half_at_half(half, slope):
    u = np.linspace(0.0, 5.0, 200)
    response = hill(u, half, slope)
    assert response[0] == 0.0
    assert (np.diff(response) > 0).all()
    assert ((response >= 0) & (response < 1)).all()
    assert hill(np.array([half]), half, slope)[0] == pytest.approx(0.5, rel=1e-12)


@quick
@given(halves, slopes, st.floats(0.02, 4.0))
def test_hill_slope_is_the_derivative(half, slope, u):
    step = 1e-5 * u
    beside = hill(np.array([u - step, u + step]), half, slope)
    numerical = (beside[1] - beside[0]) / (2 * step)
    assert hill_slope(np.array([u]), half, slope)[0] == pytest.approx(numerical, rel=1e-5)


def test_hill_slope_at_zero_is_the_limit_from_the_right():
    zero = np.array([0.0])
    assert hill_slope(zero, 0.4, 1.0)[0] == pytest.approx(1 / 0.4, rel=1e-4)  # 1 / half
    assert hill_slope(zero, 0.4, 2.0)[0] == pytest.approx(0.0, abs=1e-4)
    steep = hill_slope(zero, 0.4, 0.5)[0]  # infinite; finite stand-in
    assert np.isfinite(steep)
    assert steep > 100


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.5])
def test_half_life_of_a_kernel_whose_first_week_holds_half(decay):
    # weight of lag 0 is 1 - decay (L = 60): half of the effect has come after 0.5 / (1 - decay)
    assert half_life_weeks(adstock_weights("geometric", decay, 60)) == pytest.approx(
        0.5 / (1 - decay)
    )


def test_half_life_of_slow_kernels():
    # decay 0.8: 1 - 0.8^3 = 0.488 after three weeks, the fourth brings 0.8^3 * 0.2 = 0.1024
    assert half_life_weeks(adstock_weights("geometric", 0.8, 400)) == pytest.approx(
        3 + (0.5 - 0.488) / 0.1024
    )
    # symmetric around lag 2, whose week is [2, 3): half has come in its middle
    assert half_life_weeks(adstock_weights("delayed", 0.8, 4)) == pytest.approx(2.5)


def test_half_life_works_along_the_last_axis():
    both = np.stack([adstock_weights("geometric", 0.0, 4), adstock_weights("delayed", 0.8, 4)])
    assert half_life_weeks(both) == pytest.approx([0.5, 2.5])


def test_grid_is_a_full_product_with_a_proper_prior():
    grid = default_grid()
    prior = np.exp(grid.log_prior)
    assert prior.sum() == pytest.approx(1.0, abs=1e-12)
    curves_of = list(zip(grid.saturation, grid.half, grid.slope, strict=True))
    points = set(zip(grid.kernel, grid.decay, curves_of, strict=True))
    assert len(points) == len(grid.kernel)
    shapes = {(kernel, decay) for kernel, decay, _ in points}
    curves = set(curves_of)
    assert len(points) == len(shapes) * len(curves)
    delayed = np.array([kernel == "delayed" for kernel in grid.kernel])
    assert prior[delayed].sum() == pytest.approx(0.25)
    exponential = np.array([saturation == "exponential" for saturation in grid.saturation])
    assert prior[exponential].sum() == pytest.approx(0.2)
    assert (grid.slope[exponential] == 1.0).all()
    for kernel, decay in shapes:  # the prior of a curve does not depend on the kernel
        same = (delayed == (kernel == "delayed")) & (grid.decay == decay)
        found = dict(
            zip([c for c, s in zip(curves_of, same, strict=True) if s], prior[same], strict=True)
        )
        share = sum(found.values())
        assert found["hill", 0.45, 1.0] / share == pytest.approx(0.8 * 0.4 * 3 / 12)
        assert found["hill", 2.4, 0.7] / share == pytest.approx(0.8 * 0.15 / 12)
        assert found["exponential", 0.12, 1.0] / share == pytest.approx(0.2 / 12)
