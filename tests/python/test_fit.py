"""Fits of small worlds whose truth is known."""

from dataclasses import fields, replace

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from mixloop import convergence
from mixloop import fit as fitting
from mixloop.convergence import has_converged
from mixloop.fit import Fit, FitSettings, FitTask, exposure_scales, fit
from mixloop.transforms import adstock, adstock_weights, hill

QUICK = FitSettings(chains=2, warmup=4, sweeps=12, max_sweeps=12, draws=20)
MISSING_WEEK = (0, 40)


def task_of(panel, *, n_training=None, share_of_kpi=None):
    return FitTask(
        run_id="r",
        run_kind="live",
        model_id="sales",
        kpi="revenue",
        panel=panel,
        n_training=n_training or len(panel.weeks),
        media_units=dict.fromkeys(panel.channels, "spend"),
        share_of_kpi=share_of_kpi or {},
    )


def total_effects(posterior, panel):
    """Each channel's effect in KPI units over all weeks and geos, by draw: (S, C)."""
    totals = np.zeros(posterior.decay.shape)
    for s, c in np.ndindex(totals.shape):
        weights = adstock_weights(posterior.kernel[s, c], posterior.decay[s, c], 12)
        for j, size in enumerate(posterior.kpi_scale):
            u = adstock(panel.exposure[j, :, c] / posterior.exposure_scale[j, c], weights)
            response = hill(u, posterior.half[s, c], posterior.slope[s, c])
            if posterior.saturation[s, c] == "exponential":
                response = 1 - 0.5 ** (u / posterior.half[s, c])
            totals[s, c] += size * posterior.coef[s, j, c] * response.sum()
    return totals


def draws_of(result):
    """All numbers of a posterior that come from the sampler."""
    names = [f.name for f in fields(result.posterior) if f.name not in ("baseline", "kernel")]
    values = {name: getattr(result.posterior, name) for name in names}
    return {k: v for k, v in values.items() if isinstance(v, np.ndarray) and v.dtype.kind == "f"}


def assert_identical(a, b):
    for name, values in draws_of(a).items():
        np.testing.assert_array_equal(values, draws_of(b)[name], err_msg=name)
    assert (a.posterior.kernel == b.posterior.kernel).all()


@pytest.fixture(scope="module")
def settings():
    return FitSettings(warmup=150, sweeps=300, max_sweeps=300, draws=400)


@pytest.fixture(scope="module")
def world(simulate):
    return simulate(missing=(MISSING_WEEK,))


@pytest.fixture(scope="module")
def fitted(world, settings) -> Fit:
    return fit(task_of(world.panel), settings)


def test_planted_effects_are_found(world, fitted):
    totals = total_effects(fitted.posterior, world.panel)
    truth = world.effect.sum(axis=(0, 1))
    low, middle, high = np.quantile(totals, [0.01, 0.5, 0.99], axis=0)
    assert ((low < truth) & (truth < high)).all()
    assert np.abs(middle - truth).sum() < 0.1 * truth.sum()
    assert ((high - low) < truth).all()  # and not by being vague


def test_planted_carry_over_is_found(fitted):
    delayed = (fitted.posterior.kernel == "delayed").mean(axis=0)
    assert delayed[2] > 0.9  # tv
    assert delayed[:2].max() < 0.1
    assert np.median(fitted.posterior.decay[:, 0]) < 0.2  # search works at once
    assert 0.3 <= np.median(fitted.posterior.decay[:, 1]) <= 0.6


def test_planted_errors_are_found(world, fitted):
    rho = fitted.posterior.rho
    assert (np.abs(rho.mean(axis=0) - world.rho) < 3 * rho.std(axis=0)).all()
    assert (rho.mean(axis=0) > 0.25).all()
    # noise 0.02 of the base size, in shares of an average week that is about 1.08 base sizes
    sigma = fitted.posterior.sigma.mean(axis=0) * fitted.posterior.kpi_scale / [1000, 2000]
    assert sigma == pytest.approx([0.02, 0.02], rel=0.2)


def test_every_term_is_judged_and_has_converged(fitted):
    terms = {f"channel:{c}" for c in ("search", "social", "tv")}
    terms |= {c.name for c in fitted.posterior.baseline}
    terms |= {f"noise:{n}" for n in ("sigma", "rho", "last_error", "shock_share")}
    assert set(fitted.diagnostics) == terms
    figures = np.array(list(fitted.diagnostics.values()))
    assert figures.shape == (len(terms), 2, 3)
    assert figures[..., 0].max() < 1.05
    assert figures[..., 1:].min() > 100


