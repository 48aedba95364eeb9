"""The benchmark of the bridge: what it plants has the size it says, and is compared with it."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import bridge as bench


def test_sizes_lead_from_the_expected_kpi_to_the_one_that_came():
    world = bench.truth(3)
    came, sizes = bench.happen(world, ("spend", "media_price", "timing", "context"))
    planned = world.kpi(world.media, world.promotion)[-bench.N_NEXT :].sum()
    found = world.kpi(came.volume, came.promotion)[-bench.N_NEXT :].sum()
    assert sum(sizes.values()) == pytest.approx(found - planned)
    assert sizes["spend"] < 0 and sizes["media_price"] < 0 and sizes["context"] > 100


def test_every_planted_cause_is_a_case():
    settings = replace(bench.SETTINGS, warmup=20, sweeps=60, max_sweeps=60, draws=60)
    rows = bench.cases(5, settings)
    assert len(rows) == len(bench.CAUSES) + 2 * len(bench.PAIRS)
    assert all(row["gap"] < 1e-9 and row["low"] <= row["high"] for row in rows)
    assert all(np.isfinite(row["mean"]) and row["size"] != 0 for row in rows)
    alone = {row["cause"]: row["size"] for row in rows if row["planted"] == row["cause"]}
    paired = {row["cause"]: row["size"] for row in rows if row["planted"] != row["cause"]}
    for cause in ("spend", "context", "media_price", "timing", "restated"):
        assert paired[cause] == pytest.approx(alone[cause])  # other channels: nothing interacts
    table = bench.summary(rows)
    assert table["cases"].to_list()[-1] == len(rows)
