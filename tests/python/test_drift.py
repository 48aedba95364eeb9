"""Effectiveness that drifts over the years: by hand where it is read, planted where fitted."""

from dataclasses import replace

import numpy as np
import planted
import polars as pl
import pytest
from conftest import simulate_world
from planted import FIRST, WEEK
from test_curves import NO_PLAN
from test_experiments import lift_test

from mixloop.curves import curve_rows
from mixloop.evaluate import media_effects
from mixloop.experiments import effect_per_coefficient
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forms import MULTIPLICATIVE
from mixloop.performance import performance_rows
from mixloop.posterior import posterior_to_frame, posteriors_from_frame
from mixloop.priors import Belief, channel_log_prior
from mixloop.sampler import transform_media
from mixloop.schemas import POSTERIOR
from mixloop.transforms import DRIFTS, adstock, adstock_weights, default_grid, hill


def drifting(form=None, **world):
    """A random run whose draws drift, some of them with exponential curves, and its panel."""
    run, panel = planted.world(**world)
    rng = np.random.default_rng(9)
    changes = {} if form is None else {"kpi_form": form}
    return planted.replace(
        run,
        drift=rng.choice(DRIFTS, run.decay.shape),
        saturation=rng.choice(["hill", "exponential"], run.decay.shape),
        slope=np.where(run.slope == 0.7, 1.0, run.slope),
        **changes,
    ), panel


def years_by_hand(run, weeks):
    """Days from the middle of the training window over 365.25, held beyond it."""
    first, last = (week.astype(int) for week in (run.first_week, run.last_week))
    days = np.clip(weeks.astype("datetime64[D]").astype(int), first, last)
    return (days - (first + last) / 2) / 365.25


def test_effects_are_multiplied_week_by_week_and_held_beyond_the_training_window():
    run, panel = drifting(n_draws=25)
    run = planted.replace(run, last_week=run.last_week - 10 * WEEK)  # the last ten are a forecast
    effects = media_effects(run, panel)
    factor = years_by_hand(run, panel.weeks)
    assert np.ptp(factor[-11:]) == 0.0 < np.ptp(factor[-12:])
    for s in range(25):
        for c in range(len(run.channels)):
            weights = adstock_weights(run.kernel[s, c], run.decay[s, c], run.carryover_weeks)
            u = adstock(panel.exposure[:, :, c] / run.exposure_scale[:, None, c], weights)
            expected = hill(u, run.half[s, c], run.slope[s, c])
            if run.saturation[s, c] == "exponential":
                expected = 1 - 0.5 ** (u / run.half[s, c])
            expected = expected * np.exp(run.drift[s, c] * factor)
            expected = expected * (run.coef[s, :, c] * run.kpi_scale)[:, None]
            np.testing.assert_allclose(effects[s, :, :, c], expected, rtol=1e-10)


@pytest.mark.parametrize("form", [None, MULTIPLICATIVE])
def test_an_effect_of_a_period_is_the_sum_of_its_weeks(form):
    run, panel = drifting(form, n_draws=12)
    nodes = planted.nodes([(c, c) for c in run.channels])
    rows = performance_rows(run, panel, nodes, hurdle_roi=1.0)
    weeks = (panel.weeks >= run.first_week) & (panel.weeks <= run.last_week)
    found = rows.filter(pl.col("period_id") == "training").sort("node_id")["effect_mean"]
    effects = media_effects(run, panel)[:, :, weeks].sum(axis=(1, 2)).mean(axis=0)
    np.testing.assert_allclose(found.to_numpy(), effects, rtol=1e-9)


def test_saturation_is_what_was_reached_of_what_could_be_at_that_effectiveness():
    """A held exposure reaches the same share of its curve in every year, whatever drifts."""
    constant = planted.posterior(np.full((1, 1, 1), 2.0), 105)
    moving = planted.replace(constant, drift=np.array([[0.4]]))
    panel = planted.panel(np.full((1, 105, 1), 3.0), np.full((1, 105), 9.0))
    nodes = planted.nodes([("c0", "c0")])
    for run in (constant, moving):
        rows = performance_rows(run, panel, nodes, hurdle_roi=1.0)
        assert rows["saturation_mean"].to_list() == pytest.approx([0.75] * len(rows))


def test_curves_and_headroom_are_those_of_the_last_training_week():
    constant = planted.posterior(np.full((1, 1, 1), 2.0), 105)
    moving = planted.replace(constant, drift=np.array([[0.4]]))
    panel = planted.panel(np.full((1, 105, 1), 3.0), np.full((1, 105), 9.0))
    today = np.exp(0.4 * 52 * 7 / 365.25)
    before, now = (curve_rows(run, panel, NO_PLAN, 5) for run in (constant, moving))
    for name in ("response_mean", "marginal_response_mean"):
        np.testing.assert_allclose(now[name], before[name] * today, rtol=1e-12)
    nodes = planted.nodes([("c0", "c0")])
    # the marginal return of the moving channel meets the hurdle where the constant one's meets
    # the hurdle over today's effectiveness
    found = performance_rows(moving, panel, nodes, hurdle_roi=0.1 * today)["headroom_spend_mean"]
    wanted = performance_rows(constant, panel, nodes, hurdle_roi=0.1)["headroom_spend_mean"]
    assert found[0] == pytest.approx(wanted[0]) and 0.0 < found[0] < 12.0


