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


def test_the_budget_follows_what_the_kpi_does_until_the_test_weeks():
    trained, moved = [], []
    for seed in range(30):
        world = loop.client(seed)
        base = world.panel.outcome[0] - world.effect.sum(axis=1)
        spend = np.log(world.panel.spend[0, :, SEARCH])
        share = world.effect[: loop.N_TRAINED].sum(axis=0) / loop.LEVEL / loop.N_TRAINED
        np.testing.assert_allclose(share, loop.SHARES)
        for found, at in ((trained, slice(loop.N_TRAINED)), (moved, slice(-loop.HALF, None))):
            found.append(np.corrcoef(spend[at], base[at])[0, 1])
    # demand is 0.04 of a baseline that also has seasons (0.05 and 0.02) and noise (0.02)
    in_base = 0.04 / np.sqrt(0.04**2 + 0.05**2 / 2 + 0.02**2 / 2 + 0.02**2)
    assert np.mean(trained) == pytest.approx(
        0.4 / np.sqrt(0.4**2 + 2 * 0.25**2) * in_base, abs=0.06
    )
    assert abs(np.mean(moved)) < 0.15


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


def test_a_fit_knows_the_tests_of_earlier_years_only_and_both_arms_the_same_weeks(monkeypatch):
    asked = []

    def fitted(world, years, tests):
        asked.append((years, tuple(test.evidence_id for test in tests)))
        last = str(world.panel.weeks[years * loop.YEAR - 1])
        assert all(test.end_week <= last for test in tests)
        return (years, tests)

    monkeypatch.setattr(loop, "fitted", fitted)
    monkeypatch.setattr(loop, "least_sure", lambda posterior, world, years: [TV, years % 5])
    monkeypatch.setattr(loop, "scores", lambda p, w: {"usual": len(p[1]), "effect": p[0]})
    rows = loop.five_years(1)
    assert [(row["year"], row["arm"]) for row in rows] == [
        (year, arm) for year in range(1, 6) for arm in loop.ARMS
    ]
    assert [row["usual"] for row in rows] == [0, 0, 0, 2, 0, 4, 0, 6, 0, 8]
    assert asked[0] == (1, ()) and len(asked) == 9


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
    def row(seed, arm, moved):
        scores = {"usual": 0.1, "moved": moved, "effect": 2 * moved, "coverage": 0.8}
        return {"seed": seed, "year": 2, "arm": arm} | scores

    figures = ((0, 0.5, 0.3), (1, 0.4, 0.5), (2, 0.6, 0.3))
    rows = [row(s, *pair) for s, a, b in figures for pair in zip(loop.ARMS, (a, b), strict=True)]
    found = loop.summary(rows).row(0, named=True)
    gaps = np.array([-0.2, 0.1, -0.3])
    assert found["moved_gap"] == pytest.approx(gaps.mean())
    assert found["moved_gap_se"] == pytest.approx(gaps.std(ddof=1) / np.sqrt(3))
    assert found["effect_gap"] == pytest.approx(2 * gaps.mean())
    assert (found["worlds"], found["moved_better"]) == (3, pytest.approx(2 / 3))