def test_facts_of_the_posterior(world, fitted):
    posterior, panel = fitted.posterior, world.panel
    assert posterior.geos == ("north", "south")
    assert posterior.coef.shape == (400, 2, 3)
    assert posterior.first_week == panel.weeks[0]
    assert posterior.last_week == panel.weeks[-1]
    observed = np.delete(panel.outcome[0], MISSING_WEEK[1])
    assert posterior.kpi_scale == pytest.approx([observed.mean(), panel.outcome[1].mean()])
    np.testing.assert_array_equal(posterior.exposure_scale, panel.exposure.max(axis=1))
    assert (posterior.coef >= 0).all()
    assert fitted.dropped_channels == fitted.dropped_drivers == ()
    assert fitted.n_sweeps == 300


def test_another_seed_agrees_within_monte_carlo_error(world, fitted, settings):
    other = fit(task_of(world.panel), replace(settings, seed=7))
    assert not np.array_equal(other.posterior.coef, fitted.posterior.coef)
    for name, c in (("search", 0), ("social", 1), ("tv", 2)):
        for j in range(2):
            draws = [r.posterior.coef[:, j, c] * 1.0 for r in (fitted, other)]
            # 400 thinned draws count for no more than themselves, nor than the chains' own size
            size = [min(400, r.diagnostics[f"channel:{name}"][j, 1]) for r in (fitted, other)]
            error = np.sqrt(sum(d.var() / n for d, n in zip(draws, size, strict=True)))
            assert abs(draws[0].mean() - draws[1].mean()) < 4.5 * error


def test_the_same_seed_gives_the_same_draws(world):
    assert_identical(fit(task_of(world.panel), QUICK), fit(task_of(world.panel), QUICK))


def test_draws_do_not_depend_on_the_number_of_threads(world, monkeypatch):
    seen = []

    def watched(*arguments, **options):
        seen.extend(library["num_threads"] for library in threadpool_info())
        return run_chains(*arguments, **options)

    run_chains = fitting.run_chains
    monkeypatch.setattr(fitting, "run_chains", watched)
    results = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            results.append(fit(task_of(world.panel), QUICK))
    assert_identical(*results)
    assert set(seen) == {1}


def test_the_unit_of_the_kpi_does_not_matter(world):
    panel = world.panel
    plain = fit(task_of(panel), QUICK)
    scaled = fit(task_of(replace(panel, outcome=1000.0 * panel.outcome)), QUICK)
    for name, values in draws_of(plain).items():
        factor = 1000.0 if name == "kpi_scale" else 1.0
        np.testing.assert_allclose(
            draws_of(scaled)[name], factor * values, rtol=1e-5, atol=1e-7, err_msg=name
        )


def test_the_unit_of_media_does_not_matter(world):
    panel = world.panel
    plain = fit(task_of(panel), QUICK)
    scaled = fit(task_of(replace(panel, exposure=1024.0 * panel.exposure)), QUICK)
    np.testing.assert_array_equal(plain.posterior.coef, scaled.posterior.coef)
    np.testing.assert_array_equal(
        scaled.posterior.exposure_scale, 1024.0 * plain.posterior.exposure_scale
    )


def test_lead_in_media_works_but_does_not_set_the_scale(world):
    panel = world.panel
    exposure = panel.exposure.copy()
    exposure[:, :20] *= 50.0
    loud = replace(panel, exposure=exposure)
    result = fit(task_of(loud, n_training=130), QUICK)
    assert result.posterior.first_week == panel.weeks[26]
    np.testing.assert_array_equal(
        result.posterior.exposure_scale, panel.exposure[:, 26:].max(axis=1)
    )
    silent = exposure.copy()
    silent[:, :26] = 0.0
    without = fit(task_of(replace(panel, exposure=silent), n_training=130), QUICK)
    assert not np.array_equal(result.posterior.coef, without.posterior.coef)


def test_a_clients_prior_share_moves_the_answer(simulate):
    panel = simulate(n_weeks=30, geos=("north",), noise=0.3).panel
    settings = FitSettings(chains=4, warmup=50, sweeps=200, max_sweeps=200, draws=400)
    means = []
    for prior in (1e-4, 0.5):
        result = fit(task_of(panel, share_of_kpi={"tv": prior}), settings)
        means.append(total_effects(result.posterior, panel)[:, 2].mean() / panel.outcome.sum())
    assert means[0] < 0.01 < 0.04 < means[1]


