"""Media under every transform, and which sweeps of the chains are kept."""

import numpy as np
import pytest
from dense import problem_of

from mixloop import sampler
from mixloop.gibbs import Sampler
from mixloop.sampler import run_chains, transform_media
from mixloop.transforms import TransformGrid


def test_media_under_every_transform_is_adstock_then_saturation():
    grid = TransformGrid(
        kernel=("geometric", "geometric", "delayed", "geometric"),
        saturation=("hill", "hill", "hill", "exponential"),
        decay=np.array([0.5, 0.5, 0.8, 0.5]),
        half=np.array([0.3, 1.0, 0.6, 0.3]),
        slope=np.array([1.0, 2.0, 1.5, 1.0]),
        log_prior=np.log(np.full(4, 1 / 4)),
    )
    exposure = np.random.default_rng(0).uniform(0, 1, size=(2, 9, 3))
    media = transform_media(exposure, grid, 2)
    assert media.shape == (3, 2, 4, 9)
    weights = {0: [4 / 7, 2 / 7, 1 / 7], 1: [4 / 7, 2 / 7, 1 / 7]}
    peak = np.array([0.8**4, 0.8, 1.0])
    weights[2], weights[3] = peak / peak.sum(), weights[0]
    for c, j, g, t in np.ndindex(media.shape):
        carried = sum(weights[g][lag] * exposure[j, t - lag, c] for lag in range(min(t, 2) + 1))
        powered = carried ** grid.slope[g]
        expected = powered / (powered + grid.half[g] ** grid.slope[g])
        if g == 3:
            expected = 1 - 0.5 ** (carried / grid.half[g])
        assert media[c, j, g, t] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("warmup", [0, 3])
def test_kept_sweeps_are_those_after_the_warm_up(warmup):
    problem = problem_of(3)
    rng = np.random.default_rng(3)
    chains = run_chains(problem, n_chains=2, warmup=warmup, sweeps=12, rng=rng)
    alone = Sampler(problem, 2, np.random.default_rng(3))
    for sweep in range(warmup + 12):
        alone.sweep()
        if sweep >= warmup:
            kept = sweep - warmup
            np.testing.assert_array_equal(chains.grid[:, kept], alone.grid)
            np.testing.assert_array_equal(chains.coef[:, kept].swapaxes(0, 1), alone.coef)
            np.testing.assert_array_equal(chains.rho[:, kept].T, alone.rho)
            np.testing.assert_allclose(chains.sigma[:, kept].T ** 2, alone.sigma2)


def test_kept_states_belong_together():
    """last_error and share of each kept sweep follow from the other kept quantities."""
    problem = problem_of(4)
    chains = run_chains(problem, n_chains=3, warmup=3, sweeps=10, rng=np.random.default_rng(4))
    assert chains.coef.shape == (3, 10, 2, 2)
    assert chains.baseline_coef.shape == (3, 10, 2, 4)
    for k, n, j in np.ndindex(3, 10, 2):
        chosen = chains.grid[k, n]
        media = problem.media[[0, 1], j, chosen]  # (C, T)
        b = chains.coef[k, n, j]
        assert chains.share[k, n, j] == pytest.approx(b * media.mean(axis=1))
        fitted = b @ media[:, -1] + problem.baseline[j, -1] @ chains.baseline_coef[k, n, j]
        assert chains.last_error[k, n, j] == pytest.approx(problem.y[j, -1] - fitted)
    assert (chains.sigma > 0).all()
    assert (np.abs(chains.rho) <= 0.95).all()


@pytest.mark.parametrize(("n_chains", "sweeps", "warmup"), [(1, 100, 0), (2, 7, 0), (2, 100, -1)])
def test_too_few_chains_or_sweeps_raise(n_chains, sweeps, warmup):
    with pytest.raises(ValueError, match=f"got {n_chains}, {sweeps}, {warmup}"):
        run_chains(
            problem_of(1),
            n_chains=n_chains,
            warmup=warmup,
            sweeps=sweeps,
            rng=np.random.default_rng(1),
        )


def test_chains_go_on_until_they_are_enough():
    problem, asked = problem_of(5), []

    def run(needed, max_sweeps):
        def is_enough(chains):
            asked.append(chains.grid.shape[1])
            return chains.grid.shape[1] >= needed

        return run_chains(
            problem,
            n_chains=2,
            warmup=2,
            sweeps=10,
            max_sweeps=max_sweeps,
            is_enough=is_enough,
            rng=np.random.default_rng(5),
        )

    long = run_chains(problem, n_chains=2, warmup=2, sweeps=40, rng=np.random.default_rng(5))
    for needed, max_sweeps, expected in ((5, 40, 10), (25, 40, 30), (99, 40, 40), (99, 35, 30)):
        kept = run(needed, max_sweeps)
        assert kept.grid.shape[1] == expected
        np.testing.assert_array_equal(kept.coef, long.coef[:, :expected])
        np.testing.assert_array_equal(kept.last_error, long.last_error[:, :expected])
    assert asked[:4] == [10, 10, 20, 30]  # all the sweeps so far are judged, not the newest


@pytest.mark.parametrize("n_chains", [2, 4, 5])
def test_with_many_geos_pairs_of_chains_run_side_by_side(monkeypatch, n_chains):
    """Each pair has a generator of its own, so the draws do not depend on the threads."""
    monkeypatch.setattr(sampler, "GEOS_OF_ONE_TEAM", 1)
    problem = problem_of(6)

    def run(threads):
        rng = np.random.default_rng(6)
        return run_chains(problem, n_chains=n_chains, warmup=2, sweeps=9, rng=rng, threads=threads)

    one, three = run(1), run(3)
    assert one.coef.shape == (n_chains, 9, 2, 2)
    for name in ("grid", "coef", "baseline_coef", "last_error", "sigma", "rho"):
        np.testing.assert_array_equal(getattr(one, name), getattr(three, name))
    sizes = {2: [2], 4: [2, 2], 5: [3, 2]}[n_chains]
    first = 0
    for size, rng in zip(sizes, np.random.default_rng(6).spawn(len(sizes)), strict=True):
        alone = Sampler(problem, size, rng)
        for _ in range(3):
            alone.sweep()
        np.testing.assert_array_equal(one.coef[first : first + size, 0].swapaxes(0, 1), alone.coef)
        first += size
    assert len(np.unique(one.sigma[:, -1, 0])) == n_chains  # no two chains are the same
