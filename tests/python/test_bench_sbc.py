"""The judges of bench-sbc: they accept uniform ranks, and find a sampler with another prior."""

import sys
from pathlib import Path
from unittest.mock import patch
from xml.etree import ElementTree

import numpy as np
import prior
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import sbc
from mixloop import gibbs


def test_the_band_holds_uniform_ranks_as_often_as_it_says():
    low, high = sbc.band(200, 50)
    ranks = np.random.default_rng(7).integers(50, size=(2000, 200))
    found = sbc.ecdf(ranks, 50)
    inside = ((found >= low) & (found <= high)).all(axis=1).mean()
    assert 0.93 < inside < 0.975


@pytest.mark.parametrize("wrong", [lambda u: u**1.5, lambda u: 0.25 + 0.5 * u])
def test_ranks_that_are_not_uniform_are_found(wrong):
    """Truths that are too small, and posteriors that are too wide."""
    u = np.random.default_rng(8).random(400)
    found = sbc.judged({"right": (100 * u).astype(int), "wrong": (100 * wrong(u)).astype(int)}, 100)
    assert found["right"]["is_inside"] and found["right"]["p_value"] > 0.01
    assert not found["wrong"]["is_inside"] and found["wrong"]["p_value"] < 1e-4


def test_a_sampler_with_another_prior_is_found(tmp_path, capsys):
    def command(*arguments):
        with patch.object(sys, "argv", ["sbc", "--out", str(tmp_path), *arguments]):
            return sbc.main()

    few = {"RANKS": 40, "THIN": 3, "WARMUP": 60}
    kept = prior.WORLDS, prior.RANKS
    with patch.multiple(sbc, **few):
        assert command("--worlds", "200", "--cases", "one geo") == 0
        with patch.object(gibbs, "RHO_PRIOR_SD", 0.15):
            assert command("--worlds", "200", "--cases", "one geo") == 1
    assert "NOT uniform" in capsys.readouterr().out
    assert kept == (prior.WORLDS, prior.RANKS)
    drawn = ElementTree.parse(tmp_path / "sbc.svg").getroot()
    assert len(drawn.findall("{*}polyline")) == 15


def test_the_fits_own_problem_can_be_tried():
    problem = sbc.full_problem(2)
    assert problem.y.shape == (2, 104)
    assert problem.media.shape[2] > 100
    assert np.isnan(problem.y).sum() == 1
    with patch.multiple(sbc, RANKS=20, THIN=1, WARMUP=2):
        found = sbc.run("fit, two geos, pool", 3, 1)["quantities"]
    assert {"split", "pool", "share 2", "rho 1"} <= set(found)
