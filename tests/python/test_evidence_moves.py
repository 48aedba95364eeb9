"""How far evidence about one channel moves the others, where the answer is known by hand."""

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import stats
from test_calibration import evidence_frame, lift_test
from test_fit import task_of, total_effects
from test_runs import SETTINGS, Clock

from mixloop.beliefs import moves_table
from mixloop.evidence_moves import (
    Channels,
    Effects,
    effective_draws,
    media_correlation,
    moves_of_a_row,
    reweighting_error,
)
from mixloop.fit import FitSettings, fit
from mixloop.importance import smoothed_weights
from mixloop.runs import fit_runs
from mixloop.schemas import MOVES, POSTERIOR

# Two effects that are normal before a lift of the first is measured, and the lift.
MEAN, SD, CORRELATION = np.array([100.0, 60.0]), np.array([10.0, 8.0]), -0.6
LIFT, SE = 115.0, 15.0


def conjugate():
    """Return mean and covariance before and after the lift, from the normal equations."""
    cov = np.outer(SD, SD) * np.array([[1.0, CORRELATION], [CORRELATION, 1.0]])
    gain = cov[:, 0] / (cov[0, 0] + SE**2)
    return cov, MEAN + gain * (LIFT - MEAN[0]), cov - np.outer(gain, cov[0])


def moves(after, weight, before=None):
    """Moves of two channels, of which the second one's media never vary."""
    exposure = np.stack([np.arange(5.0), np.ones(5)], axis=1)[None]
    channels = Channels(("search", "tv"), exposure, np.array([10.0, 20.0]), 500.0)
    with_row = Effects(after, effective_draws(after, 4))
    without = with_row if before is None else Effects(before, effective_draws(before, 4))
    return moves_of_a_row(channels, 0, with_row, without, weight, after[0])


@pytest.mark.parametrize("is_refit", [False, True])
def test_the_other_channel_moves_as_the_normal_equations_say(is_refit):
    rng = np.random.default_rng(5)
    cov, mean_after, cov_after = conjugate()
    after = rng.multivariate_normal(mean_after, cov_after, 20000).T
    if is_refit:
        before = rng.multivariate_normal(MEAN, cov, 20000).T
        found = moves(after, np.full(20000, 1 / 20000), before)
    else:
        weight, _ = smoothed_weights(0.5 * ((LIFT - after[0]) / SE) ** 2)
        found = moves(after, weight)
    for c, move in enumerate(found):
        sd_after = np.sqrt(cov_after[c, c])
        assert move["effect_before_mean"] == pytest.approx(MEAN[c], abs=0.05 * SD[c])
        assert move["effect_after_mean"] == pytest.approx(mean_after[c], abs=0.03 * SD[c])
        low, high = stats.norm.ppf([0.05, 0.95], MEAN[c], SD[c])
        assert move["effect_before_p05"] == pytest.approx(low, abs=0.12 * SD[c])
        assert move["effect_before_p95"] == pytest.approx(high, abs=0.12 * SD[c])
        low, high = stats.norm.ppf([0.05, 0.95], mean_after[c], sd_after)
        assert move["effect_after_p05"] == pytest.approx(low, abs=0.06 * SD[c])
        assert move["effect_after_p95"] == pytest.approx(high, abs=0.06 * SD[c])
        expected = (mean_after[c] - MEAN[c]) / SD[c]
        assert abs(move["shift"] - expected) < 4 * move["shift_error"] < 0.08
    # the other channel goes the other way, by the correlation of before
    assert found[1]["shift"] == pytest.approx(CORRELATION * found[0]["shift"], abs=0.03)
    r = cov_after[0, 1] / np.sqrt(cov_after[0, 0] * cov_after[1, 1])
    assert found[1]["effect_correlation"] == pytest.approx(r, abs=0.02)
    assert found[0]["media_correlation"] == pytest.approx(1.0)
    assert found[1]["media_correlation"] is None


def test_the_error_is_the_spread_over_repeated_samples():
    _, mean_after, cov_after = conjugate()
    rng, shifts, errors = np.random.default_rng(6), [], []
    for _ in range(200):
        draws = rng.multivariate_normal(mean_after, cov_after, 400).T
        weight, _ = smoothed_weights(0.5 * ((LIFT - draws[0]) / SE) ** 2)
        shifts.append(draws[1].mean() - weight @ draws[1])
        errors.append(reweighting_error(draws[1], weight, 400.0))
    assert np.mean(errors) == pytest.approx(np.std(shifts), rel=0.15)


def test_draws_that_repeat_are_worth_less():
    rng = np.random.default_rng(7)
    fresh = rng.standard_normal((1, 4, 250))
    sticky = np.repeat(fresh, 10, axis=2)
    n, m = (effective_draws(x.reshape(1, -1), 4)[0] for x in (fresh, sticky))
    assert n == pytest.approx(1000, rel=0.25) and m == pytest.approx(n, rel=0.25)