def test_drift_survives_the_ledger_and_older_runs_have_none():
    run, _ = drifting(n_draws=6)
    frame = posterior_to_frame(run)
    back = posteriors_from_frame(frame)[0]
    np.testing.assert_array_equal(back.drift, run.drift)
    np.testing.assert_array_equal(back.saturation, run.saturation)
    for older in (frame.drop("drift", "saturation"), frame.with_columns(
        pl.lit(None, dtype=POSTERIOR[name]).alias(name) for name in ("drift", "saturation")
    )):  # fmt: skip
        without = posteriors_from_frame(older)[0]
        assert not without.drift.any()
        assert (without.saturation == "hill").all()


# --- the prior ----------------------------------------------------------------------------------


def test_only_channels_that_may_drift_have_weight_on_it():
    grid = default_grid(has_drift=True)
    assert len(grid.decay) == 5 * len(default_grid().decay)
    constant = np.exp(channel_log_prior(grid, 12, Belief()))
    assert constant[grid.drift != 0.0].sum() == 0.0
    np.testing.assert_allclose(
        constant[grid.drift == 0.0], np.exp(default_grid().log_prior), rtol=1e-12
    )
    moving = np.exp(channel_log_prior(grid, 12, Belief(drift_per_year=0.2)))
    assert moving.sum() == pytest.approx(1.0)
    normal = np.exp(-0.5 * (np.array(DRIFTS) / 0.2) ** 2)
    for drift, share in zip(DRIFTS, 0.5 * normal / normal.sum(), strict=True):
        found = moving[grid.drift == drift].sum()
        assert found == pytest.approx(share + (0.5 if drift == 0.0 else 0.0))
    # and nothing else changes
    kernel = [moving[(grid.decay == d) & (grid.half == 0.45)].sum() for d in (0.3, 0.6)]
    assert kernel[0] == pytest.approx(kernel[1])


@pytest.mark.parametrize("scale", [0.0, -0.1])
def test_a_drift_without_size_is_refused(scale):
    with pytest.raises(ValueError, match="drift_per_year must be above zero"):
        Belief(drift_per_year=scale)


# --- the fit ------------------------------------------------------------------------------------


def test_media_of_the_grid_are_multiplied_by_drift():
    grid = default_grid(has_drift=True)
    exposure, years = np.random.default_rng(0).random((2, 6, 1)), np.linspace(-1, 1, 6)
    media = transform_media(exposure, grid, 3, years)
    plain = transform_media(exposure, grid, 3)
    np.testing.assert_allclose(media, plain * np.exp(grid.drift[:, None] * years), rtol=1e-12)


def test_a_lift_test_counts_at_the_effectiveness_of_its_weeks():
    panel = planted.panel(np.full((1, 20, 1), 2.0), np.ones((1, 20)))
    test = replace(lift_test(), channel_id="c0", geos=())
    test = replace(test, start_week=str(FIRST + 4 * WEEK), end_week=str(FIRST + 5 * WEEK))
    grid = default_grid(has_drift=True)
    years = np.linspace(-1.0, 1.0, 20)
    with_drift, without = (
        effect_per_coefficient(test, panel, 0, np.ones(1), np.ones((1, 20)), grid, 0, at)
        for at in (years, None)
    )
    for g in range(0, len(grid.decay), 97):
        weekly = np.exp(grid.drift[g] * years[4:6])  # both weeks have the same exposure
        assert with_drift[0, g] == pytest.approx(without[0, g] * weekly.mean())


def test_a_channel_that_loses_its_force_is_seen_to():
    world = simulate_world(seed=3, n_weeks=208, geos=("north",), noise=0.01, rho=0.2)
    years = (np.arange(208) - 103.5) * 7 / 365.25
    factor = np.exp(-0.4 * years)
    at = world.panel.channels.index("search")
    outcome = world.panel.outcome + world.effect[:, :, at] * (factor - 1.0)
    task = FitTask(
        run_id="r",
        run_kind="backtest",
        model_id="m",
        kpi="revenue",
        panel=replace(world.panel, outcome=outcome),
        n_training=208,
        media_units=dict.fromkeys(world.panel.channels, "spend"),
        share_of_kpi={},
        beliefs={"search": Belief(drift_per_year=0.3)},
    )
    settings = FitSettings(chains=4, warmup=150, sweeps=150, max_sweeps=150, draws=300)
    moving = fit(task, settings).posterior
    assert moving.drift[:, at].mean() == pytest.approx(-0.4, abs=0.1)
    assert not np.delete(moving.drift, at, axis=1).any()  # nobody said the others may
    true = (world.effect[0, :, at] * factor).reshape(4, 52).sum(axis=1)
    found = media_effects(moving, task.panel)[:, 0, :, at].reshape(-1, 4, 52).sum(axis=2)
    constant = fit(replace(task, beliefs={}), settings).posterior
    flat = media_effects(constant, task.panel)[:, 0, :, at].reshape(-1, 4, 52).sum(axis=2)
    assert not constant.drift.any()
    errors = [np.abs(f.mean(axis=0) - true).sum() / true.sum() for f in (found, flat)]
    assert errors[0] < 0.12 and errors[0] < 0.5 * errors[1]