def test_a_channel_without_exposure_is_dropped_and_named(world):
    panel = world.panel
    exposure = panel.exposure.copy()
    exposure[:, 30:, 1] = 0.0  # ran before the training window only
    result = fit(task_of(replace(panel, exposure=exposure), n_training=120), QUICK)
    assert result.dropped_channels == ("social",)
    assert result.posterior.channels == ("search", "tv")
    assert result.posterior.coef.shape[2] == 2
    assert "channel:social" not in result.diagnostics


def test_a_driver_that_never_moves_is_dropped_and_named(world):
    panel = replace(world.panel, driver_values=np.full((2, 156, 1), 9.99))
    assert fit(task_of(panel), QUICK).dropped_drivers == ("context:price",)


def test_no_exposure_at_all_raises(world):
    silent = replace(world.panel, exposure=np.zeros_like(world.panel.exposure))
    with pytest.raises(ValueError, match=r"'sales': none of its channels .* 156 training weeks"):
        fit(task_of(silent), QUICK)


@pytest.mark.parametrize("value", [0.0, -5.0])
def test_a_kpi_without_a_positive_mean_names_the_geo(world, value):
    outcome = world.panel.outcome.copy()
    outcome[1] = value
    with pytest.raises(ValueError, match=r"'sales': the KPI 'revenue' .* geos \['south'\]"):
        fit(task_of(replace(world.panel, outcome=outcome)), QUICK)


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_a_geo_without_any_kpi_is_named(world):
    outcome = world.panel.outcome.copy()
    outcome[0] = np.nan
    with pytest.raises(ValueError, match=r"geos \['north'\]"):
        fit(task_of(replace(world.panel, outcome=outcome)), QUICK)


def test_a_geo_borrows_the_scale_of_a_channel_it_never_ran():
    exposure = np.zeros((3, 2, 3))
    exposure[0, :, 0], exposure[1, :, 0] = (1, 4), (10, 2)
    exposure[2, :, 1] = (7, 5)
    expected = [[4, 7, 0], [10, 7, 0], [7, 7, 0]]  # (4 + 10) / 2 for the third geo
    assert exposure_scales(exposure).tolist() == expected


@pytest.mark.parametrize("draws", [3, 4001])
def test_draws_must_fit_the_chains(draws):
    with pytest.raises(ValueError, match=f"4000, not {draws}"):
        FitSettings(chains=4, sweeps=1000, draws=draws)


@pytest.mark.parametrize("scale", [0.0, -0.1, float("nan")])
def test_the_prior_scale_must_be_positive(scale):
    with pytest.raises(ValueError, match=f"above zero, not {scale}"):
        FitSettings(channel_share_scale=scale)


def test_a_fit_goes_on_until_it_has_converged(world, monkeypatch):
    answers = iter([False, False, True])
    monkeypatch.setattr(convergence, "has_converged", lambda diagnostics, run_kind: next(answers))
    result = fit(task_of(world.panel), replace(QUICK, max_sweeps=100))
    assert result.n_sweeps == 3 * QUICK.sweeps
    assert len(result.posterior.coef) == QUICK.draws


GOOD = [1.005, 900.0, 800.0]  # R-hat, bulk and tail effective sample size


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (GOOD, True),
        ([1.009, 400.0, 400.0], True),
        ([1.011, 900.0, 800.0], False),
        ([1.005, 399.0, 800.0], False),
        ([1.005, 900.0, 399.0], False),
        ([np.nan, np.nan, np.nan], False),  # it never moved: no evidence of convergence
        ([np.inf, 900.0, 900.0], False),
    ],
)
def test_one_bad_term_in_one_geo_is_enough_to_doubt(figures, expected):
    diagnostics = {"level": np.array([GOOD, GOOD]), "trend": np.array([GOOD, figures])}
    assert has_converged(diagnostics, "live") is expected


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        ([1.049, 100.0, 100.0], True),
        ([1.051, 900.0, 900.0], False),
        ([1.005, 99.0, 900.0], False),
        ([np.nan, np.nan, np.nan], False),
    ],
)
def test_a_backtest_needs_fewer_draws(figures, expected):
    diagnostics = {"level": np.array([GOOD]), "trend": np.array([figures])}
    assert has_converged(diagnostics, "backtest") is expected
