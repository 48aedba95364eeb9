"""The worlds of bench-demand are what its first lines say."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import demand


def test_the_budget_follows_demand_and_the_test_is_of_the_truth():
    found = [demand.world(seed) for seed in range(40)]
    correlations, z_scores, shares = [], [], []
    for panel, effect, test in found:
        driver = panel.driver_values[0, :, 0]
        correlations.append(np.corrcoef(np.log(panel.spend[0, :, 0]), driver)[0, 1])
        whole = effect[demand.TEST, 0].sum()
        assert 0.3 * whole < test.lift < 1.5 * whole
        assert test.spend_actual == pytest.approx(panel.spend[0, demand.TEST, 0].sum())
        shares.append(effect.sum(axis=0) / panel.outcome.sum())
        z_scores.append(test.lift * 0.15 / test.standard_error - 1.0)
    # 0.8 with the demand itself, which the driver sees with an error of a third
    assert np.mean(correlations) == pytest.approx(0.8 / np.sqrt(1 + 1 / 9), abs=0.06)
    np.testing.assert_allclose(np.mean(shares, axis=0), demand.SHARES, rtol=0.05)
    assert np.std(z_scores) == pytest.approx(0.15, rel=0.35)


def test_a_summary_has_a_row_for_each_help_in_their_order():
    rows = [
        {"seed": 0, "help": help_, "seconds": 1.0, "z_score": z}
        | {f"{c}_{k}": v for c in demand.CHANNELS for k, v in figures.items()}
        for help_, z in (("both", 3.0), ("neither", None))
        for figures in ({"error": -0.5, "width": 1.0, "covered": True},)
    ]
    found = demand.summary(rows)
    assert found["help"].to_list() == ["neither", "both"]
    assert found["bias"].to_list() == [-0.5, -0.5] and found["error"].to_list() == [0.5, 0.5]
    assert found["conflicts"].to_list() == [None, 1.0]
