"""Children of modelled channels: closed forms, and sums over random trees."""

import numpy as np
import planted
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixloop.allocation import CARRIED_OVER_EXPOSURE, carried_shares, leaves_of, spread
from mixloop.contributions import contribution_rows
from mixloop.forecast import forecast_rows, stable_rng
from mixloop.performance import performance_rows
from mixloop.transforms import adstock, adstock_weights
from mixloop.variance import variance_rows

# c0 has the leaves a and b; `team:x` holds a and all of c1
TREE = [("c0", "c0"), ("c1", "c1"), ("media", "c0"), ("media", "c1")]
PARTS = [("a", "c0", "a"), ("b", "c0", "b")]


def tree():
    return pl.concat(
        [
            planted.nodes(TREE, parts=PARTS),
            planted.nodes(
                [("team:x", "c1")],
                parts=[("team:x", "c0", "a"), ("team:y", "c0", "b")],
                hierarchy="team",
            ),
        ]
    )


def media(panel, leaves):
    """Leaf rows from {leaf: (J, T)}; zeros are left out, as in the warehouse."""
    rows = [
        ("m", geo, week, leaf, float(values[j][t]), float(values[j][t]))
        for leaf, values in leaves.items()
        for j, geo in enumerate(panel.geos)
        for t, week in enumerate(panel.weeks.astype(object))
        if values[j][t]
    ]
    names = ["model_id", "geo", "week", "leaf_id", "spend", "exposure"]
    kinds = [pl.String, pl.String, pl.Date, pl.String, pl.Float64, pl.Float64]
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")


def one(frame, key, name, value, week=0, geo="g0"):
    rows = frame.filter((pl.col("geo") == geo) & (pl.col(key) == name)).sort("week")
    return rows[value][week]


def two_weeks():
    """One geo. Weights 2/3 and 1/3; c0 is 3 (leaf a) and then 3 (leaf b), c1 stands still.

    Carried over: a has 2 and then 1, b has 0 and then 2; c0 2 and then 3. So c0 brings
    hill(2) = 2/3 and then hill(3) = 3/4 of its full effect of 12, b 2/3 of the second week.
    """
    run = planted.posterior(
        [[[0.12, 0.4]]], 2, kpi_scale=np.array([100.0]), decay=np.array([[0.5, 0.0]]),
        carryover_weeks=1,
    )  # fmt: skip
    panel = planted.panel([[[3.0, 1.0], [3.0, 1.0]]], outcome=[[50.0, 50.0]])
    return run, panel, media(panel, {"a": [[3.0, 0.0]], "b": [[0.0, 3.0]]})


def test_contributions_of_two_leaves_by_hand():
    frame = contribution_rows(*two_weeks()[:2], tree(), two_weeks()[2])
    shown = [
        [one(frame, "component_id", name, "contribution_mean", week) for week in (0, 1)]
        for name in ("c0", "a", "b", "team:x", "team:y")
    ]
    np.testing.assert_allclose(
        shown, [[8.0, 9.0], [8.0, 3.0], [0.0, 6.0], [28.0, 23.0], [0.0, 6.0]], atol=1e-12
    )
    found = frame.filter(pl.col("week") == planted.FIRST.item(), pl.col("geo") == "all")
    kinds = {
        name: (rule, hierarchy, additive)
        for name, rule, hierarchy, additive in found.select(
            "component_id", "allocation", "hierarchy_id", "is_additive"
        ).rows()
    }
    rule = CARRIED_OVER_EXPOSURE
    assert kinds == {
        "a": (rule, "main", False),
        "b": (rule, "main", False),
        "c0": (None, "main", True),
        "c1": (None, "main", True),
        "kpi": (None, None, False),
        "level": (None, None, True),
        "media": (None, "main", False),
        "team:x": (rule, "team", False),
        "team:y": (rule, "team", False),
        "unexplained": (None, None, True),
    }


def test_shares_follow_the_kernel_of_each_draw():
    # the second draw carries nothing over: then all of the second week is b's
    run, panel, leaves = two_weeks()
    run = planted.replace(
        run,
        **{name: np.repeat(getattr(run, name), 2, axis=0) for name in (
            "kernel", "half", "slope", "coef", "baseline_coef", "sigma", "rho", "last_error",
            "saturation", "shock_share", "drift",
        )},
        decay=np.array([[0.5, 0.0], [0.0, 0.0]]),
    )  # fmt: skip
    frame = contribution_rows(run, panel, tree(), leaves)
    a = [one(frame, "component_id", "a", f"contribution_{p}", 1) for p in ("mean", "p05", "p95")]
    np.testing.assert_allclose(a, [1.5, 0.15, 2.85])


