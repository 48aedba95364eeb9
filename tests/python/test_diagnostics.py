"""Convergence figures on chains whose behaviour is known."""

import numpy as np
import pytest
from scipy.stats import norm

from mixloop.diagnostics import convergence


def iid(seed=0, shape=(4, 1000, 20)):
    return np.random.default_rng(seed).normal(size=shape)


def test_independent_draws_have_converged_and_count_in_full():
    rhat, bulk, tail = convergence(iid())
    assert (rhat < 1.01).all()
    assert (rhat > 0.995).all()
    assert bulk.mean() == pytest.approx(4000, rel=0.07)
    assert ((bulk > 3000) & (bulk < 5500)).all()
    assert tail.mean() == pytest.approx(4000, rel=0.12)


@pytest.mark.parametrize("phi", [0.9, 0.6, 0.3, -0.4])
def test_autoregressive_chains_count_by_their_closed_form(phi, ar1):
    draws = ar1(np.random.default_rng(1), phi, 1.0, (4, 30, 4000)).transpose(0, 2, 1)
    rhat, bulk, _ = convergence(draws)
    expected = 16000 * (1 - phi) / (1 + phi)
    assert bulk.mean() == pytest.approx(expected, rel=0.08)
    assert bulk == pytest.approx(np.full(30, expected), rel=0.35)
    assert (rhat < 1.03).all()


def test_rhat_of_a_worked_example():
    """Two chains that alternate by hand: the formula without ranks on the split halves."""
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(2, 10, 1)) + np.array([0.0, 3.0])[:, None, None]
    halves = [draws[0, :5, 0], draws[1, :5, 0], draws[0, 5:, 0], draws[1, 5:, 0]]
    pooled = np.concatenate(halves)

    def plain(parts):
        ranks = [[1 + sum(other < x for other in np.concatenate(parts)) for x in p] for p in parts]
        scores = [norm.ppf((np.array(r) - 3 / 8) / (20 + 1 / 4)) for r in ranks]
        means = [s.mean() for s in scores]
        within = np.mean([s.var(ddof=1) for s in scores])
        between = 5 * np.var(means, ddof=1)
        return np.sqrt((4 / 5 * within + between / 5) / within)

    folded = [np.abs(half - np.median(pooled)) for half in halves]
    rhat, _, _ = convergence(draws)
    assert rhat[0] == pytest.approx(max(plain(halves), plain(folded)), rel=1e-10)


def test_a_shifted_chain_has_not_converged():
    draws = iid()
    draws[2] += 1.0
    rhat, bulk, _ = convergence(draws)
    assert (rhat > 1.05).all()
    assert (bulk < 400).all()


def test_a_chain_that_drifts_within_itself_has_not_converged():
    draws = iid() + np.linspace(-2, 2, 1000)[None, :, None]  # all chains alike: halves differ
    assert (convergence(draws)[0] > 1.05).all()


def test_a_chain_of_another_spread_has_not_converged():
    draws = iid()
    draws[1] *= 4.0  # same centre: only the folded figure can see it
    rhat, _, _ = convergence(draws)
    assert (rhat > 1.05).all()


def test_a_stuck_chain_has_not_converged():
    draws = iid()
    draws[0] = 0.1
    assert not (convergence(draws)[0] < 1.05).any()
    stuck = np.repeat([[[0.0]], [[1.0]], [[2.0]]], 100, axis=1)  # each at its own value
    assert not (convergence(stuck)[0] < 1.05).any()


def test_a_quantity_that_never_moves_or_is_not_finite_has_no_figures():
    draws = iid(shape=(4, 100, 4))
    draws[:, :, 1] = 3.0
    draws[2, 7, 2] = np.nan
    draws[0, 0, 3] = np.inf
    for figure in convergence(draws):
        assert np.isfinite(figure[0])
        assert np.isnan(figure[1:]).all()


@pytest.mark.parametrize("shape", [(1, 100, 2), (4, 7, 2), (4, 100)])
def test_too_little_to_judge_raises_with_the_shape(shape):
    with pytest.raises(ValueError, match=str(shape).replace("(", r"\(").replace(")", r"\)")):
        convergence(np.zeros(shape))


def test_rank_figures_do_not_depend_on_the_scale_of_a_quantity(ar1):
    draws = ar1(np.random.default_rng(3), 0.5, 1.0, (4, 8, 500)).transpose(0, 2, 1)
    plain, bent, moved = (convergence(x) for x in (draws, np.exp(3 * draws), 5 - 0.5 + 7 * draws))
    for at in (1, 2):  # bulk and tail effective sample size
        np.testing.assert_allclose(bent[at], plain[at], rtol=1e-12)
    for at in (0, 1, 2):
        np.testing.assert_allclose(moved[at], plain[at], rtol=1e-12)
    draws[1] += 2.0  # far apart: the bulk figure rules, and it goes by ranks
    np.testing.assert_allclose(convergence(draws**3)[0], convergence(draws)[0], rtol=1e-12)


def test_equal_draws_share_their_mean_rank():
    """Half the draws are zero, as of a coefficient at its bound; ranks by counting."""
    draws = np.maximum(np.random.default_rng(5).normal(size=(2, 10, 1)), 0.0)
    parts = [draws[0, :5, 0], draws[1, :5, 0], draws[0, 5:, 0], draws[1, 5:, 0]]

    def plain(parts):
        every = np.concatenate(parts)
        rank = {x: np.sum(every < x) + 0.5 * (np.sum(every == x) + 1.0) for x in every}
        scores = [norm.ppf((np.array([rank[x] for x in p]) - 3 / 8) / (20 + 1 / 4)) for p in parts]
        within = np.mean([s.var(ddof=1) for s in scores])
        between = 5 * np.var([s.mean() for s in scores], ddof=1)
        return np.sqrt((4 / 5 * within + between / 5) / within)

    assert (draws == 0.0).sum() > 5
    folded = [np.abs(part - np.median(draws)) for part in parts]
    rhat, _, _ = convergence(draws)
    assert rhat[0] == pytest.approx(max(plain(parts), plain(folded)), rel=1e-10)


@pytest.mark.parametrize("lower", [True, False])
def test_the_tail_is_a_twentieth(lower):
    """Draws that stay in their outermost twentieth: a chain of two states counts in closed form."""
    rng, stays = np.random.default_rng(6), 0.8  # autocorrelation of the two states
    inside = rng.random((4, 20)) < 0.05
    out = np.empty((4, 6000, 20))
    for t in range(6000):
        again = rng.random((4, 20)) < stays
        inside = np.where(again, inside, rng.random((4, 20)) < 0.05)
        u = rng.random((4, 20))
        out[:, t] = np.where(inside, 0.05 * u, 0.05 + 0.95 * u)
    _, bulk, tail = convergence(out if lower else -out)
    assert tail.mean() == pytest.approx(24000 * (1 - stays) / (1 + stays), rel=0.15)
    assert bulk.mean() > 2 * tail.mean()
