import time

import numpy as np
import planted
import polars as pl

from mixloop.contributions import contribution_rows
from mixloop.schemas import CONTRIBUTIONS

TREE = [("c0", "c0"), ("c1", "c1"), ("media", "c0"), ("media", "c1")]


def one(frame, geo, component, week=0):
    rows = frame.filter((pl.col("geo") == geo) & (pl.col("component_id") == component)).sort("week")
    return rows.row(week, named=True)


def two_geos():
    # exposure at its scale: half of the coefficient; draws of c0 and c1 move in opposite ways
    coef = np.array([[[0.2, 0.6], [0.2, 0.6]], [[0.6, 0.2], [0.6, 0.2]]])
    run = planted.posterior(coef, 2, level=0.5, kpi_scale=np.array([10.0, 100.0]))
    panel = planted.panel(np.ones((2, 2, 2)), outcome=[[12.0, 9.0], [100.0, np.nan]])
    return run, panel


def test_hand_computed_rows():
    run, panel = two_geos()
    frame = contribution_rows(run, panel, planted.nodes(TREE))
    assert frame.schema == CONTRIBUTIONS
    c0 = one(frame, "g0", "c0")  # draws 1 and 3
    assert c0["component_type"] == "channel" and c0["is_additive"] and c0["is_controllable"]
    np.testing.assert_allclose(c0["contribution_mean"], 2.0)
    np.testing.assert_allclose(c0["contribution_p05"], 1.1)
    np.testing.assert_allclose(c0["contribution_p95"], 2.9)
    level = one(frame, "g1", "level")
    assert level["contribution_mean"] == 50.0 and not level["is_controllable"]
    rest = one(frame, "g0", "unexplained")  # 12 - (2 + 2 + 5) in each draw
    np.testing.assert_allclose([rest["contribution_p05"], rest["contribution_p95"]], [3.0, 3.0])
    kpi = one(frame, "g0", "kpi")
    assert [kpi[f"contribution_{p}"] for p in ("mean", "p05", "p50", "p95")] == [12.0] * 4
    assert not kpi["is_additive"]


def test_subtotal_is_the_range_of_the_sum_not_the_sum_of_ranges():
    run, panel = two_geos()
    node = one(contribution_rows(run, panel, planted.nodes(TREE)), "g0", "media")
    assert not node["is_additive"]
    np.testing.assert_allclose([node["contribution_p05"], node["contribution_p95"]], [4.0, 4.0])


def test_all_geos_sum_the_draws():
    run, panel = two_geos()
    node = one(contribution_rows(run, panel, planted.nodes(TREE)), "all", "c0")  # 11 and 33
    np.testing.assert_allclose(
        [node["contribution_mean"], node["contribution_p05"], node["contribution_p95"]],
        [22.0, 12.1, 31.9],
    )


def test_missing_week_is_null_in_its_geo_and_in_all():
    run, panel = two_geos()
    frame = contribution_rows(run, panel, planted.nodes(TREE))
    for component in ("kpi", "unexplained"):
        assert one(frame, "g1", component, 1)["contribution_mean"] is None
        assert one(frame, "all", component, 1)["contribution_p95"] is None
        assert one(frame, "g0", component, 1)["contribution_mean"] is not None
    assert one(frame, "g1", "c0", 1)["contribution_mean"] is not None


def test_additive_means_sum_to_the_kpi_and_lead_in_is_left_out():
    run, panel = planted.world()
    frame = contribution_rows(run, panel, planted.nodes([("all", "c0"), ("all", "c1")]))
    keys = ["geo", "week"]
    sums = frame.filter("is_additive").group_by(keys).agg(pl.col("contribution_mean").sum())
    kpi = frame.filter(pl.col("component_id") == "kpi").select(*keys, kpi="contribution_mean")
    both = sums.join(kpi, on=keys)
    assert len(both) == 4 * 70
    np.testing.assert_allclose(both["contribution_mean"], both["kpi"], rtol=1e-9)
    by_geo = dict(zip(panel.geos, panel.outcome[:, 3:].sum(axis=1), strict=True))
    actual = dict(kpi.group_by("geo").agg(pl.col("kpi").sum()).rows())
    for geo, total in by_geo.items():
        np.testing.assert_allclose(actual[geo], total)
    assert frame["week"].min() == planted.FIRST.item()
    assert frame.select("geo", "week", "component_id").is_duplicated().sum() == 0


def test_large_run_is_quick():
    run, panel = planted.world(n_draws=1000, n_geos=8, n_weeks=156, n_channels=8)
    start = time.perf_counter()
    contribution_rows(run, panel, planted.nodes([("all", f"c{c}") for c in range(8)]))
    assert time.perf_counter() - start < 12.0  # about 2 s on a free core


def test_drivers_that_the_client_decides_about_are_marked():
    run = planted.posterior(
        np.full((2, 1, 1), 0.2), 2, drivers={"context:price": -0.1, "context:rain": 0.1}
    )
    panel = planted.panel(
        np.ones((1, 2, 1)), np.ones((1, 2)), {"context:price": 1.0, "context:rain": 2.0}
    )
    nodes = planted.nodes([("c0", "c0"), ("media", "c0")])
    frame = contribution_rows(run, panel, nodes, controllable={"context:price", "gone"})
    marked = frame.filter("is_controllable")["component_id"].unique().sort().to_list()
    assert marked == ["c0", "context:price", "media"]
    plain = contribution_rows(run, panel, nodes).filter("is_controllable")
    assert plain["component_id"].unique().sort().to_list() == ["c0", "media"]