def test_performance_of_two_leaves_by_hand():
    run, panel, leaves = two_weeks()
    frame = performance_rows(run, panel, tree(), 1.0, leaves)
    found = {row["node_id"]: row for row in frame.filter(period_id="training").to_dicts()}
    b, parent = found["b"], found["c0"]
    assert (b["spend"], b["allocation"], b["is_additive"]) == (3.0, CARRIED_OVER_EXPOSURE, False)
    np.testing.assert_allclose([b["effect_mean"], b["roi_mean"]], [6.0, 2.0])
    np.testing.assert_allclose(b["cost_per_outcome_mean"], 0.5)
    np.testing.assert_allclose(b["share_of_spend"], 3 / 8)
    np.testing.assert_allclose(b["share_of_effect_mean"], 6 / (17 + 40))
    np.testing.assert_allclose(b["share_of_kpi_mean"], 0.06)
    # 0.03 more of b, all in the second week: the channel's u goes from 3 to 3.02
    exact = 12 * (3.02 / 4.02 - 3 / 4) / 0.03
    np.testing.assert_allclose(b["marginal_roi_mean"], exact)
    # 0.03 more of a: 2 -> 2.02 and 3 -> 3.01
    more = 12 * (2.02 / 3.02 - 2 / 3 + 3.01 / 4.01 - 3 / 4)
    np.testing.assert_allclose(found["a"]["marginal_roi_mean"], more / 0.03)
    c1 = 40 * 2 * (1.01 / 2.01 - 0.5)
    np.testing.assert_allclose(found["team:x"]["marginal_roi_mean"], (more + c1) / 0.05)
    assert parent["saturation_mean"] is not None
    for name in ("saturation_mean", "half_life_weeks_mean", "headroom_spend_mean"):
        assert b[name] is None


def ahead():
    """The two weeks, then two planned: 6 and 0 for c0, of which a has 2 and b 4."""
    run, *_ = two_weeks()
    plan = planted.panel([[[3.0, 1.0], [3.0, 1.0], [6.0, 1.0], [0.0, 1.0]]])
    return run, plan, media(plan, {"a": [[3.0, 0.0, 2.0, 0.0]], "b": [[0.0, 3.0, 4.0, 0.0]]})


def forecast(run, plan, nodes, leaves):
    return forecast_rows(
        run, plan, nodes, stable_rng(1, "run", "p"), plan_id="p", plan_source="client",
        leaf_media=leaves,
    )  # fmt: skip


def test_forecast_of_two_leaves_by_hand():
    run, plan, leaves = ahead()
    frame = forecast(run, plan, tree(), leaves)
    # carried over: a 4/3 and 2/3, b 1 + 8/3 and 4/3; the channel 5 and 2
    a, b, whole = (
        [one(frame, "component_id", name, "forecast_mean", week) for week in (0, 1)]
        for name in ("a", "b", "c0")
    )
    np.testing.assert_allclose(whole, [10.0, 8.0])
    np.testing.assert_allclose(a, [10 * 4 / 15, 8 / 3])
    np.testing.assert_allclose(b, [10 * 11 / 15, 16 / 3])
    planned = {
        name: (value, money)
        for name, value, money in frame.filter(geo="all", horizon_weeks=1)
        .select("component_id", "planned_value", "planned_spend")
        .rows()
    }
    assert planned["a"] == (2.0, 2.0)
    assert planned["b"] == (4.0, 4.0)
    assert planned["c0"] == (6.0, 6.0)
    assert planned["team:x"] == (None, 3.0)
    assert planned["media"] == (None, 7.0)


