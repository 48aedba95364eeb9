"""Prior beside posterior: draws of the prior against the sampler's own, and what is compared."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from planted import panel as make_panel
from planted import posterior as make_posterior
from planted import world
from prior import draw_worlds, pooled_problem_of, problem_of, share_of, with_geos
from scipy import stats
from test_fit import task_of, total_effects

from mixloop import prior_predictive
from mixloop.fit import FitSettings, fit
from mixloop.prior_predictive import Known, compare, prior_rows
from mixloop.priors import Belief, channel_log_prior, grid_half_lives
from mixloop.runs import configuration
from mixloop.schemas import PRIORS
from mixloop.transforms import default_grid

ASKED = {"share_of_kpi": {}, "channel_share_scale": 0.06, "pool_spread": 0.5}


def known_of(exposure, asked=None, **changes):
    """What the prior needs of a run with this exposure (J, T, C)."""
    n_geos, n_weeks, n_channels = exposure.shape
    run = make_posterior(np.full((4, n_geos, n_channels), 0.1), n_weeks, **changes)
    spend = exposure.sum(axis=(0, 1))
    return Known(run, ASKED | (asked or {}), exposure, spend, np.full(n_geos, float(n_weeks)))


# --- the prior ----------------------------------------------------------------------------------


def test_shares_are_those_of_the_samplers_own_prior(ar1):
    """`prior.draw_worlds` draws the prior that the calibration of the sampler holds it to."""
    problem = with_geos(problem_of(2, 2))
    level = problem.media.mean(axis=3, keepdims=True)
    level = level / level.mean(axis=1, keepdims=True)  # as much in both geos
    intensity = np.tile(np.array([0.5, 1.5]), (2, 1))
    problem = replace(problem, media=problem.media / level, intensity=intensity)
    truth = draw_worlds(problem, np.random.default_rng(1), ar1)
    theirs = share_of(problem, truth)  # (J, K, C)
    exposure = np.array([1.0, 9.0])[:, None, None] * np.ones((2, 5, 2))
    known = known_of(exposure)
    mine = prior_predictive._half_normal_shares(known, 20_000, np.random.default_rng(2))
    for j, c in np.ndindex(2, 2):
        assert stats.ks_2samp(mine[:, j, c], theirs[j, :, c]).pvalue > 1e-3
    both = stats.ks_2samp(mine[:, 0, 0] + mine[:, 1, 0], theirs[0, :, 0] + theirs[1, :, 0])
    assert both.pvalue > 1e-3  # geos share their scales


def test_shares_of_pooled_channels_are_those_of_the_samplers_own_prior(ar1):
    problem = pooled_problem_of(1, 2)
    truth = draw_worlds(problem, np.random.default_rng(3), ar1)
    theirs = share_of(problem, truth)[0]  # (K, C)
    exposure = np.array([0.7, 0.3]) * np.ones((1, 10, 1))
    known = known_of(exposure, pools={"c0": "p", "c1": "p"})
    mine = prior_predictive._half_normal_shares(known, 20_000, np.random.default_rng(4))[:, 0]
    for c in range(2):
        assert stats.ks_2samp(mine[:, c], theirs[:, c]).pvalue > 1e-3
    split = stats.ks_2samp(mine[:, 0] / mine.sum(axis=1), theirs[:, 0] / theirs.sum(axis=1))
    assert split.pvalue > 1e-3


def test_a_belief_in_the_return_reweighs_the_channels_own_prior():
    asked = {"beliefs": {"c1": {"roi_low": 1.0, "roi_high": 3.0}}}
    known = known_of(np.ones((1, 50, 2)), asked)
    effect = np.random.default_rng(5).exponential(100.0, size=(prior_predictive.DRAWS, 2))
    told = prior_predictive._told(known, effect, np.random.default_rng(6))
    np.testing.assert_array_equal(told[:, 0], effect[:, 0])
    x = np.linspace(0, 8, 4001)  # return on a spend of 50: exponential of mean 2 times the belief
    density = np.exp(-x / 2 - 0.5 * ((x - 2) / (2 / 3.2897)) ** 2)
    cdf = np.cumsum(density) / density.sum()
    assert stats.kstest(told[:, 1] / 50.0, lambda r: np.interp(r, x, cdf)).statistic < 0.015


# --- the comparison -----------------------------------------------------------------------------


def test_prior_and_posterior_alike_share_all_and_narrow_nothing():
    draws = np.random.default_rng(7).normal(size=20_000)
    found = compare(draws, draws[::4], has_mean=True)
    assert found["overlap"] == pytest.approx(1.0, abs=0.05)
    assert found["narrowing"] == pytest.approx(0.0, abs=0.03)
    assert found["shift"] == pytest.approx(0.0, abs=0.03)
    assert found["prior_p95"] == pytest.approx(1.645, abs=0.05)


def test_a_shifted_and_narrower_posterior():
    rng = np.random.default_rng(8)
    found = compare(rng.normal(size=50_000), rng.normal(1.0, 0.5, 50_000), has_mean=False)
    assert np.isnan(found["prior_mean"])
    assert found["shift"] == pytest.approx(1.0, abs=0.03)
    assert found["narrowing"] == pytest.approx(0.5, abs=0.02)
    x = np.linspace(-6, 6, 10_001)
    area = np.trapezoid(np.minimum(stats.norm.pdf(x), stats.norm.pdf(x, 1, 0.5)), x)
    assert found["overlap"] == pytest.approx(area, abs=0.05)
    apart = compare(rng.normal(size=1000), rng.normal(50.0, 1.0, 1000), has_mean=True)
    assert apart["overlap"] < 0.06  # nothing but the prior's last twentieth


def test_points_of_a_grid_have_weights():
    found = compare(
        np.array([1.0, 2.0, 3.0]),
        np.array([2.0, 2.0, 3.0, 3.0]),
        weight=np.array([0.5, 0.25, 0.25]),
        has_mean=True,
    )
    assert found["prior_mean"] == 1.75
    assert found["overlap"] == 0.5


# --- rows of a run ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def task(simulate):
    planted = simulate(n_weeks=70, geos=("north", "south"), channels=("search", "tv"))
    beliefs = {"tv": Belief(half_life_low_weeks=1.0, half_life_high_weeks=3.0)}
    beliefs["search"] = Belief(roi_low=0.1, roi_high=0.5)
    return replace(task_of(planted.panel, share_of_kpi={"tv": 0.2}), beliefs=beliefs)


@pytest.fixture(scope="module")
def fitted(task):
    return fit(task, FitSettings(warmup=100, sweeps=100, max_sweeps=100, draws=200)).posterior


def rows_of(run, task, seed=1):
    asked = json.loads(configuration(task, FitSettings()))
    return prior_rows(run, task.panel, asked, np.random.default_rng(seed))


def test_a_run_has_its_channels_quantities_and_the_whole(task, fitted):
    rows = rows_of(fitted, task)
    assert dict(rows.schema) == PRIORS
    sources = {
        (c, q): s for c, q, s in rows.select("channel_id", "quantity", "prior_source").rows()
    }
    assert sources == {
        ("search", "share_of_kpi"): "client",  # by the return
        ("search", "roi"): "client",
        ("search", "half_life_weeks"): "default",
        ("search", "saturation"): "default",
        ("tv", "share_of_kpi"): "client",
        ("tv", "roi"): "default",
        ("tv", "half_life_weeks"): "client",
        ("tv", "saturation"): "default",
        ("all", "share_of_kpi"): "default",
        ("all", "kpi_per_year"): "default",
    }
    # only a prior that has a mean says one
    without = rows.filter(pl.col("prior_mean").is_null()).select("channel_id", "quantity").rows()
    assert sorted(without) == [
        *(("all", "kpi_per_year"), ("all", "share_of_kpi")),
        *(("tv", "roi"), ("tv", "share_of_kpi")),
    ]
    assert rows.equals(rows_of(fitted, task))
    assert not rows.equals(rows_of(fitted, task, seed=2))


def test_the_posterior_is_that_of_the_draws(task, fitted):
    rows = {(r["channel_id"], r["quantity"]): r for r in rows_of(fitted, task).to_dicts()}
    totals = total_effects(fitted, task.panel)
    kpi = fitted.kpi_scale.sum() * 70
    for c, channel in enumerate(fitted.channels):
        spend = task.panel.spend[:, :, c].sum()
        assert rows[channel, "share_of_kpi"]["posterior_mean"] == pytest.approx(
            totals[:, c].mean() / kpi
        )
        roi = rows[channel, "roi"]
        assert roi["posterior_mean"] == pytest.approx(totals[:, c].mean() / spend)
    whole = rows["all", "share_of_kpi"]
    assert whole["posterior_mean"] == pytest.approx(totals.sum(axis=1).mean() / kpi)
    assert 0.05 < whole["p_above_one"] < 0.6
    # a year of the fitted KPI is a year of the KPI
    year = np.nansum(np.nanmean(task.panel.outcome, axis=1)) * 365.25 / 7
    assert rows["all", "kpi_per_year"]["posterior_p50"] == pytest.approx(year, rel=0.02)
    assert (
        rows["all", "kpi_per_year"]["prior_p05"] < year < rows["all", "kpi_per_year"]["prior_p95"]
    )


def test_transforms_are_compared_with_the_grids_weights(task, fitted):
    rows = {(r["channel_id"], r["quantity"]): r for r in rows_of(fitted, task).to_dicts()}
    grid = default_grid()
    weight = np.exp(channel_log_prior(grid, 12, task.beliefs["tv"]))
    expected = weight @ grid_half_lives(grid, 12)
    assert rows["tv", "half_life_weeks"]["prior_mean"] == pytest.approx(expected)
    assert rows["tv", "half_life_weeks"]["prior_mean"] != pytest.approx(
        rows["search", "half_life_weeks"]["prior_mean"]
    )


def test_a_channel_that_costs_nothing_has_no_return():
    run, history = world(n_geos=1)
    free = replace(history, spend=np.zeros_like(history.spend))
    asked = {"share_of_kpi": {}, "channel_share_scale": 0.06}
    found = prior_rows(run, free, asked, np.random.default_rng(1))
    assert "roi" not in found["quantity"]


def test_a_geo_where_a_channel_never_ran_adds_nothing():
    exposure = np.ones((2, 30, 1))
    exposure[1] = 0.0
    run = make_posterior(np.full((10, 2, 1), 0.1), 30)
    rows = [
        prior_rows(run, make_panel(each, np.ones((2, 30))), ASKED, np.random.default_rng(1))
        for each in (exposure, np.ones((2, 30, 1)))
    ]
    half, whole = (
        r.filter(pl.col("quantity") == "share_of_kpi", pl.col("channel_id") == "c0") for r in rows
    )
    assert half["prior_p50"][0] < 0.8 * whole["prior_p50"][0]


def test_blocks_of_draws_have_the_same_distribution(monkeypatch):
    known = known_of(np.ones((3, 5, 2)))
    ran = np.ones((3, 2), dtype=bool)
    whole = prior_predictive._effects(known, ran, np.random.default_rng(9))
    monkeypatch.setattr(prior_predictive, "LARGEST_BLOCK", 6 * 3333)
    blocks = prior_predictive._effects(known, ran, np.random.default_rng(10))
    assert blocks.shape == whole.shape == (prior_predictive.DRAWS, 2)
    assert stats.ks_2samp(whole[:, 0], blocks[:, 0]).pvalue > 1e-3
