"""Decays between the grid's steps: their probabilities, what stays and what follows."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from mixloop.between import STEPS, Kept, between_steps, cells, finer
from mixloop.sampler import transform_media
from mixloop.transforms import TransformGrid, default_grid

N_DRAWS, N_WEEKS, LEAD = 4000, 60, 12
GRID = TransformGrid(
    kernel=("geometric",) * 3, saturation=("hill", "hill", "exponential"),
    decay=np.array([0.2, 0.5, 0.8]), half=np.array([0.5, 0.5, 0.8]), slope=np.ones(3),
    log_prior=np.log(np.full(3, 1 / 3)),
)  # fmt: skip
SIGMA, RHO = 0.08, 0.4


def world(seed=0, decay=0.56, n_geos=2, n_draws=N_DRAWS):
    """Two channels; the first one's decay is between the grid's, all else is known."""
    rng = np.random.default_rng(seed)
    exposure = rng.lognormal(0, 1, (n_geos, LEAD + N_WEEKS, 2))
    exposure /= exposure.max(axis=1, keepdims=True)

    def transformed(c, grid):
        return transform_media(exposure[..., c : c + 1], grid, LEAD)[0][..., LEAD:]

    media = np.stack([transformed(c, GRID) for c in range(2)])
    true = replace(GRID, decay=np.array([0.2, decay, 0.8]))
    share = np.array([0.3, 0.2])
    levels = rng.uniform(0.5, 1.0, n_geos)
    error = np.zeros((n_geos, N_WEEKS))
    for t in range(N_WEEKS):
        error[:, t] = RHO * error[:, t - 1] + SIGMA * rng.standard_normal(n_geos)
    y = levels[:, None] + error
    coef = np.empty((n_geos, 2))
    for c, grid in enumerate((true, GRID)):
        own = transformed(c, grid)[:, 1]
        y += share[c] * own / own.mean(axis=1, keepdims=True)
        coef[:, c] = share[c] / media[c, :, 1].mean(axis=1)
    problem = SimpleNamespace(
        y=y, media=media, baseline=np.ones((n_geos, N_WEEKS, 1)), signed=None, evidence=()
    )
    fitted = levels[:, None] + np.einsum("jc,cjt->jt", coef, media[:, :, 1])

    def again(values):
        return np.repeat(np.asarray(values, dtype=float)[None], n_draws, axis=0)

    kept = Kept(
        points=np.ones((n_draws, 2), dtype=int), coef=again(coef),
        baseline_coef=again(levels[:, None]), sigma=again([SIGMA] * n_geos),
        rho=again([RHO] * n_geos), last_error=again((y - fitted)[:, -1]),
    )  # fmt: skip
    return problem, transformed, kept


def drawn(problem, transformed, kept, seed=1):
    rng = np.random.default_rng(seed)
    return between_steps(problem, (GRID, GRID), transformed, kept, rng)


def by_hand(problem, transformed, kept, weeks=slice(None)):
    """Probability of every decay of the first channel's cell, week by week."""
    fine = finer(GRID, np.array([1]))
    media, out = transformed(0, fine), []
    for k in range(STEPS):
        total = 0.0
        for j, y in enumerate(problem.y):
            share = kept.coef[0, j, 0] * problem.media[0, j, 1].mean()
            own = share * media[j, k] / media[j, k].mean()
            error = y - kept.baseline_coef[0, j, 0] - own
            error = error - kept.coef[0, j, 1] * problem.media[1, j, 1]
            new = error[1:] - RHO * error[:-1]
            total -= 0.5 * np.sum(new[weeks] ** 2) / SIGMA**2
        out.append(total)
    chance = np.exp(np.array(out) - max(out))
    return fine.decay, chance / chance.sum()


def test_cells_reach_half_way_to_the_neighbours():
    low, high = cells(GRID)
    np.testing.assert_allclose(low, [0.05, 0.35, 0.65])
    np.testing.assert_allclose(high, [0.35, 0.65, 0.9])  # never to a decay of one
    grid = default_grid()
    low, high = cells(grid)
    assert ((low >= 0) & (low <= grid.decay) & (grid.decay <= high) & (high < 1)).all()
    np.testing.assert_allclose(finer(GRID, np.array([1])).decay, [0.38, 0.44, 0.5, 0.56, 0.62])