def test_planned_values_of_estimated_nodes_do_not_depend_on_children():
    run, panel = planted.world(n_weeks=60)
    run = planted.replace(run, last_week=run.first_week + 54 * planted.WEEK)
    rng = np.random.default_rng(0)
    share = rng.random(panel.exposure[:, :, 0].shape)
    leaves = media(
        panel,
        {"a": share * panel.exposure[:, :, 0], "b": (1 - share) * panel.exposure[:, :, 0]},
    )
    every = [("top", f"c{c}") for c in range(4)] + [("two", "c1"), ("two", "c3")]
    columns = ["geo", "week", "component_id", "planned_value", "planned_spend"]
    bare = forecast(run, panel, planted.nodes(every), None).select(columns)
    full = forecast(run, panel, planted.nodes(every, parts=PARTS), leaves).select(columns)
    kept = full.filter(~pl.col("component_id").is_in(["a", "b"]))
    assert kept.equals(bare)  # to the last bit: the hash of a published plan rests on it


def totals(frame):
    """The weekly totals of nodes and of the KPI."""
    return frame.filter(period_type="week", cause="total")


def test_variance_of_two_leaves_by_hand():
    run, plan, leaves = ahead()
    ledger = forecast(run, plan, tree(), leaves)
    # as it came: 6 again, but a has all of it; nothing after
    fact = planted.replace(plan, outcome=np.full((1, 4), 50.0))
    came = media(fact, {"a": [[3.0, 0.0, 6.0, 0.0]], "b": [[0.0, 3.0, 0.0, 0.0]]})
    frame = totals(variance_rows(run, ledger, fact, tree(), came))
    a, b, whole, y = (
        [one(frame, "driver_id", name, "variance_mean", week) for week in (0, 1)]
        for name in ("a", "b", "c0", "team:y")
    )
    # a's carried over 4 and 2 of 5 and 2 instead of 4/3 and 2/3
    np.testing.assert_allclose(whole, [0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(a, [10 * (4 / 5 - 4 / 15), 8 * (1 - 1 / 3)])
    np.testing.assert_allclose(b, -np.array(a))
    np.testing.assert_allclose(y, b)
    assert one(frame, "driver_id", "a", "planned_value") == 2.0
    assert one(frame, "driver_id", "a", "actual_value") == 6.0
    assert one(frame, "driver_id", "team:x", "planned_value") is None
    assert one(frame, "driver_id", "a", "allocation") == CARRIED_OVER_EXPOSURE
    assert one(frame, "driver_id", "team:x", "hierarchy_id") == "team"


@pytest.mark.parametrize("change", ["no leaves", "a leaf moved"])
def test_forecasts_without_a_published_split_have_no_children_in_their_variance(change):
    run, plan, leaves = ahead()
    ledger = forecast(run, plan, tree(), leaves)
    gone = ["a", "b"] if change == "no leaves" else ["b"]
    ledger = ledger.filter(~pl.col("component_id").is_in(gone))
    other = pl.concat(
        [
            planted.nodes([("funnel:z", "c1"), ("funnel:z", "c0")], hierarchy="funnel"),
            planted.nodes([("team:w", "c1")], hierarchy="team"),
        ]
    )
    frame = variance_rows(
        run, ledger, planted.replace(plan, outcome=np.full((1, 4), 50.0)),
        pl.concat([tree(), other]), leaves,
    )  # fmt: skip
    spend = frame.filter(driver_type="channel")
    # hierarchy `team` needs the leaves of c0; `funnel` and the rest of `main` do not
    assert set(spend["driver_id"]) == {"c0", "c1", "media", "funnel:z"}


def test_a_leaf_that_is_new_since_the_forecast_was_planned_at_nothing():
    run, plan, leaves = ahead()
    ledger = forecast(run, plan, tree(), leaves)
    fact = planted.replace(plan, outcome=np.full((1, 4), 50.0))
    values = {"a": [[3.0, 0.0, 2.0, 0.0]], "b": [[0.0, 3.0, 1.0, 0.0]], "n": [[0, 0, 3.0, 0]]}
    nodes = planted.nodes(TREE, parts=[*PARTS, ("n", "c0", "n")])
    frame = totals(variance_rows(run, ledger, fact, nodes, media(fact, values)))
    # n carries over 2 of 5 and then 1 of 2, all of it taken from b
    n, b = (
        [one(frame, "driver_id", name, "variance_mean", week) for week in (0, 1)]
        for name in ("n", "b")
    )
    np.testing.assert_allclose(n, [10 * 2 / 5, 8 / 2])
    np.testing.assert_allclose(b, [-4.0, -4.0])
    assert one(frame, "driver_id", "n", "planned_value") == 0.0


def test_an_only_child_has_all_of_its_parent():
    run, panel, _ = two_weeks()
    nodes = planted.nodes(TREE, parts=[("only", "c1", "only")])
    leaves = media(panel, {"only": [[1.0, 1.0]]})
    frame = contribution_rows(run, panel, nodes, leaves)
    both = frame.filter(pl.col("component_id").is_in(["only", "c1"]), pl.col("geo") == "g0")
    assert both["contribution_mean"].to_list() == [20.0] * 4
    assert one(frame, "component_id", "only", "allocation") == CARRIED_OVER_EXPOSURE


def test_leaves_asked_for_without_their_media_are_an_error():
    run, panel, _ = two_weeks()
    with pytest.raises(ValueError, match="'a', 'b'"):
        contribution_rows(run, panel, tree())


def test_known_media_is_scaled_to_the_channel_and_split_evenly_where_unknown():
    panel = planted.panel([[[4.0, 9.0], [6.0, 9.0]]])
    rows = media(panel, {"a": [[1.0, 0.0]], "b": [[1.0, 0.0]]})
    found = leaves_of(panel, ((0, "a"), (0, "b")), rows)
    np.testing.assert_allclose(found.exposure[0], [[2.0, 2.0], [3.0, 3.0]])
    assert found.ids == ("a", "b")


amounts = st.floats(1e-6, 1e9) | st.just(0.0)


@settings(max_examples=300, deadline=None)
@given(
    rows=st.lists(st.lists(amounts, min_size=9, max_size=9), min_size=1, max_size=5),
    decay=st.floats(0.0, 0.95),
    kernel=st.sampled_from(["geometric", "delayed"]),
)
def test_shares_are_shares_and_sum_to_one(rows, decay, kernel):
    weights = adstock_weights(kernel, decay, 4)[None]
    shares = carried_shares(np.array(rows), weights)[:, 0]
    assert shares.min() >= 0.0
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, rtol=1e-12)
    carried = adstock(np.array(rows), weights)  # one leaf at a time, by the definition
    some = carried.sum(axis=0) > 1e-6
    expected = (carried / np.where(some, carried.sum(axis=0), 1.0))[:, some]
    np.testing.assert_allclose(shares[:, some], expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), n_leaves=st.integers(1, 6), n_channels=st.integers(1, 3))
