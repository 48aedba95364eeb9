"""Many small models: every one is another, and the figures are those of the ledger."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import pytest

import many_models
from mixloop.fit import FitSettings


@dataclass(frozen=True)
class Quick(FitSettings):
    """Enough sweeps to have draws."""

    chains: int = 2
    warmup: int = 5
    sweeps: int = 20
    max_sweeps: int = 20
    draws: int = 40


Quick.__annotations__ = FitSettings.__annotations__


def test_models_are_fitted_and_counted(monkeypatch):
    monkeypatch.setattr(many_models, "FitSettings", Quick)
    found = many_models.measure(4, 1)
    assert (found["models"], found["sweeps_median"], found["share_that_met_the_bar"]) == (4, 20, 0)
    assert found["models_per_minute"] * found["wall_seconds"] / 60 == pytest.approx(4)
    assert 0 < found["share_not_fitting"] < 1
    memory = list(found["worker_memory_mib"].values())
    assert list(found["worker_memory_mib"]) == ["1", "2", "4"]
    assert memory == sorted(memory) and memory[0] > 50


def test_every_model_is_another_one():
    one, two = many_models.model_frames(1), many_models.model_frames(2)
    assert one["outcomes"].height == 104
    assert one["media"].height == 4 * 104
    assert one["outcomes"]["outcome"].to_list() != two["outcomes"]["outcome"].to_list()
    assert one["media"].equals(many_models.model_frames(1)["media"])
    assert one["outcomes"]["outcome"].min() > 0