def test_decays_have_their_probabilities_and_shares_stay():
    problem, transformed, kept = world()
    decay, coef, last_error = drawn(problem, transformed, kept)
    at, chance = by_hand(problem, transformed, kept)
    found = (decay[:, :1] == at).mean(axis=0)
    np.testing.assert_allclose(found, chance, atol=4 * np.sqrt(0.25 / N_DRAWS))
    assert 0.01 < chance.max() < 0.99  # there is something to choose from
    assert abs(at @ chance - 0.56) < 0.1
    moved = np.zeros_like(last_error)
    for c, d in np.ndindex(2, 2):
        # the share of the KPI stays; what the last week's fit gains is lost by its error
        level = np.unique(decay[:, c])[[0, -1]][d]
        rows = decay[:, c] == level
        now = transformed(c, replace(GRID, decay=np.full(3, level)))[:, 1]
        before = problem.media[c, :, 1]
        share = coef[rows, :, c] * now.mean(axis=1)
        np.testing.assert_allclose(share, kept.coef[rows, :, c] * before.mean(axis=1), rtol=1e-9)
    for s in range(50):
        for c in range(2):
            now = transformed(c, replace(GRID, decay=np.full(3, decay[s, c])))[:, 1, -1]
            moved[s] += kept.coef[s, :, c] * problem.media[c, :, 1, -1] - coef[s, :, c] * now
    np.testing.assert_allclose(last_error[:50], (kept.last_error + moved)[:50], rtol=1e-9)


def test_unknown_weeks_and_shocks_say_nothing():
    problem, transformed, kept = world(seed=3)
    problem.y[0, 20], problem.y[1, 30] = np.nan, problem.y[1, 30] + 50 * SIGMA
    decay, _, last_error = drawn(problem, transformed, kept)
    assert np.isfinite(last_error).all()
    clean, _, _ = drawn(*world(seed=3))
    assert abs(decay[:, 0].mean() - clean[:, 0].mean()) < 0.03


def test_evidence_and_geos_without_media_keep_what_they_have():
    problem, transformed, kept = world()
    told = SimpleNamespace(**vars(problem) | {"evidence": (SimpleNamespace(channel=0),)})
    decay, coef, _ = drawn(told, transformed, kept)
    assert (decay[:, 0] == 0.5).all()
    np.testing.assert_array_equal(coef[..., 0], kept.coef[..., 0])
    problem.media[0, 1] = 0.0  # the first channel never ran in the second geo

    def silent(c, grid):
        out = transformed(c, grid)
        out[1] *= c != 0
        return out

    _, coef, _ = drawn(problem, silent, kept)
    np.testing.assert_array_equal(coef[:, 1, 0], kept.coef[:, 1, 0])
    assert np.isfinite(coef).all()


def test_true_decays_rank_evenly():
    """Decays from the cell, all else known: the true one is anywhere among the draws."""
    rng, ranks = np.random.default_rng(5), []
    at = finer(GRID, np.array([1])).decay
    for seed in range(300):
        true = at[rng.integers(STEPS)]
        problem, transformed, kept = world(seed, decay=true, n_geos=1, n_draws=39)
        # the second channel's decay is the grid's
        problem.evidence = (SimpleNamespace(channel=1),)
        found, _, _ = drawn(problem, transformed, kept, seed)
        below = (found[:, 0] < true - 1e-9).sum()
        ranks.append(below + rng.integers((np.abs(found[:, 0] - true) < 1e-9).sum() + 1))
    counts = np.bincount(np.array(ranks) * 8 // 40, minlength=8)
    assert ((counts - 37.5) ** 2 / 37.5).sum() < 24.3  # chi-square, 7 degrees, one in a thousand


@pytest.mark.parametrize("kind", ["live", "backtest"])
def test_only_what_is_published_is_drawn_between_the_steps(simulate, kind):
    from mixloop.fit import FitSettings, FitTask, fit

    panel = simulate(n_weeks=60, geos=("north",)).panel
    task = FitTask("r", kind, "m", "kpi", panel, 48, dict.fromkeys(panel.channels, "spend"), {})
    how = FitSettings(chains=2, warmup=4, sweeps=12, max_sweeps=12, draws=20)
    decay = fit(task, how).posterior.decay
    on_grid = np.isin(decay, default_grid().decay).all()
    assert on_grid == (kind == "backtest")
