"""The clients of bench-loop are what its first lines say, and no fit knows later tests."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from planted import posterior

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import loop

SEARCH, TV = loop.CHANNELS.index("search"), loop.CHANNELS.index("tv")


def test_the_budget_follows_what_the_kpi_does_on_top_of_its_plan():
    found, over = [], []
    for seed in range(30):
        world = loop.client(seed)
        base = world.panel.outcome[0] - world.effect.sum(axis=1)
        top = world.panel.spend[0] / np.where(world.plan > 0, world.plan, np.nan)
        share = world.effect[: loop.N_TRAINED].sum(axis=0) / loop.LEVEL / loop.N_TRAINED
        np.testing.assert_allclose(share, loop.SHARES)
        found.append(np.corrcoef(np.log(top[:, SEARCH]), base)[0, 1])
        over.append(np.nanmean(top, axis=0))
    # demand is 0.04 of a baseline that also has seasons (0.05 and 0.02) and noise (0.02)
    in_base = 0.04 / np.sqrt(0.04**2 + 0.05**2 / 2 + 0.02**2 / 2 + 0.02**2)
    assert np.mean(found) == pytest.approx(0.4 / np.hypot(0.4, 0.25) * in_base, abs=0.06)
    np.testing.assert_allclose(np.mean(over, axis=0), 1.0, rtol=0.02)


def test_once_a_year_one_channel_gets_twice_its_money_and_another_half():
    for seed in range(10):
        world = loop.client(seed)
        on_air = world.plan > 0
        factor = np.divide(world.plan, world.unmoved, out=np.ones(on_air.shape), where=on_air)
        weeks = np.arange(loop.N_WEEKS)
        moved = (weeks >= 52) & (weeks % 52 >= 13) & (weeks % 52 < 26)
        assert (factor[~moved] == 1.0).all()
        for year in range(1, 6):
            quarter = factor[moved & (weeks // 52 == year)]
            largest = np.sort(np.where(quarter > 1, quarter.max(0), quarter.min(0)).max(0))
            np.testing.assert_allclose(largest, [0.5, 1.0, 1.0, 1.0, 2.0])


def test_a_forecast_knows_the_plan_and_no_week_to_come():
    world = loop.client(3)
    known, end = 104, 130
    asked = loop.ahead(world, known, end, world.plan)
    assert len(asked.weeks) == end
    np.testing.assert_array_equal(asked.exposure[0, :known], world.panel.spend[0, :known])
    np.testing.assert_array_equal(asked.exposure[0, known:], world.plan[known:end])
    np.testing.assert_array_equal(asked.outcome[0, :known], world.panel.outcome[0, :known])
    assert np.isnan(asked.outcome[0, known:]).all()
    given = loop.ahead(world, known, end, None)
    np.testing.assert_array_equal(given.exposure[0], world.panel.spend[0, :end])
    assert np.isfinite(world.panel.outcome).all()


def test_a_model_that_knows_the_truth_is_not_off():
    """The curves of the world as a posterior, one draw: no error of effects nor of the change."""
    world = loop.client(4)
    decay, half = np.array(loop.CURVES).T
    run = posterior(
        world.size[None, None],
        loop.YEAR,
        kernel=np.full((1, 5), "geometric"),
        decay=decay[None],
        half=half[None],
        slope=np.ones((1, 5)),
        exposure_scale=world.scale[None],
        carryover_weeks=12,
        channels=loop.CHANNELS,
        geos=("all",),
        media_units=("spend",) * 5,
        first_week=world.panel.weeks[0],
        last_week=world.panel.weeks[51],
    )
    found = loop.scores(run, world, 1)
    assert found["effect"] == pytest.approx(0.0, abs=1e-9)
    assert found["last_effect"] == pytest.approx(0.0, abs=1e-9)
    assert found["change"] == pytest.approx(0.0, abs=1e-9)
    assert abs(loop.true_change(world, 52)) > 1.0
    less = replace(run, coef=0.9 * run.coef)
    found = loop.scores(less, world, 1)
    assert (found["effect"], found["coverage"]) == (pytest.approx(0.1), 0.0)
    weeks = slice(52 + 13, 52 + 26)
    change = 0.1 * abs(loop.true_change(world, 52)) / world.panel.outcome[0, weeks].sum()
    assert found["change"] == pytest.approx(change)


def test_a_test_measures_what_the_channel_brought_with_the_error_it_states():
    z_scores = []
    for seed in range(40):
        world = loop.client(seed)
        for channel in (SEARCH, TV):
            test = loop.hold_out(world, channel, 2, seed)
            weeks = world.panel.weeks
            at = (weeks >= np.datetime64(test.start_week)) & (weeks <= np.datetime64(test.end_week))
            assert at.sum() == 8 and np.flatnonzero(at)[0] >= 2 * 47 and at[3 * 52 :].sum() == 0
            spend = world.panel.spend[0, :, channel]
            assert test.spend_actual == pytest.approx(spend[at].sum()) and test.spend_actual > 0
            off = np.where(at, 0.0, spend)
            lost = [loop.response(s, channel, world.scale[channel]) for s in (spend, off)]
            truth = world.size[channel] * (lost[0] - lost[1])[at].sum()
            z_scores.append((test.lift - truth) / test.standard_error)
    assert np.mean(z_scores) == pytest.approx(0.0, abs=0.35)
    assert np.std(z_scores) == pytest.approx(1.0, rel=0.25)


def test_the_third_arm_knows_every_quarter_of_every_channel_and_no_later_one():
    world = loop.client(2)
    tests = loop.all_measured(world, 2)
    assert len({test.evidence_id for test in tests}) == 2 * 4 * 5
    assert max(test.end_week for test in tests) == str(world.panel.weeks[103])
    alone = sum(test.lift for test in tests if test.channel_id == "display")
    # what carries over from quarter to quarter is in two of them
    assert alone == pytest.approx(world.effect[:104, 0].sum(), rel=0.1)
    assert all(0 < test.standard_error < 0.03 * test.lift for test in tests)


def test_a_fit_knows_the_tests_of_earlier_years_only_and_both_arms_the_same_weeks(monkeypatch):
    asked = []

    def fitted(world, years, tests, settings):
        asked.append((years, tuple(test.evidence_id for test in tests)))
        last = str(world.panel.weeks[years * loop.YEAR - 1])
        assert all(test.end_week <= last for test in tests)
        return (years, tests)

    monkeypatch.setattr(loop, "fitted", fitted)
    monkeypatch.setattr(loop, "least_sure", lambda posterior, world, years: [TV, years % 5])
    monkeypatch.setattr(loop, "scores", lambda p, w, y: {"crps": len(p[1]), "effect": p[0]})
    rows = loop.five_years(1)
    assert [(row["year"], row["arm"]) for row in rows] == [
        (year, arm) for year in range(1, 6) for arm in loop.ARMS
    ]
    of = {arm: [row["crps"] for row in rows if row["arm"] == arm] for arm in loop.ARMS}
    assert of["without"] == [0] * 5 and of["with"] == [0, 2, 4, 6, 8]
    assert of["exact"] == [20, 40, 60, 80, 100]
    assert asked[0] == (1, ()) and len(asked) == 14


def test_the_widest_ranges_are_tested():
    world = loop.client(0)
    coef = np.ones((3, 1, 5))
    coef[:, 0, 1] = (0.0, 1.0, 2.0)
    coef[:, 0, 4] = (0.0, 5.0, 9.0)
    coef[:, 0, 2] = (0.9, 1.0, 1.1)
    run = posterior(coef, loop.YEAR, exposure_scale=np.full((1, 5), 1000.0))
    run = replace(
        run,
        channels=loop.CHANNELS,
        geos=("all",),
        first_week=world.panel.weeks[0],
        last_week=world.panel.weeks[51],
    )
    assert loop.least_sure(run, world, 1) == [4, 1]


def test_the_summary_pairs_the_arms_of_a_world():
    names = (*loop.MEASURES, "coverage", *loop.ON_LAST)
    rng = np.random.default_rng(0)
    found = {arm: rng.random((3, 5)) for arm in loop.ARMS}  # worlds, years
    rows = [
        {"seed": seed, "year": year + 1, "arm": arm} | dict.fromkeys(names, found[arm][seed, year])
        for seed in (2, 0, 1)
        for year in range(5)
        for arm in loop.ARMS
    ]
    lines = {name: cells for name, *cells in loop.summary(rows)}

    def said(values):
        return f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(3):.4f}"

    for arm in ("with", "exact"):
        gap = found[arm] - found["without"]
        line = [*map(said, gap.T), said(gap[:, 1:].mean(axis=1))]
        assert lines[f"crps {arm}, less without"] == line
        assert lines[f"crps {arm}, lower in"][4] == f"{(gap[:, 4] < 0).mean():.0%}"
    assert lines["crps with"][1] == f"{found['with'][:, 1].mean():.4f}"
    steps = lines["effect with, on the year before"]
    assert steps[2] == said(found["with"][:, 2] - found["with"][:, 1])
    assert steps[5] == said(found["with"][:, 4] - found["with"][:, 1])
