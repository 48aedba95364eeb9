"""Decision backtests: nothing of the future in the advice, gains that follow the whole model."""

from dataclasses import replace

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.evaluate import align, fitted_by_geo, media_effects
from mixloop.fit import FitSettings, fit, settings_of
from mixloop.panel import build_panel
from mixloop.planning.advise import advise
from mixloop.planning.hindsight import (
    Terms,
    advice_at,
    followed,
    hindsight_row,
    hindsight_rows,
    status_quo,
)
from mixloop.planning.response import window_of
from mixloop.posterior import MULTIPLICATIVE
from mixloop.runs import fit_tasks
from mixloop.schemas import DECISION_BACKTESTS

TERMS = Terms(horizon_weeks=8, change_max=0.2, step=0.01)
TINY = FitSettings(chains=2, warmup=10, sweeps=40, max_sweeps=40, draws=40)


def world(form="additive"):
    """A newest run, a run of twenty weeks before with other draws, and their panel."""
    newest, panel = planted.world(n_weeks=70)
    earlier, _ = planted.world(n_weeks=70, seed=2)
    newest = replace(newest, run_id="newest", kpi_form=form)
    shared = ("exposure_scale", "kpi_scale", "first_week")
    earlier = replace(
        earlier,
        run_id="earlier",
        last_week=panel.weeks[-21],
        kpi_form=form,
        **{name: getattr(newest, name) for name in shared},
    )
    return newest, earlier, panel


# --- no look-ahead ------------------------------------------------------------------------------


def spiked(panel, after):
    """The panel with everything else than it was in the weeks after one."""
    later = panel.weeks > after
    return replace(
        panel,
        outcome=np.where(later, 1e6, panel.outcome),
        exposure=np.where(later[:, None], 1e5, panel.exposure),
        spend=np.where(later[:, None], 1e5, panel.spend),
        driver_values=np.where(later[:, None], -50.0, panel.driver_values),
    )


