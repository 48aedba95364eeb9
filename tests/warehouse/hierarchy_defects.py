"""Seeded defects of the tests about hierarchies: two trees over the same three leaves."""

from tests.warehouse.defects import Case, rows

CHANNELS = rows(
    "node_id, hierarchy_id, channel_id, parent_node_id, is_leaf",
    "'all', 'main', 'all', null, false",
    "'tv', 'main', 'tv', 'all', true",
    "'web', 'main', 'web', 'all', true",
    "'unmapped', 'main', 'unmapped', null, true",
    "'team:brand', 'team', 'brand', null, false",
    "'team:tv', 'team', 'tv', 'team:brand', true",
    "'team:unassigned', 'team', 'unassigned', null, true",
    "'team:unmapped', 'team', 'unmapped', null, true",
)
ROLLUP = rows(
    "node_id, leaf_id",
    "'all', 'tv'",
    "'all', 'web'",
    "'tv', 'tv'",
    "'web', 'web'",
    "'unmapped', 'unmapped'",
    "'team:brand', 'tv'",
    "'team:tv', 'tv'",
    "'team:unassigned', 'web'",
    "'team:unmapped', 'unmapped'",
)
TABLES = {"mixloop__channels": CHANNELS, "mixloop__rollup": ROLLUP}

HIERARCHY_DEFECTS: dict[str, Case] = {
    "assert_hierarchies_hold_every_leaf_once": Case(
        tables=TABLES,
        defects={
            "a leaf is dropped": "delete from {mixloop__rollup} where node_id = 'team:unassigned'",
            "unmapped is dropped": "delete from {mixloop__rollup} where node_id = 'team:unmapped'",
            "a leaf is held twice": "insert into {mixloop__rollup} select 'team:unassigned', 'tv'",
            "a leaf that is none": "insert into {mixloop__rollup} select 'team:brand', 'all'",
            "a root is gone": "update {mixloop__channels} set parent_node_id = 'team:brand' "
            "where node_id = 'team:unassigned'",
            "a leaf is nowhere": "insert into {mixloop__channels} "
            "select 'radio', 'main', 'radio', 'all', true",
        },
    ),
    "assert_nodes_hold_their_childrens_leaves": Case(
        tables=TABLES,
        defects={
            "a parent misses a leaf": "delete from {mixloop__rollup} "
            "where node_id = 'all' and leaf_id = 'web'",
            "a parent has a leaf of its own": "insert into {mixloop__rollup} "
            "select 'team:brand', 'web'",
            "two children hold a leaf": "insert into {mixloop__rollup} select 'web', 'tv'",
            "a child is gone": "delete from {mixloop__channels} where node_id = 'team:tv'",
        },
    ),
}
