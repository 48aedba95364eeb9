"""A fit of many geos: the figures are those of a real fit and of a real sampler's sweeps."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import many_geos
from mixloop.fit import FitSettings


def test_a_fit_is_timed_and_judged(monkeypatch):
    short = FitSettings(chains=2, warmup=5, sweeps=20, max_sweeps=20, draws=40)
    monkeypatch.setattr(many_geos, "FitSettings", lambda: short)
    found = many_geos.time_fit(many_geos.task_of(3, 2, seed=0))
    assert found["sweeps"] == 20
    assert found["largest_rhat"] > 1.01 or found["smallest_ess"] < 400
    assert not found["met_the_bar"]
    assert found["cpu_seconds"] > 0
    assert 0 < found["seconds"] < 60


def test_so_many_transforms_move_in_a_sweep(monkeypatch):
    monkeypatch.setattr(many_geos, "WARMUP", 0)
    monkeypatch.setattr(many_geos, "SWEEPS", 10)
    moved, choose = [], many_geos.gibbs.Sampler._choose_moving

    def remembered(sampler):
        moved.append(choose(sampler))
        return moved[-1]

    monkeypatch.setattr(many_geos.gibbs.Sampler, "_choose_moving", remembered)
    task = many_geos.task_of(12, 4, seed=0)
    for moving in (1, 3, 4):
        moved.clear()
        found = many_geos.time_moving(task, moving)
        assert [len(channels) for channels in moved] == [moving] * 10
        assert found["smallest_ess_a_sweep"] > 0