@pytest.mark.parametrize("form", ["additive", MULTIPLICATIVE])
def test_advice_does_not_change_with_the_future(form):
    _, earlier, panel = world(form)
    one, two = (advice_at(earlier, p, TERMS) for p in (panel, spiked(panel, earlier.last_week)))
    for name in ("factor", "low", "high", "spend", "gain", "effect_change", "effect_now"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.is_moved.any()
    before = spiked(panel, earlier.last_week - planted.WEEK)  # the check can fail
    assert not np.array_equal(one.spend, advice_at(earlier, before, TERMS).spend)


def test_from_data_to_advice_a_planted_spike_changes_nothing(simulate, to_frames):
    """The fit of an origin and what it advises, on a client whose future is another one."""
    whole = simulate(n_weeks=90, channels=("search", "tv")).panel
    cut = whole.weeks[-21]
    frames = [to_frames(panel) for panel in (whole, spiked(whole, cut))]
    ends = {"origins": 1, "step_weeks": 10, "horizon_weeks": 20, "first_forecast_weeks_ago": 0}
    tasks = [fit_tasks(**inputs, settings=TINY, **ends) for inputs in frames]
    assert [[task.run_kind for task in own] for own in tasks] == [["backtest", "live"]] * 2
    (origin, live), (same, other) = tasks
    assert origin.panel.weeks[-1] == cut
    assert origin.run_id == same.run_id
    assert live.run_id != other.run_id
    advice = []
    for task, inputs in zip((origin, same), frames, strict=True):
        run = fit(task, settings_of("backtest", TINY)).posterior
        panel = build_panel("sales", inputs["outcomes"], inputs["media"], inputs["drivers"])
        advice.append(advice_at(run, panel, TERMS))
    np.testing.assert_array_equal(advice[0].factor, advice[1].factor)
    np.testing.assert_array_equal(advice[0].gain, advice[1].gain)
    assert advice[0].is_moved.any()


# --- what it would have brought -----------------------------------------------------------------


def test_status_quo_repeats_the_last_weeks():
    panel = planted.panel(np.arange(5.0)[None, :, None], outcome=np.ones((1, 5)))
    ahead = status_quo(panel, 3)
    assert ahead.exposure[0, :, 0].tolist() == [0, 1, 2, 3, 4, 2, 3, 4]
    assert np.isnan(ahead.outcome[0, 5:]).all()
    np.testing.assert_array_equal(np.diff(ahead.weeks), planted.WEEK)


def test_following_advice_costs_what_was_spent():
    rng = np.random.default_rng(0)
    for _ in range(20):
        factor, done = rng.uniform(0.8, 1.2, 5), rng.gamma(1.0, 100.0, 5)
        factor[rng.integers(5)] = np.nan
        multiple = followed(factor, done)
        assert (multiple * done).sum() == pytest.approx(done.sum(), rel=1e-12)
        known = np.isfinite(factor)
        np.testing.assert_allclose(np.ptp(multiple[known] / factor[known]), 0.0, atol=1e-12)
        assert (multiple[~known] == 1.0).all()
    assert followed(np.array([0.9, 1.1]), np.zeros(2)).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("form", ["additive", MULTIPLICATIVE])
def test_gains_are_those_of_the_newest_run_on_what_was_done(form):
    newest, earlier, panel = world(form)
    row = hindsight_row(earlier, newest, panel, TERMS)
    advice = advice_at(earlier, panel, TERMS)
    window = (panel.weeks > earlier.last_week) & (
        panel.weeks <= earlier.last_week + 8 * planted.WEEK
    )
    done = panel.spend[:, window].sum(axis=(0, 1))
    multiple = followed(advice.factor, done)
    exposure = panel.exposure.copy()
    exposure[:, window] *= multiple
    then = align(newest, replace(panel, exposure=exposure))

    if form == MULTIPLICATIVE:
        kpis = [
            sum(part.sum(axis=0) for part in fitted_by_geo(newest, align(newest, p), window))
            for p in (panel, then)
        ]
        inside = kpis[1] - kpis[0]
    else:
        change = (media_effects(newest, then) - media_effects(newest, panel)).sum(axis=(1, 3))
        inside, after = change[:, window].sum(axis=1), change[:, ~window].sum(axis=1)
        assert row["gain_after_mean"] == pytest.approx(after.mean())
        assert row["gain_p05"] == pytest.approx(np.quantile(inside + after, 0.05))
        assert row["p_gain"] == ((inside + after) > 0).mean()
    actual = panel.outcome[:, window].sum()
    assert row["gain_in_window_mean"] == pytest.approx(inside.mean())
    assert row["kpi_if_followed_p95"] == pytest.approx(actual + np.quantile(inside, 0.95))
    assert row["budget"] == pytest.approx(done.sum())
    assert row["moved_spend"] == pytest.approx(np.abs(multiple - 1) @ done / 2)
    assert row["expected_gain_mean"] == pytest.approx(advice.gain.mean())
    assert row["n_weeks"] == 8
    names = [set((row[name] or "").split(", ")) for name in ("more_for", "less_for")]
    assert names == [
        {c for c, m in zip(newest.channels, multiple, strict=True) if sign * (m - 1) > 0}
        for sign in (1, -1)
    ]


def test_the_window_ends_with_the_newest_week_and_an_unknown_kpi_stays_unknown():
    newest, earlier, panel = world()
    hole = replace(panel, outcome=np.where(panel.weeks == panel.weeks[-1], np.nan, panel.outcome))
    row = hindsight_row(earlier, newest, hole, replace(TERMS, horizon_weeks=30))
    assert (row["n_weeks"], row["last_week"]) == (20, panel.weeks[-1].item())
    assert row["actual_kpi"] is row["kpi_if_followed_mean"] is None
    assert row["gain_mean"] is not None
    assert hindsight_row(newest, newest, panel, TERMS) is None  # no week has come since


def test_where_nothing_is_moved_nothing_is_gained():
    newest, earlier, panel = world()
    rows = hindsight_rows(newest, [earlier, newest], panel, replace(TERMS, change_max=0.0))
    assert rows.schema == DECISION_BACKTESTS
    (row,) = rows.to_dicts()
    assert row["n_moved"] == row["gain_mean"] == row["moved_spend"] == 0
    assert row["p_gain"] is row["p_better_then"] is row["more_for"] is None
    assert row["kpi_if_followed_mean"] == pytest.approx(row["actual_kpi"])


def test_a_channel_that_is_new_since_keeps_its_money():
    newest, earlier, panel = world()
    three = tuple(newest.channels[:3])
    names = ("kernel", "saturation", "decay", "half", "slope", "drift")
    fewer = replace(
        earlier,
        channels=three,
        media_units=earlier.media_units[:3],
        coef=earlier.coef[:, :, :3],
        exposure_scale=earlier.exposure_scale[:, :3],
        **{name: getattr(earlier, name)[:, :3] for name in names},
    )
    row = hindsight_row(fewer, newest, panel, TERMS)
    assert newest.channels[3] not in f"{row['more_for']}, {row['less_for']}"
    assert row["n_moved"] >= 2


def test_with_the_true_curves_advice_is_never_behind():
    """One draw, the truth, gives the advice and values it on the same money: never a loss."""
    newest, _, panel = world()
    for s in range(8):
        true = replace(
            newest,
            **{
                name: getattr(newest, name)[s : s + 1]
                for name in (
                    *("kernel", "saturation", "decay", "half", "slope", "drift", "coef"),
                    *("baseline_coef", "sigma", "rho", "last_error", "shock_share"),
                )
            },
        )
        in_window = panel.weeks > panel.weeks[-9]
        window = window_of(true, panel, in_window)
        advice = advise(window, np.full(4, 0.8), np.full(4, 1.2), step=0.01)
        assert advice.gain.item() >= 0.0
        assert pl.Series(advice.factor).is_between(0.8, 1.2).all()
