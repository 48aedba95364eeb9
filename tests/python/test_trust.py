"""Rows that hold part of a pool, and what is said of their ranges."""

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.contributions import contribution_rows
from mixloop.curves import curve_rows
from mixloop.evaluate import hierarchy_components
from mixloop.forecast import forecast_rows
from mixloop.performance import performance_rows
from mixloop.trust import pool_of_nodes, pooled_components, range_notes
from mixloop.variance import variance_rows

# c0, c1 and c2 are pooled under `social`, c3 is alone; c1 has two leaves; `team` is another tree
POOLS = {"c0": "social", "c1": "social", "c2": "social"}
ROWS = [
    *(("main", node, node, None) for node in ("c0", "c1", "c2", "c3")),
    ("main", "c1_a", "c1", "c1_a"),
    ("main", "c1_b", "c1", "c1_b"),
    *(("main", "social", c, None) for c in ("c0", "c1", "c2")),
    *(("main", "media", c, None) for c in ("c0", "c1", "c2", "c3")),
    *(("team", "team:all_social", c, None) for c in ("c0", "c1", "c2")),
    *(("team", "team:mixed", c, None) for c in ("c0", "c3")),
    ("team", "team:one", "c2", None),
    ("team", "team:halves", "c0", None),
    ("team", "team:halves", "c1", "c1_a"),
]
NODES = pl.DataFrame(
    [("m", *row) for row in ROWS],
    schema=dict.fromkeys(
        ("model_id", "hierarchy_id", "node_id", "channel_id", "leaf_id"), pl.String
    ),
    orient="row",
)
DRAWN = "c0, c1, c2, which are drawn together towards social; trust the range of social"
NOTES = {
    "c0": "drawn together with c1, c2 towards social; trust the range of social",
    "c1": "drawn together with c0, c2 towards social; trust the range of social",
    "c2": "drawn together with c0, c1 towards social; trust the range of social",
    "c1_a": "part of c1, which is drawn together with c0, c2 towards social; "
    "trust the range of social",
    "c1_b": "part of c1, which is drawn together with c0, c2 towards social; "
    "trust the range of social",
    "team:one": "part of c2, which is drawn together with c0, c1 towards social; "
    "trust the range of social",
    "team:mixed": f"holds part of {DRAWN}",
    "team:halves": f"holds part of {DRAWN}",
}
WHOLE = "its children c0, c1, c2 are pooled; this range is the one to trust"


@pytest.fixture(scope="module")
def world():
    run, panel = planted.world()
    return planted.replace(run, pools=POOLS), panel


@pytest.fixture(scope="module")
def leaf_media(world):
    _, panel = world
    halves = [
        {
            "geo": geo,
            "week": week,
            "leaf_id": leaf,
            "spend": 0.5 * panel.spend[j, t, 1],
            "exposure": 0.5 * panel.exposure[j, t, 1],
        }
        for j, geo in enumerate(panel.geos)
        for t, week in enumerate(panel.weeks.astype(object))
        for leaf in ("c1_a", "c1_b")
    ]
    return pl.DataFrame(halves)


def test_rows_that_hold_part_of_a_pool_are_named_with_whom_to_trust(world):
    run, _ = world
    nodes = hierarchy_components(run, NODES)
    pooled = dict(zip(nodes.ids, pooled_components(run, nodes), strict=True))
    notes = dict(zip(nodes.ids, range_notes(run, nodes), strict=True))
    pools = dict(zip(nodes.ids, pool_of_nodes(run, nodes), strict=True))
    assert {node for node, value in pooled.items() if value} == set(NOTES)
    assert {node: note for node, note in notes.items() if note} == NOTES | {"social": WHOLE}
    below = {"c0", "c1", "c2", "c1_a", "c1_b", "team:one"}
    assert {node: pool for node, pool in pools.items() if pool} == dict.fromkeys(below, "social")


def test_two_pools_in_one_row_are_both_named(world):
    run = planted.replace(world[0], pools={"c0": "a", "c1": "a", "c2": "b", "c3": "b"})
    both = [("x", "c0"), ("x", "c2"), ("b", "c2"), ("b", "c3")]
    rows = [("m", "main", node, c, None) for node, c in both]
    nodes = hierarchy_components(run, pl.DataFrame(rows, schema=NODES.schema, orient="row"))
    notes = dict(zip(nodes.ids, range_notes(run, nodes), strict=True))
    assert notes["x"] == (
        "holds part of c0, c1, which are drawn together towards a; trust the range of a; "
        "holds part of c2, c3, which are drawn together towards b; trust the range of b"
    )
    assert notes["b"] == "its children c2, c3 are pooled; this range is the one to trust"


def test_without_pools_nothing_is_said(world):
    run = planted.replace(world[0], pools={})
    nodes = hierarchy_components(run, NODES)
    assert not pooled_components(run, nodes).any()
    assert set(range_notes(run, nodes)) == set(pool_of_nodes(run, nodes)) == {None}


def marked(frame, column):
    """The names that are pooled in some row, which must then be so in all of theirs."""
    named = frame.group_by(column).agg(pl.col("is_pooled").unique().sort())
    flags = dict(named.rows())
    assert all(len(values) == 1 for values in flags.values())
    return {name for name, values in flags.items() if values == [True]}


def test_every_published_table_marks_the_same_rows(world, leaf_media):
    run, panel = world
    rows = contribution_rows(run, panel, NODES, leaf_media)
    assert marked(rows, "component_id") == set(NOTES)
    performance = performance_rows(run, panel, NODES, 1.0, leaf_media)
    assert marked(performance, "node_id") == set(NOTES)
    said = performance.select("node_id", "range_note").drop_nulls().unique()
    assert dict(said.rows()) == NOTES | {"social": WHOLE}
    assert performance.filter(pl.col("pool_id").is_not_null())["is_pooled"].all()
    columns = {
        **dict.fromkeys(("plan_id", "plan_source", "geo", "item_type", "item_id"), pl.String),
        "week": pl.Date,
        "planned_value": pl.Float64,
    }
    curves = curve_rows(run, panel, pl.DataFrame(schema=columns), 3)
    assert marked(curves, "channel_id") == {"c0", "c1", "c2"}


def test_forecasts_and_their_variance_mark_the_same_rows(world, leaf_media):
    run, panel = world
    early = planted.replace(run, last_week=panel.weeks[-4])
    ledger = forecast_rows(
        early,
        panel,
        NODES,
        np.random.default_rng(1),
        plan_id="p",
        plan_source="client",
        leaf_media=leaf_media,
    )
    assert marked(ledger, "component_id") == set(NOTES)
    variance = variance_rows(early, ledger, panel, NODES, leaf_media)
    assert marked(variance, "driver_id") == set(NOTES)
