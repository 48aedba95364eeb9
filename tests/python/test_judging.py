"""Fit statistics and the baseline's sign, by hand and against closed forms."""

import numpy as np
import planted
import pytest

from mixloop import judging
from mixloop.convergence import has_converged
from mixloop.diagnostics import convergence
from mixloop.scores import adjusted_r2, durbin_watson, largest_autocorrelation, rssd


def test_adjusted_r2_by_hand():
    assert adjusted_r2(0.9, 21, 4.0) == pytest.approx(1 - 0.1 * 20 / 16)
    assert adjusted_r2(0.9, 21, 0.0) == pytest.approx(0.9)
    assert np.isnan(adjusted_r2(0.9, 5, 4.0))


def test_adjusted_r2_of_pure_noise_is_zero_on_average():
    # least squares on noise explains p / (n - 1) of it: the adjustment takes just that away
    rng = np.random.default_rng(3)
    n, p, found = 40, 7, []
    for _ in range(2000):
        x, y = rng.normal(size=(n, p)), rng.normal(size=n)
        x, y = x - x.mean(axis=0), y - y.mean()
        fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
        found.append(adjusted_r2(1 - ((y - fitted) ** 2).sum() / (y**2).sum(), n, p))
    assert np.mean(found) == pytest.approx(0.0, abs=0.015)


def test_durbin_watson_by_hand():
    # steps 1, -3, 3; squares 1 + 9 + 9 = 19 over 1 + 4 + 1 + 4 = 10
    assert durbin_watson(np.array([1.0, 2.0, -1.0, 2.0])) == pytest.approx(1.9)
    assert np.isnan(durbin_watson(np.zeros(4)))
    assert np.isnan(durbin_watson(np.array([1.0])))
    assert np.isnan(durbin_watson(np.array([1.0, np.nan, 1.0])))  # no two neighbours


def test_durbin_watson_does_not_step_over_a_gap():
    # steps 1 and 1 on each side of the gap; mean square 1, times 3, over 1 + 4 + 25 + 36 = 66
    found = durbin_watson(np.array([1.0, 2.0, np.nan, 5.0, 6.0]))
    assert found == pytest.approx(1.0 * 3 / 66)


@pytest.mark.parametrize("rho", [-0.5, 0.0, 0.6])
def test_durbin_watson_of_an_autoregression(ar1, rho):
    error = ar1(np.random.default_rng(2), rho, 1.0, (200_000,))
    assert durbin_watson(error) == pytest.approx(2 * (1 - rho), abs=0.03)


def test_the_largest_autocorrelation_by_hand():
    # mean square 5 / 5; lag 1: -1 1 1 -1 over 4 pairs = 0; lag 2: -1 1 -1 over 3 pairs
    series = np.array([1.0, -1.0, -1.0, -1.0, 1.0])
    assert largest_autocorrelation(series, 2) == pytest.approx(-1 / 3)
    assert largest_autocorrelation(series, 1) == pytest.approx(0.0)
    assert np.isnan(largest_autocorrelation(np.zeros(5), 2))
    assert np.isnan(largest_autocorrelation(np.full(5, np.nan), 2))


def test_what_an_autoregression_of_one_week_does_not_describe_is_seen(ar1):
    # every second week hangs together: nothing at lag 1, 0.8 at lag 2
    rng = np.random.default_rng(1)
    woven = np.empty(4000)
    woven[::2], woven[1::2] = ar1(rng, 0.8, 1.0, (2, 2000))
    assert durbin_watson(woven) == pytest.approx(2.0, abs=0.15)
    assert largest_autocorrelation(woven, 4) == pytest.approx(0.8, abs=0.05)