def test_leaves_add_up_to_their_channel(data, n_leaves, n_channels):
    def cells(width):
        rows = st.lists(amounts, min_size=width, max_size=width)
        return np.array([data.draw(st.lists(rows, min_size=3, max_size=3))])

    channel = np.array(data.draw(st.lists(
        st.integers(0, n_channels - 1), min_size=n_leaves, max_size=n_leaves
    )))  # fmt: skip
    whole = cells(n_channels)
    found = spread(whole, cells(n_leaves), channel)
    assert found.min() >= 0.0
    for c in set(channel.tolist()):
        np.testing.assert_allclose(found[..., channel == c].sum(axis=-1), whole[..., c])


def random_tree(rng, n_channels):
    """A random main tree and other roll-ups of its leaves: nodes, parents, leaf ids by channel.

    Nodes are made the long way round: every node is a set of leaves, and a channel that it holds
    in full is held whole. `parents` has (child, parent) pairs of published names, any hierarchy.
    """
    below = {f"c{c}": [f"c{c}_{k}" for k in range(rng.integers(1, 5))] for c in range(n_channels)}
    sets, parents = {}, []
    for channel, leaves in below.items():
        if len(leaves) == 1:
            leaves[0] = channel  # the channel is a leaf itself
            continue
        parents += [(leaf, channel) for leaf in leaves[1:]]
        parents += [("mid_" + channel, channel), (leaves[0], "mid_" + channel)]
        sets |= {("main", leaf): {leaf} for leaf in leaves} | {
            ("main", "mid_" + channel): {leaves[0]}
        }
    every = [leaf for leaves in below.values() for leaf in leaves]
    sets["main", "top"] = set(every)
    parents += [(channel, "top") for channel in below]
    for name in ("team", "funnel"):
        groups = rng.integers(0, 3, len(every))
        for g in set(groups.tolist()):
            node = f"{name}:{g}"
            held = [leaf for leaf, group in zip(every, groups, strict=True) if group == g]
            sets[name, node] = set(held)
            parents += [(node, f"{name}:all"), *((leaf, node) for leaf in held)]
        sets[name, f"{name}:all"] = set(every)
    whole, parts = [], []
    for (hierarchy, node), held in sets.items():
        for channel, leaves in below.items():
            inside = held & set(leaves)
            child = hierarchy == "main" and node != "top"
            if inside == set(leaves) and not child:
                whole.append((hierarchy, node, channel))
            else:
                parts += [(hierarchy, node, channel, leaf) for leaf in sorted(inside)]
    frames = [
        planted.nodes(
            [row[1:] for row in whole if row[0] == h],
            parts=[row[1:] for row in parts if row[0] == h],
            hierarchy=h,
        )
        for h in ("main", "team", "funnel")
    ]
    return pl.concat(frames), parents, below


