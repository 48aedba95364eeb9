"""Random trees, roll-ups, rules and media: the structure layer against plain Python, to the cent.

`MIXLOOP_WORLDS=3000 pytest tests/warehouse/test_structure_properties.py` tries that many worlds;
`MIXLOOP_FIRST_WORLD` says which seed is the first, to look at one again.
"""

import os
from collections import Counter, defaultdict
from datetime import timedelta
from decimal import Decimal

import pytest
from tests.warehouse import faults, oracle
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.worlds import MONDAY, N_WEEKS, World, random_world

N_WORLDS = int(os.environ.get("MIXLOOP_WORLDS", "16"))
FIRST = int(os.environ.get("MIXLOOP_FIRST_WORLD", "0"))
SEEDS = range(FIRST, FIRST + N_WORLDS)
GATE = "int_mixloop__input_gate"
FINDINGS = [f"int_mixloop__{part}_findings" for part in ("key", "hierarchy", "rollup")]


@pytest.fixture(scope="module")
def chain(project_root) -> Chain:
    return Chain(compile_project(project_root))


def check_trees(chain: Chain, world: World) -> None:
    """Levels, paths, labels and leaf sets of every hierarchy."""
    found = chain.read(
        "select node_id, hierarchy_id, channel_id, parent_node_id, component_id, label, owner, "
        "objective, is_modelled, level, path, is_leaf, estimated_at from {mixloop__channels}"
    )
    assert len(found) == len(set(found))
    assert set(found) == oracle.channels(world)
    leaves = defaultdict(list)
    for hierarchy, node, leaf in chain.read(
        "select channels.hierarchy_id, channels.channel_id, leaf_id "
        "from {mixloop__rollup} join {mixloop__channels} as channels using (node_id)"
    ):
        leaves[hierarchy, node].append(leaf)
    assert {key: sorted(held) for key, held in leaves.items()} == {
        key: sorted(held) for key, held in oracle.rollup(world).items()
    }


def check_mapping(chain: Chain, world: World) -> None:
    """Every line item has one leaf by one rule on each day."""
    segments = defaultdict(list)
    for *names, first, last, channel, rule in chain.read(
        "select platform, account, campaign, ad_group, line_item, valid_from, valid_to, "
        "channel_id, rule_id from {int_mixloop__line_item_channels} "
        "join {int_mixloop__line_items} using (line_item_id)"
    ):
        segments[tuple(names)].append((first, last, channel, rule))
    rules = oracle.claims(world)
    assert segments.keys() == rules.keys()
    days = [MONDAY + timedelta(days=k) for k in range(-10, 7 * N_WEEKS + 10)]
    for key, own in segments.items():
        for day in days:
            on_day = [(channel, rule) for first, last, channel, rule in own if first <= day <= last]
            assert on_day == [oracle.mapped_to(rules[key], day)], (key, day)


def check_money(chain: Chain, world: World) -> None:
    """Raw = mapped + unmapped = every level of every roll-up = the leaves, every week."""
    rows = oracle.source_rows(world)
    raw, leaf_geos = Counter(), Counter()
    for _, week, geo, _, channel, _, spend in rows:
        raw[week] += spend
        leaf_geos[week, geo, channel] += spend
    found = chain.read("select week, geo, channel_id, spend from {mixloop__media_weekly}")
    assert {(week, geo, channel): spend for week, geo, channel, spend in found} == leaf_geos

    nodes = oracle.spend_of_nodes(world)
    expected = {("levels", week, "mapped + unmapped"): (raw[week], raw[week]) for week in raw}
    for hierarchy, tree in oracle.trees(world).items():
        depths = {name: len(tree.way_up(name)) - 1 for name in tree.row}
        depths |= dict.fromkeys(("unmapped", "unassigned"), 0)
        for level in range(max(depths.values()) + 1):
            for week in raw:
                total = sum(
                    (
                        spend
                        for (own, name, at), spend in nodes.items()
                        if (own, at) == (hierarchy, week)
                        and (
                            depths[name] == level
                            or (depths[name] < level and name not in tree.children)
                        )
                    ),
                    Decimal(0),
                )
                assert total == raw[week]
                expected["levels", week, f"{hierarchy} level {level}"] = (raw[week], total)
        for name, below in tree.children.items():
            for week in raw:
                total = sum(nodes.get((hierarchy, child, week), 0) for child in below)
                if (hierarchy, name, week) in nodes:
                    key = ("children", week, oracle.node_id(hierarchy, name))
                    expected[key] = (nodes[hierarchy, name, week], total)
                    assert nodes[hierarchy, name, week] == total
    checks = chain.read(
        "select check_name, period_start, item, expected, actual, difference, is_within "
        "from {mixloop__reconciliation}"
    )
    assert len(checks) == len(expected)
    assert {(name, week, item): (a, b) for name, week, item, a, b, *_ in checks} == expected
    assert all(difference == 0 and is_within for *_, difference, is_within in checks)