def test_rssd_by_hand():
    assert rssd(np.array([0.2, 0.8]), np.array([0.2, 0.8])) == 0.0
    assert rssd(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(np.sqrt(2))
    draws = np.array([[0.5, 0.2], [0.3, 0.2], [0.2, 0.6]])
    found = rssd(np.array([0.5, 0.3, 0.2]), draws)
    assert found == pytest.approx([0.0, np.sqrt(0.09 + 0.01 + 0.16)])


def linear_run(rng, *, n_weeks=40, n_columns=6, rho=0.0, sigma=0.5, prior_sd=0.3, draws=20_000):
    """Draws of a ridge with errors of known variance, and the trace of its smoother."""
    x = rng.normal(size=(n_weeks, n_columns))
    lag = np.abs(np.subtract.outer(np.arange(n_weeks), np.arange(n_weeks)))
    precision = np.linalg.inv(sigma**2 / (1 - rho**2) * rho**lag)
    covariance = np.linalg.inv(x.T @ precision @ x + np.eye(n_columns) / prior_sd**2)
    trace = np.trace(x @ covariance @ x.T @ precision)
    coef = rng.multivariate_normal(np.zeros(n_columns), covariance, draws)
    run = planted.posterior(
        np.zeros((draws, 1, 1)),
        n_weeks,
        drivers={f"context:d{p}": coef[:, p, None] for p in range(n_columns)},
        sigma=np.full((draws, 1), sigma),
        rho=np.full((draws, 1), rho),
    )
    drivers = {f"context:d{p}": x[:, p] for p in range(n_columns)}
    return run, planted.panel(np.ones((1, n_weeks, 1)), drivers=drivers), trace


@pytest.mark.parametrize("rho", [0.0, 0.7])
@pytest.mark.parametrize("prior_sd", [0.05, 0.3, 100.0])
def test_effective_parameters_are_the_trace_of_the_smoother(rho, prior_sd):
    rng = np.random.default_rng(4)
    run, panel, trace = linear_run(rng, rho=rho, prior_sd=prior_sd)
    found = judging.effective_parameters(judging.run_draws(run, panel))
    assert found == pytest.approx(trace, rel=0.02)
    if prior_sd == 100.0:
        assert trace == pytest.approx(6.0, rel=1e-3)  # plain least squares: its columns


def two_geos(**over):
    """Two geos of three weeks, one channel with effects 2 and 6, level 10 and 20."""
    run = planted.posterior(
        np.array([[[4.0], [12.0]], [[4.0], [12.0]]]), 3, level=np.array([[10.0, 20.0]] * 2), **over
    )
    outcome = np.array([[13.0, 12.0, 15.0], [26.0, 29.0, 24.0]])
    return run, planted.panel(np.ones((2, 3, 1)), outcome=outcome)


def test_innovations_take_each_geos_autocorrelation_out():
    run, panel = two_geos(rho=np.array([[0.5, 0.0]] * 2), sigma=np.array([[1.0, 2.0]] * 2))
    found = judging.run_draws(run, panel)
    # errors 1, 0, 3 with half carried on, and 0, 3, -2
    np.testing.assert_allclose(found.innovations, [np.nan, -0.5 + 3.0, 3.0 - 2.0])
    assert found.innovation_variance == 5.0
    np.testing.assert_allclose(found.effect, [[24.0, 24.0]])
    np.testing.assert_allclose(found.baseline, 30.0)


def test_a_week_that_one_geo_misses_begins_anew():
    run, panel = two_geos(rho=np.full((2, 2), 0.5))
    panel.outcome[1, 1] = np.nan
    found = judging.run_draws(run, panel)
    assert found.known.tolist() == [True, False, True]
    assert np.isnan(found.innovations).all()
    assert (found.fit_steps[1] == 0).all()


def test_errors_of_a_product_are_those_of_its_logarithm():
    # a fit of 100 exp(0.1) a week; actuals that are 5% above, right, and 10% below, in logs
    run = planted.posterior(
        np.zeros((2, 1, 1)), 3, level=0.1, kpi_scale=np.array([100.0]), rho=np.full((2, 1), 0.5),
        sigma=np.full((2, 1), 0.04), kpi_form="multiplicative",
    )  # fmt: skip
    log = np.array([[0.15, 0.1, 0.0]])
    found = judging.run_draws(run, planted.panel(np.ones((1, 3, 1)), outcome=100.0 * np.exp(log)))
    np.testing.assert_allclose(found.innovations, [np.nan, -0.025, -0.1])
    assert found.innovation_variance == pytest.approx(0.04**2)
    np.testing.assert_allclose(found.fit_steps.var(axis=1), 0.0, atol=1e-12)
    assert judging.negative_baseline(found)["negative_baseline_share"] == 0.0


def test_negative_baseline_by_hand():
    # two draws of a level that a driver takes below zero: weeks 5, -1, 2 and 1, -5, -2
    driver = np.array([0.0, 6.0, 3.0])
    run = planted.posterior(
        np.zeros((2, 1, 1)),
        3,
        level=np.array([[5.0], [1.0]]),
        drivers={"context:rival": np.full((2, 1), -1.0)},
    )
    panel = planted.panel(np.ones((1, 3, 1)), drivers={"context:rival": driver})
    found = judging.negative_baseline(judging.run_draws(run, panel))
    assert found == {
        "p_negative_baseline_week": 1.0,
        "p_negative_baseline_total": 0.5,
        "negative_baseline_share": 0.5,
    }


def test_a_negative_geo_that_others_outweigh_does_not_count():
    run = planted.posterior(np.zeros((2, 2, 1)), 3, level=np.array([[-1.0, 5.0]] * 2))
    found = judging.negative_baseline(judging.run_draws(run, planted.panel(np.ones((2, 3, 1)))))
    assert set(found.values()) == {0.0}


def test_decomposition_distance_leaves_out_what_is_not_paid():
    run = planted.posterior(np.array([[[2.0, 6.0, 9.0]]] * 2), 4)
    spend = np.array([1.0, 1.0, 0.0]) * np.ones((1, 4, 3))
    panel = planted.panel(np.ones((1, 4, 3)), spend=spend)
    found = judging.decomposition_distance(judging.run_draws(run, panel))
    # spend 1/2, 1/2; effects 1 and 3 of 4
    np.testing.assert_allclose(found, np.sqrt(2 * 0.25**2))
    lone = planted.panel(np.ones((1, 4, 3)), spend=np.array([1.0, 0.0, 0.0]) * np.ones((1, 4, 3)))
    assert np.isnan(judging.decomposition_distance(judging.run_draws(run, lone))).all()


def test_no_noise_has_no_parameters_to_count():
    run, panel = two_geos()
    found = judging.fit_statistics(judging.run_draws(run, panel), 0.9)
    assert np.isnan(found["effective_parameters"])
    assert np.isnan(found["adjusted_r2"])


GOOD = np.array([[1.001, 900.0, 800.0]])
NEVER_MOVED = np.full((1, 3), np.nan)


def test_nothing_to_check_has_not_converged():
    assert has_converged({"level": GOOD}, "live")
    assert not has_converged({}, "live")
    assert not has_converged({"level": GOOD, "trend": NEVER_MOVED}, "live")
    assert not has_converged({"level": NEVER_MOVED}, "backtest")


def test_constant_draws_have_not_converged():
    # chains that agree to the last digit because nothing was ever drawn
    stuck = np.stack(convergence(np.full((4, 500, 2), 0.3)), axis=1)
    assert not has_converged({"level": stuck}, "live")
    assert not has_converged({"level": stuck}, "backtest")


def test_steps_of_an_autoregression_by_hand():
    # rho 0.6: the first of a stretch counts 0.8, the others less 0.6 of the one before
    values = np.array([10.0, 10.0, np.nan, 5.0, 4.0])
    known = np.array([True, True, False, True, True])
    found = judging.steps(values, 0.6, known)
    np.testing.assert_allclose(found, [8.0, 4.0, 0.0, 4.0, 1.0])


def test_the_level_is_no_parameter_that_r2_pays_for():
    run, panel, trace = linear_run(np.random.default_rng(4), prior_sd=100.0)
    draws = judging.run_draws(run, panel)
    found = judging.fit_statistics(draws, 0.7)
    p = found["effective_parameters"]
    assert p == pytest.approx(trace, rel=0.02)
    assert found["adjusted_r2"] == pytest.approx(1 - 0.3 * 39 / (39 - (p - 1)))
