"""The sampler with geos around one centre against its own model, as in test_gibbs_calibration."""

from dataclasses import replace

import numpy as np
import pytest
from prior import (
    P_VALUE,
    WORLDS,
    at_truth,
    draw_worlds,
    pooled_problem_of,
    problem_of,
    quantities,
    rank_p_values,
    with_geos,
)
from scipy import stats

from mixloop import geos as core
from mixloop import gibbs
from mixloop.evidence import Evidence

problems = pytest.mark.parametrize(
    "problem",
    [with_geos(problem_of(3, 1)), with_geos(pooled_problem_of(2, 2))],
    ids=["alone", "pooled"],
)


def test_the_models_constants_are_those_of_this_test():
    assert (np.log(0.3), 0.7) == core.SPREAD_PRIOR


@problems
@pytest.mark.slow
def test_true_values_rank_evenly_among_draws(problem, ar1):
    found = rank_p_values(problem, np.random.default_rng(500), ar1)
    assert min(found.values()) > P_VALUE, found


@problems
def test_sweeps_keep_the_prior(problem, ar1):
    rng = np.random.default_rng(600)
    truth = draw_worlds(problem, rng, ar1)
    sampler = at_truth(problem, truth, rng)
    for _ in range(100):
        sampler.sweep()
    now = quantities(sampler, sampler.shares())
    scale = np.sqrt(sampler.tau2 * sampler.lam2[:, -1]) * sampler.unit_scale[-1]
    found = {
        "spread": stats.kstest(np.log(now["spread"]), stats.norm(np.log(0.3), 0.7).cdf),
        "centre": stats.kstest(now["last centre"] / scale, stats.halfnorm.cdf),
        "tau": stats.kstest(np.sqrt(sampler.tau2), stats.halfcauchy.cdf),
        "lam": stats.kstest(np.sqrt(sampler.lam2[:, -1]), stats.halfcauchy.cdf),
        "transform": stats.chisquare(
            np.bincount(sampler.grid[:, 0], minlength=4), WORLDS * np.array([0.4, 0.3, 0.2, 0.1])
        ),
    }
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > P_VALUE, p_values


@pytest.mark.parametrize(
    "problem",
    [with_geos(problem_of(3, 2)), problem_of(2, 2)],
    ids=["around a centre", "independent"],
)
@pytest.mark.slow
def test_true_values_rank_evenly_when_few_transforms_move_in_a_sweep(problem, ar1, monkeypatch):
    monkeypatch.setattr(gibbs, "GEOS_OF_A_FULL_SWEEP", 1)
    sampler = gibbs.Sampler(problem, 2, np.random.default_rng(0))
    moved = [tuple(sampler._choose_moving()) for _ in range(20)]
    assert set(moved) == {(0,), (1,)}  # one of two at a time, by chance
    found = rank_p_values(problem, np.random.default_rng(501), ar1)
    assert min(found.values()) > P_VALUE, found


def test_channels_of_pools_and_channels_with_evidence_always_move(monkeypatch):
    monkeypatch.setattr(gibbs, "GEOS_OF_A_FULL_SWEEP", 1)
    problem = pooled_problem_of(4, 4)  # the first two are a pool
    told = Evidence(channel=3, d=np.ones((4, 4)), lift=0.1, se=0.1)
    sampler = gibbs.Sampler(replace(problem, evidence=(told,)), 2, np.random.default_rng(0))
    for _ in range(10):
        assert {0, 1, 3} <= set(sampler._choose_moving())
    sampler.sweep()
    assert np.isfinite(sampler.coef).all()
