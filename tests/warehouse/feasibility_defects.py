"""Clean rows and seeded defects of the dbt tests of feasibility and pools."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

TREE = rows(
    "channel_id, hierarchy_id, parent_id, is_leaf",
    "'media', 'main', null, false",
    "'social', 'main', 'media', false",
    "'brand', 'main', 'social', true",
    "'perf', 'main', 'social', true",
    "'tv', 'main', 'media', true",
    "'unmapped', 'main', null, true",
    "'brand', 'team', 'tv', true",
)

FEASIBILITY_DEFECTS = {
    "assert_pools_hold_siblings": Case(
        tables={
            "int_mixloop__channel_tree": TREE,
            "int_mixloop__model_channels": rows(
                "model_id, channel_id, pool_id",
                "'m', 'brand', 'social'",
                "'m', 'perf', 'social'",
                "'m', 'tv', null",
            ),
        },
        defects={
            "one channel alone": (
                "update {int_mixloop__model_channels} set pool_id = null where channel_id = 'perf'"
            ),
            "a channel of another parent": (
                "update {int_mixloop__model_channels} set pool_id = 'social' "
                "where channel_id = 'tv'"
            ),
            "named by a channel in it": (
                "update {int_mixloop__model_channels} set pool_id = 'brand' "
                "where pool_id is not null"
            ),
            "a channel that is not in the tree": (
                "update {int_mixloop__model_channels} set channel_id = 'ghost' "
                "where channel_id = 'perf'"
            ),
            "two models share it": (
                "update {int_mixloop__model_channels} set model_id = 'n' where channel_id = 'perf'"
            ),
        },
    ),
    "assert_node_media_adds_up": Case(
        tables={
            "int_mixloop__channel_tree": TREE,
            "int_mixloop__model_node_media": rows(
                "model_id, geo, week, node_id, spend",
                *(
                    f"'m', 'a', date '2024-01-01', '{node}', {spend}"
                    for node, spend in (
                        ("media", 15.5),
                        ("social", 5.5),
                        ("brand", 5.0),
                        ("perf", 0.5),
                        ("tv", 10.0),
                        ("unmapped", 3.0),
                    )
                ),
            ),
        },
        defects={
            "a cent is lost": (
                "update {int_mixloop__model_node_media} set spend = spend - 0.01 "
                "where node_id = 'brand'"
            ),
            "a child is counted twice": (
                "update {int_mixloop__model_node_media} set spend = 20.5 where node_id = 'media'"
            ),
            "a parent has no row": (
                "delete from {int_mixloop__model_node_media} where node_id = 'social'"
            ),
            "children have no rows": (
                "delete from {int_mixloop__model_node_media} where node_id in ('brand', 'perf')"
            ),
            "a child in another week": (
                "update {int_mixloop__model_node_media} set week = date '2024-01-08' "
                "where node_id = 'tv'"
            ),
        },
    ),
}
