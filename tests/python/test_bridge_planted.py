"""Planted causes, one at a time and in pairs: with the true curves the bridge finds their size."""

from itertools import combinations

import bridge_world
import numpy as np
import polars as pl
import pytest
from bridge_world import CAUSES, NODES, ORDER

from mixloop.variance import variance_rows

MONEY = ("spend",) * 3
BOUGHT = ("impressions",) * 3


def bridged(causes, units=MONEY, seed=1):
    """Return the bridge's rows of a world with planted causes, and their true sizes."""
    world = bridge_world.as_planned(units, seed)
    for cause in causes:
        cause(world)
    run = bridge_world.true_run(units)
    plan, today = bridge_world.panels(world)
    frame = variance_rows(
        run, bridge_world.published(run, plan), today, NODES,
        record=bridge_world.record_of(world), mapping_version=1,
    )  # fmt: skip
    return frame, bridge_world.true_sizes(tuple(causes), units, seed)


def by_week(frame, driver, cause):
    rows = frame.filter(period_type="week", geo="all", driver_id=driver, cause=cause)
    return rows.sort("week")["variance_mean"].to_numpy()


def assert_found(frame, sizes):
    for cause in ORDER:
        found = by_week(frame, "total", cause)
        if cause not in sizes:
            assert len(found) == 0 or np.abs(found).max() < 1e-9, cause
            continue
        size = sizes[cause]
        assert np.abs(size).max() > 1.0, cause  # there is something to find
        assert np.abs(found - size).max() <= 0.01 * np.abs(size).max(), cause
        assert abs(found.sum() - size.sum()) <= 0.01 * abs(size.sum()) + 1e-9, cause
    # a change of mapping changes no KPI: nothing else stays unexplained
    rest = by_week(frame, "unexplained", "unexplained")
    drawer = sizes.get("mapping", np.zeros(len(rest)))
    np.testing.assert_allclose(rest, -drawer, atol=1e-6)
    assert_closed(frame)


def assert_closed(frame):
    keys = ["geo", "period_type", "period_id"]
    total = frame.filter(driver_id="total", cause="total").select(*keys, total="variance_mean")
    sums = frame.filter("is_additive").group_by(keys).agg(pl.col("variance_mean").sum())
    both = total.join(sums, on=keys)
    assert len(both) == len(total) > 0
    assert (both["total"] - both["variance_mean"]).abs().max() < 1e-9
    nodes = frame.filter(driver_type="channel")
    ends = nodes.filter(cause="total").select("driver_id", *keys, total="variance_mean")
    sums = nodes.filter(pl.col("cause") != "total").group_by("driver_id", *keys)
    both = ends.join(sums.agg(pl.col("variance_mean").sum()), on=["driver_id", *keys])
    assert len(both) == len(ends)
    assert (both["total"] - both["variance_mean"]).abs().max() < 1e-9
    parts = nodes.filter(pl.col("driver_id") != "all media").group_by("cause", *keys)
    both = nodes.filter(driver_id="all media").join(
        parts.agg(children=pl.col("variance_mean").sum()), on=["cause", *keys]
    )
    assert (both["children"] - both["variance_mean"]).abs().max() < 1e-9


@pytest.mark.parametrize("units", [MONEY, BOUGHT], ids=["money", "impressions"])
@pytest.mark.parametrize("cause", CAUSES)
def test_one_cause(cause, units):
    assert_found(*bridged([CAUSES[cause]], units))


@pytest.mark.parametrize("units", [MONEY, BOUGHT], ids=["money", "impressions"])
@pytest.mark.parametrize("pair", list(combinations(CAUSES, 2)), ids="-".join)
def test_two_causes(pair, units):
    assert_found(*bridged([CAUSES[name] for name in pair], units, seed=2))


def test_nothing_happened():
    frame, _ = bridged([])
    assert frame["variance_mean"].abs().max() < 1e-9
    assert_closed(frame)
    said = frame.filter(driver_id="total", cause="total", geo="all", period_type="week")
    assert said["sentence"].str.contains("was as forecast: ").all()


@pytest.mark.parametrize("units", [MONEY, BOUGHT], ids=["money", "impressions"])
def test_a_late_flight_that_became_dearer(units):
    causes = [bridge_world.raise_price_of_flight, bridge_world.delay_flight]
    assert_found(*bridged(causes, units))
