"""Shocks against enumeration: every pattern of weeks with and without one, by dense algebra."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from prior import P_VALUE, at_truth, draw_worlds, problem_of, quantities, rank_p_values
from scipy import stats

from mixloop import shocks as core
from mixloop.gibbs import Sampler
from mixloop.shocks import Shocks, draw_shocks, neighbours

N_WEEKS = 4
DRAWS = 40000


def covariance(rho, n_weeks=N_WEEKS):
    """Of a stationary AR(1) with innovations of variance one."""
    lag = np.abs(np.subtract.outer(np.arange(n_weeks), np.arange(n_weeks)))
    return rho**lag / (1 - rho**2)


def enumerated(whole, rho, sigma2, share, known):
    """Probability of a shock in each week, and mean shock of each week, over all patterns."""
    found = []
    for pattern in product((0, 1), repeat=len(whole)):
        hit = np.array(pattern)
        if (hit > known).any():
            continue
        shocks = np.diag(hit * 36.0 * sigma2)
        total = sigma2 * covariance(rho, len(whole)) + shocks
        density = stats.multivariate_normal(cov=total).pdf(whole)
        prior = np.prod(np.where(hit, share, 1 - share)[known > 0])
        found.append((density * prior, hit, shocks @ np.linalg.solve(total, whole)))
    weight = np.array([w for w, _, _ in found])
    weight = weight / weight.sum()
    return weight @ np.array([h for _, h, _ in found]), weight @ np.array([m for _, _, m in found])


def test_the_models_constants_are_those_of_this_test():
    assert (core.SHOCK_SCALE, core.SHARE_PRIOR) == (6.0, (1.0, 99.0))


@pytest.mark.parametrize("rho", [-0.4, 0.0, 0.7])
def test_what_neighbours_say_is_the_conditional_of_the_dense_covariance(rho):
    error = np.random.default_rng(1).normal(size=(1, 1, N_WEEKS))
    mean, precision = neighbours(error, np.array([[rho]]))
    inverse = np.linalg.inv(covariance(rho))
    for t in range(N_WEEKS):
        others = [s for s in range(N_WEEKS) if s != t]
        wanted = -inverse[t, others] @ error[0, 0, others] / inverse[t, t]
        assert mean[0, 0, t] == pytest.approx(wanted, abs=1e-12)
        assert precision[0, 0, t] == pytest.approx(inverse[t, t])


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_shocks_follow_the_enumeration_of_all_patterns(rho):
    sigma2, share = 0.8, 0.2
    whole = np.array([0.5, 4.0, -0.3, 3.0])
    known = np.array([1, 1, 1, 0])
    chance, mean = enumerated(whole, rho, sigma2, share, known)
    one = np.ones((1, DRAWS))
    shock, rng = np.zeros((1, DRAWS, N_WEEKS)), np.random.default_rng(2)
    for _ in range(40):
        shock = draw_shocks(
            np.broadcast_to(whole, shock.shape),
            shock,
            rho=rho * one,
            sigma2=sigma2 * one,
            share=share * one,
            known=known[None] > 0,
            rng=rng,
        )
    hit = (shock[0] != 0.0).mean(axis=0)
    np.testing.assert_allclose(hit, chance, atol=5 * 0.5 / np.sqrt(DRAWS))
    np.testing.assert_allclose(shock[0].mean(axis=0), mean, atol=5 * 5.0 / np.sqrt(DRAWS))
    assert hit[3] == 0.0  # its KPI is not known
    assert 0.5 < chance[1] < 1.0  # the case is one that could go either way


def test_how_common_shocks_are_is_a_beta_of_the_known_weeks():
    problem = replace(problem_of(1, 1), has_shocks=True)
    sampler = Sampler(problem, 20000, np.random.default_rng(3))
    sampler.error = np.zeros_like(sampler.residual)
    sampler.error[0, :, [3, 9]] = 50.0  # beyond doubt
    sampler.sigma2[:], sampler.rho[:] = 1e-2, 0.0
    sampler.shocks.share[:] = 1e-6  # nothing else is one
    sampler.shocks.update(sampler)
    assert ((sampler.shocks.size[0] != 0).sum(axis=1) == 2).mean() > 0.999
    known = problem.y.shape[1] - 1
    found = stats.kstest(sampler.shocks.share[0], stats.beta(1 + 2, 99 + known - 2).cdf)
    assert found.pvalue > P_VALUE


def test_a_shock_leaves_the_rest_of_the_fit_alone():
    """A strange week moves sigma without shocks, and hardly with them."""
    rng = np.random.default_rng(4)
    clean = 1.0 + 0.02 * rng.standard_normal((1, 40))
    strange = clean.copy()
    strange[0, 25] += 0.4

    def sigma(y, has_shocks):
        problem = replace(problem_of(1, 1), y=y, has_shocks=has_shocks)
        sampler, kept = Sampler(problem, 8, np.random.default_rng(5)), []
        for sweep in range(300):
            sampler.sweep()
            if sweep >= 100:
                kept.append(np.sqrt(sampler.sigma2).mean())
        return np.mean(kept)

    assert sigma(strange, has_shocks=False) > 2 * sigma(clean, has_shocks=False)
    assert sigma(strange, has_shocks=True) < 1.15 * sigma(clean, has_shocks=True)


def add_shocks(truth, known, rng):
    """Put shocks into worlds, as the model says they come."""
    share = rng.beta(1.0, 99.0, size=truth.sigma2.shape)
    hit = (rng.random(truth.y.shape) < share[..., None]) & known[:, None]
    truth.y = truth.y + hit * rng.normal(0, 6 * np.sqrt(truth.sigma2)[..., None], truth.y.shape)
    return truth, share


@pytest.mark.slow
def test_true_values_rank_evenly_among_draws_when_there_are_shocks(ar1):
    problem = replace(problem_of(1, 2), has_shocks=True)
    rng = np.random.default_rng(700)
    known = ~np.isnan(problem.y)
    found = rank_p_values(
        problem, rng, ar1, prepare=lambda sampler, truth: add_shocks(truth, known, rng)
    )
    assert min(found.values()) > P_VALUE, found


def test_sweeps_keep_the_prior_when_there_are_shocks(ar1):
    problem = replace(problem_of(2, 1), has_shocks=True)
    rng = np.random.default_rng(800)
    before = draw_worlds(problem, rng, ar1)
    clean = before.y.copy()
    truth, share = add_shocks(before, ~np.isnan(problem.y), rng)
    sampler = at_truth(problem, truth, rng)
    sampler.shocks.size, sampler.shocks.share = truth.y - clean, share
    sampler.residual = clean - truth.media
    for _ in range(100):
        sampler.sweep()
    now = quantities(sampler, sampler.shares())
    found = {
        "share": stats.kstest(sampler.shocks.share[0], stats.beta(1, 99).cdf),
        "sigma": stats.kstest(now["sigma"], stats.invgamma(1.0, scale=1e-4).cdf),
        "rho": stats.kstest(now["rho"], stats.truncnorm(-2.375, 2.375, scale=0.4).cdf),
    }
    p_values = {name: result.pvalue for name, result in found.items()}
    assert min(p_values.values()) > P_VALUE, p_values


def test_without_shocks_none_are_drawn():
    sampler = Sampler(problem_of(1, 1), 2, np.random.default_rng(0))
    assert sampler.shocks is None
    assert Shocks(np.ones((1, 5), dtype=bool), 2).size.shape == (1, 2, 5)