def random_leaves(rng, panel, below):
    """Leaf rows that add up to the channels, many of them zero."""
    out = {}
    for c, leaves in enumerate(below.values()):
        raw = rng.random((len(leaves), *panel.exposure.shape[:2]))
        raw *= rng.random(raw.shape) > 0.4
        raw[0] += raw.sum(axis=0) == 0
        shares = raw / raw.sum(axis=0)
        out |= {leaf: shares[k] * panel.exposure[..., c] for k, leaf in enumerate(leaves)}
    return media(panel, out)


def assert_children_sum(frame, parents, keys, name, columns):
    """Fail unless the children of every parent add up to it, in every row of the keys."""
    links = pl.DataFrame(parents, schema=[name, "parent"], orient="row")
    sums = (
        frame.join(links, on=name)
        .group_by("parent", *keys)
        .agg(pl.col(column).sum() for column in columns)
    )
    both = frame.join(sums, left_on=[name, *keys], right_on=["parent", *keys], suffix="_sum")
    assert set(both[name]) == {parent for _, parent in parents}
    for column in columns:
        np.testing.assert_allclose(
            both[column + "_sum"], both[column], rtol=1e-9, atol=1e-9, err_msg=column
        )


@pytest.mark.parametrize("seed", range(12))
def test_children_sum_to_their_parent_in_random_trees(seed):
    rng = np.random.default_rng(seed)
    n_channels = int(rng.integers(1, 6))
    run, fact = planted.world(
        n_draws=12, n_geos=int(rng.integers(1, 4)), n_weeks=40, n_channels=n_channels, seed=seed
    )
    nodes, parents, below = random_tree(rng, n_channels)
    leaves = random_leaves(rng, fact, below)
    week = ["geo", "week"]
    shown = contribution_rows(run, fact, nodes, leaves)
    assert_children_sum(shown, parents, week, "component_id", ["contribution_mean"])
    parts = ["spend", "effect_mean", "share_of_effect_mean", "share_of_kpi_mean"]
    shown = performance_rows(run, fact, nodes, 1.0, leaves)
    assert_children_sum(shown, parents, ["period_id"], "node_id", parts)

    run = planted.replace(run, last_week=run.first_week + 34 * planted.WEEK)
    future = fact.weeks > run.last_week
    plan = planted.replace(fact, exposure=fact.exposure.copy(), spend=fact.spend.copy())
    factor = rng.uniform(0.0, 2.0, plan.exposure[:, future].shape)
    plan.exposure[:, future] *= factor
    plan.spend[:, future] *= factor
    planned = pl.concat(
        [
            leaves.filter(pl.col("week") <= run.last_week.item()),
            random_leaves(rng, plan, below).filter(pl.col("week") > run.last_week.item()),
        ]
    )
    ledger = forecast(run, plan, nodes, planned)
    assert_children_sum(ledger, parents, week, "component_id", ["forecast_mean", "planned_spend"])
    shown = variance_rows(run, ledger, fact, nodes, leaves)
    period = ["geo", "period_type", "period_id"]
    of_nodes = shown.filter(driver_type="channel")
    for cause in of_nodes["cause"].unique():
        rows = of_nodes.filter(cause=cause)
        assert_children_sum(rows, parents, period, "driver_id", ["variance_mean"])
    additive = shown.filter("is_additive").group_by(period).agg(pl.col("variance_mean").sum())
    total = shown.filter(driver_id="total", cause="total").select(*period, total="variance_mean")
    both = additive.join(total, on=period)
    np.testing.assert_allclose(both["variance_mean"], both["total"], atol=1e-9)
