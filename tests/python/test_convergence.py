"""When chains are enough, and what is asked first."""

import numpy as np
import pytest

from mixloop import convergence
from mixloop.convergence import Judge, diagnose, of_geos
from mixloop.sampler import Chains

CHANNELS, COLUMNS = ("tv", "search"), ("level",)


def chains_of(n_geos, apart=()):
    """Four chains of independent draws; in the geos `apart` one chain is somewhere else."""
    rng = np.random.default_rng(0)
    shape = (4, 500, n_geos)
    coef = rng.normal(size=(*shape, 2))
    coef[0][:, list(apart)] += 5.0
    plain = {name: rng.normal(size=shape) for name in convergence.NOISE_TERMS}
    return Chains(
        grid=np.zeros((4, 500, 2), dtype=int),
        coef=coef,
        share=rng.normal(size=(*shape, 2)),
        pool_total=np.empty((*shape, 0)),
        baseline_coef=rng.normal(size=(*shape, 1)),
        **plain,
    )


@pytest.mark.parametrize("apart", [(), (0,), (4,), (2,)])
def test_enough_is_when_every_geo_agrees(apart):
    """Geo 2 is not among those that are looked at first (0, 5, 11)."""
    assert Judge(CHANNELS, COLUMNS, (), "live").is_enough(chains_of(12, apart)) is not bool(apart)


@pytest.mark.parametrize(("apart", "expected"), [((), [3, 12]), ((11,), [3]), ((2,), [3, 12])])
def test_all_geos_are_judged_only_when_a_few_agree(monkeypatch, apart, expected):
    judged = []

    def watched(chains, *terms):
        judged.append(chains.coef.shape[2])
        return diagnose(chains, *terms)

    monkeypatch.setattr(convergence, "diagnose", watched)
    judge, chains = Judge(CHANNELS, COLUMNS, (), "live"), chains_of(12, apart)
    judge.is_enough(chains)
    assert judged == expected
    found = judge.found(chains)
    assert len(found["channel:tv"]) == 12
    assert len(judged) == 2  # what was judged last is remembered


def test_the_chains_of_some_geos_are_theirs():
    chains = chains_of(5)
    some = of_geos(chains, [1, 4])
    np.testing.assert_array_equal(some.coef, chains.coef[:, :, [1, 4]])
    np.testing.assert_array_equal(some.rho, chains.rho[:, :, [1, 4]])
    assert some.grid is chains.grid