def check_drill_through(chain: Chain, world: World) -> None:
    """From every node and week to its source rows, each raw row once in every hierarchy."""
    found = chain.read(
        "select source_row_id, source_row, week, geo, platform, account, campaign, ad_group, "
        "line_item, channel_id, rule_id, spend from {mixloop__source_rows}"
    )
    assert len({row[0] for row in found}) == len(found) == len(world.media)
    assert {
        (line, week, geo, tuple(names), channel, rule, spend)
        for _, line, week, geo, *names, channel, rule, spend in found
    } == set(oracle.source_rows(world))
    drilled = chain.read(
        "select channels.hierarchy_id, channels.channel_id, week, sum(spend) "
        "from {mixloop__source_rows} as source "
        "join {mixloop__rollup} as rollup on source.channel_id = rollup.leaf_id "
        "join {mixloop__channels} as channels on rollup.node_id = channels.node_id group by all"
    )
    assert {(*key, week): spend for *key, week, spend in drilled} == oracle.spend_of_nodes(world)


def findings(chain: Chain) -> Counter:
    """Return (check, row) of everything that is found about the hierarchies."""
    return Counter(
        chain.read(
            "select check_name, source_row from (from {int_mixloop__key_findings} union all "
            "from {int_mixloop__hierarchy_findings} union all from {int_mixloop__rollup_findings}) "
            "where input_name = 'channel_hierarchy'"
        )
    )


def check_world(chain: Chain, seed: int) -> None:
    """Every claim about the sound world of a seed."""
    world = random_world(seed)
    marts = ("channels", "rollup", "reconciliation", "media_weekly", "source_rows")
    names = [*FINDINGS, *(f"mixloop__{mart}" for mart in marts)]
    chain.run(names, world.tables(), without=[GATE])
    try:
        assert findings(chain) == oracle.findings(world)
        assert {name for name, _ in findings(chain)} <= {"leaf_not_assigned"}
        check_trees(chain, world)
        check_mapping(chain, world)
        check_money(chain, world)
        check_drill_through(chain, world)
    except AssertionError as error:
        raise AssertionError(f"world {seed}: {error}") from error


def check_broken_world(chain: Chain, seed: int) -> None:
    """The findings about broken trees are the planted ones and what follows of them."""
    world, planted = faults.broken_world(seed)
    chain.run(FINDINGS, world.tables(), without=[GATE])
    found = findings(chain)
    assert found == oracle.findings(world), f"broken world {seed}"
    assert planted <= set(found), f"broken world {seed}: a planted fault is not found"


@pytest.mark.parametrize("seed", SEEDS)
def test_worlds(chain: Chain, seed: int) -> None:
    check_world(chain, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_trees(chain: Chain, seed: int) -> None:
    check_broken_world(chain, seed)


# model, what its SQL says, what it must not say
MUTATIONS = (
    ("hierarchy_leaves", "union all\n    select * from unmapped", ""),
    ("hierarchy_leaves", "union all\n    select * from unassigned", ""),
    ("channel_tree", "max(paths.distance) as level", "min(paths.distance) as level"),
    ("line_item_segments", "min(matches.rule_rank)", "max(matches.rule_rank)"),
    ("line_item_segments", "valid_to + 1 as valid_from", "valid_to + 2 as valid_from"),
    ("rule_matches", "met_conditions.n_met = rules.n_conditions", "met_conditions.n_met >= 1"),
    ("media_days", "readable_days.activity_date >= cuts.cut_day", "false"),
    ("rollup_findings", "where position > 1", "where position > 2"),
    ("hierarchy_findings", "is not null and parents.channel_id is null", "is not null"),
)


@pytest.mark.parametrize(("model", "says", "instead"), MUTATIONS)
def test_wrong_sql_is_noticed(chain: Chain, model: str, says: str, instead: str) -> None:
    node = chain.nodes[f"int_mixloop__{model}"]
    right = node["compiled_code"]
    check = check_broken_world if model.endswith("_findings") else check_world
    assert says in right
    node["compiled_code"] = right.replace(says, instead)
    try:
        with pytest.raises(AssertionError):
            for seed in range(10, 60):
                check(chain, seed)
    finally:
        node["compiled_code"] = right