def test_an_effect_that_never_varies_has_no_move():
    draws = np.stack([np.random.default_rng(8).standard_normal(400), np.zeros(400)])
    (_, move) = moves(draws, np.full(400, 1 / 400))
    assert move["shift"] is None and move["effect_correlation"] is None
    json.dumps(move, allow_nan=False)


def test_media_are_compared_week_by_week_within_geos():
    week = np.array([1.0, 3.0, 2.0, 6.0])
    exposure = np.zeros((2, 4, 4))
    exposure[:, :, 0] = week
    exposure[:, :, 1] = np.array([[100.0], [0.0]]) + 2 * week  # levels of geos do not matter
    exposure[:, :, 2] = -week
    exposure[:, :, 3] = 5.0
    np.testing.assert_allclose(media_correlation(exposure, 0), [1.0, 1.0, -1.0, np.nan])
    exposure[1, :, 1] = 0.0  # by hand: the product halves, the size of one geo is left
    assert media_correlation(exposure, 0)[1] == pytest.approx(1 / np.sqrt(2))


# --- whole fits ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(simulate):
    return simulate(n_weeks=104, geos=("north", "south"), channels=("search", "tv"), noise=0.04)


def test_every_row_has_every_channel_and_the_tested_one_agrees_with_its_own_row(world):
    lift = world.effect[:, 90:96, 0].sum()
    tests = (
        lift_test(world, 1.5 * lift, 0.01 * lift, evidence_id="sure"),
        lift_test(world, lift, 2.0 * lift, evidence_id="vague"),
    )
    task = replace(task_of(world.panel), lift_tests=tests)
    result = fit(task, FitSettings(chains=2, warmup=30, sweeps=80, max_sweeps=80, draws=160))
    assert [row["method"] for row in result.evidence] == ["refitted", "reweighted"]
    totals = total_effects(result.posterior, world.panel).mean(axis=0)
    for row in result.evidence:
        own, other = row["moves"]
        assert (own["channel_id"], other["channel_id"]) == ("search", "tv")
        assert own["shift"] == row["shift"]
        spend = world.panel.spend.sum(axis=(0, 1))
        assert own["window_spend"] == pytest.approx(spend[0])
        assert own["effect_before_p05"] == pytest.approx(row["roi_before_p05"] * spend[0])
        assert own["window_kpi"] == pytest.approx(world.panel.outcome.sum())
        # what is published of the posterior is the same up to what lies between the grid's steps
        assert other["effect_after_mean"] == pytest.approx(totals[1], rel=0.05)
        assert own["media_correlation"] == pytest.approx(1.0)
        assert not own["is_pool_sibling"] and not other["is_pool_sibling"]
    sure, vague = (row["moves"] for row in result.evidence)
    assert abs(sure[0]["shift"]) > 10 * abs(vague[0]["shift"])


def test_pool_siblings_are_told(world):
    lift = world.effect[:, 90:96, 0].sum()
    task = replace(
        task_of(world.panel),
        lift_tests=(lift_test(world, lift, 2.0 * lift),),
        pools={"search": "both", "tv": "both"},
    )
    (row,) = fit(task, FitSettings(chains=2, warmup=8, sweeps=20, max_sweeps=20, draws=20)).evidence
    assert [move["is_pool_sibling"] for move in row["moves"]] == [False, True]


def test_the_ledger_keeps_them_once_and_the_table_reads_them(world, to_frames):
    inputs = to_frames(world.panel)
    settings = SETTINGS | {"backtest_origins": 0, "first_forecast_weeks_ago": 0}
    evidence = evidence_frame([lift_test(world, 500.0, 50.0)])
    ledger = fit_runs(**inputs, existing=[], settings=settings, clock=Clock(), evidence=evidence)
    assert dict(ledger.schema) == POSTERIOR
    kept = ledger.drop_nulls("evidence_moves").select("geo", "term_id").rows()
    assert kept == [("north", "channel:search"), ("north", "channel:tv")]
    assert "moves" not in json.loads(ledger["evidence"][0])[0]
    models = inputs["models"].with_columns(last_training_week=world.panel.weeks[-1].item())
    table = moves_table(ledger, models)
    assert dict(table.schema) == MOVES
    live = ledger["run_id"][0]
    assert table.select("run_id", "evidence_id", "channel_id").rows() == [
        (live, "t", "search"),
        (live, "t", "tv"),
    ]
    assert table.select(pl.exclude("shift", "shift_error").is_null().any()).row(0).count(True) == 0
    earlier = ledger.with_columns(evidence_moves=pl.lit(None, pl.String))
    assert moves_table(earlier, models).schema == pl.Schema(MOVES)
