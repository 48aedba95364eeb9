"""Clean rows and seeded defects of the dbt tests of nodes below and beside modelled channels.

One world: tv and social are modelled, meta and tiktok are leaves of social. The hierarchy `team`
has x (tv and meta) and y (tiktok) below `team:all`.
"""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

LINKS = rows(
    "hierarchy_id, component_id, parent_id",
    "'main', 'tv', 'media'",
    "'main', 'social', 'media'",
    "'main', 'meta', 'social'",
    "'main', 'tiktok', 'social'",
    "'team', 'team:x', 'team:all'",
    "'team', 'team:y', 'team:all'",
    "'team', 'tv', 'team:x'",
    "'team', 'meta', 'team:x'",
    "'team', 'tiktok', 'team:y'",
)
CHANNELS = rows("model_id, channel_id", "'m', 'tv'", "'m', 'social'")
# what every node has: hierarchy, whether it is additive, value
VALUES = {
    "media": ("main", False, 9.0),
    "tv": ("main", True, 4.0),
    "social": ("main", True, 5.0),
    "meta": ("main", False, 2.0),
    "tiktok": ("main", False, 3.0),
    "team:all": ("team", False, 9.0),
    "team:x": ("team", False, 6.0),
    "team:y": ("team", False, 3.0),
}


def node_rows(before: str, *, last: str = "{value}", only: str = "", k: float = 1.0) -> list[str]:
    """Return literal rows of the nodes: fixed columns, hierarchy, is_additive, value."""
    return [
        f"{before.format(node=node)}, '{hierarchy}', {is_additive}, "
        + last.format(value=value * k, minus=-value * k)
        for node, (hierarchy, is_additive, value) in VALUES.items()
        if not only or hierarchy == only
    ]


WEEKLY = [
    row
    for geo, k in (("a", 1.0), ("all", 3.0))
    for row in node_rows(f"'r', '{geo}', date '2024-01-01', '{{node}}', 'channel'", k=k)
]
CONTRIBUTIONS = rows(
    "run_id, geo, week, component_id, component_type, hierarchy_id, is_additive, contribution_mean",
    *WEEKLY,
    "'r', 'all', date '2024-01-01', 'level', 'level', null, true, 50.0",
)
FORECASTS = rows(
    "run_id, plan_id, geo, week, component_id, component_type, hierarchy_id, is_additive, "
    "forecast_mean, planned_spend",
    *node_rows("'r', 'p', 'a', date '2024-02-05', '{node}', 'channel'", last="{value}, {value}"),
    "'r', 'p', 'a', date '2024-02-05', 'level', 'level', null, true, 50.0, null",
)
PERFORMANCE = rows(
    "run_id, period_id, channel_id, is_estimated, hierarchy_id, is_additive, effect_mean, spend",
    *node_rows("'r', 'training', '{node}', true", last="{value}, {value}"),
    "'r', 'training', 'unmapped', false, 'main', true, null, 7.0",
)
VARIANCE = rows(
    "run_id, model_id, plan_id, geo, week, driver_id, driver_type, cause, hierarchy_id, "
    "is_additive, variance_mean",
    *node_rows(
        "'r', 'm', 'p', 'a', date '2024-02-05', '{node}', 'channel', 'total'", last="{minus}"
    ),
    # published without the split of social: no rows below it, none of the hierarchy `team`
    *(
        row
        for row in node_rows(
            "'old', 'm', 'p', 'a', date '2024-01-01', '{node}', 'channel', 'total'", only="main"
        )
        if "'meta'" not in row and "'tiktok'" not in row
    ),
    # of a channel that is no longer modelled
    "'gone', 'm', 'p', 'a', date '2024-01-01', 'media', 'channel', 'total', 'main', false, 1.0",
    "'gone', 'm', 'p', 'a', date '2024-01-01', 'meta', 'channel', 'total', 'main', true, 2.0",
    "'r', 'm', 'p', 'a', date '2024-02-05', 'total', 'total', 'total', null, false, 1.0",
)

MODEL_LEAVES = rows(
    "model_id, channel_id, leaf_id",
    "'m', 'tv', 'tv'",
    "'m', 'social', 'meta'",
    "'m', 'social', 'tiktok'",
)
TREE = rows(
    "node_id, component_id",
    "'media', 'media'",
    "'tv', 'tv'",
    "'social', 'social'",
    "'meta', 'meta'",
    "'tiktok', 'tiktok'",
    "'team:x', 'team:x'",
    "'team:tv', 'tv'",
)
ROLLUP_LEAVES = rows(
    "node_id, leaf_id",
    "'media', 'tv'",
    "'media', 'meta'",
    "'media', 'tiktok'",
    "'media', 'blog'",
    "'tv', 'tv'",
    "'social', 'meta'",
    "'social', 'tiktok'",
    "'meta', 'meta'",
    "'tiktok', 'tiktok'",
    "'team:x', 'tv'",
    "'team:x', 'meta'",
    "'team:tv', 'tv'",
)
NODES = rows(
    "model_id, node_id, channel_id, leaf_id",
    "'m', 'media', 'tv', cast(null as varchar)",
    "'m', 'media', 'social', null",
    "'m', 'tv', 'tv', null",
    "'m', 'social', 'social', null",
    "'m', 'meta', 'social', 'meta'",
    "'m', 'tiktok', 'social', 'tiktok'",
    "'m', 'team:x', 'tv', null",
    "'m', 'team:x', 'social', 'meta'",
)
LEAF_MEDIA = rows(
    "model_id, geo, week, channel_id, leaf_id, spend, exposure",
    "'m', 'a', date '2024-01-01', 'social', 'meta', 2.0, 2.0",
    "'m', 'a', date '2024-01-01', 'social', 'tiktok', 3.0, 3.0",
)
MODEL_MEDIA = rows(
    "model_id, geo, week, channel_id, spend, exposure",
    "'m', 'a', date '2024-01-01', 'social', 5.0, 5.0",
    "'m', 'a', date '2024-01-08', 'social', 0.0, 0.0",
)
LEAF_PLANS = rows(
    "model_id, plan_id, as_of_week, geo, week, channel_id, leaf_id, planned_spend, planned_value",
    "'m', 'p', date '2024-01-01', 'a', date '2024-01-08', 'social', 'meta', 2.0, 20.0",
    "'m', 'p', date '2024-01-01', 'a', date '2024-01-08', 'social', 'tiktok', 3.0, 30.0",
)
PLANS = rows(
    "model_id, plan_id, as_of_week, geo, week, item_type, item_id, planned_spend, planned_value",
    "'m', 'p', date '2024-01-01', 'a', date '2024-01-08', 'channel', 'social', 5.0, 50.0",
    "'m', 'p', date '2024-01-01', 'a', date '2024-01-08', 'context', 'context:x', null, 1.0",
)


def sum_defects(mart: str, key: str, value: str) -> dict[str, str]:
    """Return what may go wrong with the sums of nodes in any table."""
    return {
        "a child is too large": f"update {{{mart}}} set {value} = {value} * 1.001 "
        f"where {key} = 'meta'",
        "a parent of another hierarchy is too large": f"update {{{mart}}} "
        f"set {value} = {value} * 1.001 where {key} = 'team:all'",
        "a child is null": f"update {{{mart}}} set {value} = null where {key} = 'tiktok'",
        "a value is not a number": f"update {{{mart}}} set {value} = 'nan' where {key} = 'meta'",
        "one child is missing": f"delete from {{{mart}}} where {key} = 'meta'",
        "all children are missing": f"delete from {{{mart}}} where {key} in ('team:x', 'team:y')",
        "the parent is missing": f"delete from {{{mart}}} where {key} = 'team:x'",
        "a node is in two places": "insert into {int_mixloop__component_links} "
        "values ('team', 'meta', 'team:y')",
    }


ALLOCATION_DEFECTS = {
    "assert_contribution_children_sum_to_parents": Case(
        tables={
            "mixloop__contributions": CONTRIBUTIONS,
            "int_mixloop__component_links": LINKS,
        },
        defects=sum_defects("mixloop__contributions", "component_id", "contribution_mean")
        | {
            "one geo of many is wrong": "update {mixloop__contributions} "
            "set contribution_mean = 2.01 where component_id = 'meta' and geo = 'a'",
            "a channel's children are not published": "delete from {mixloop__contributions} "
            "where component_id in ('meta', 'tiktok')",
        },
    ),
    "assert_forecast_children_sum_to_parents": Case(
        tables={"int_mixloop__forecasts": FORECASTS, "int_mixloop__component_links": LINKS},
        defects=sum_defects("int_mixloop__forecasts", "component_id", "forecast_mean")
        | {
            "a cent of the plan is lost": "update {int_mixloop__forecasts} "
            "set planned_spend = planned_spend - 0.01 where component_id = 'tiktok'",
            "a plan is null": "update {int_mixloop__forecasts} set planned_spend = null "
            "where component_id = 'team:all'",
        },
    ),
    "assert_performance_children_sum_to_parents": Case(
        tables={
            "mixloop__channel_performance": PERFORMANCE,
            "int_mixloop__component_links": LINKS,
        },
        defects=sum_defects("mixloop__channel_performance", "channel_id", "effect_mean")
        | {
            "a cent is lost": "update {mixloop__channel_performance} set spend = spend - 0.01 "
            "where channel_id = 'tiktok'",
            "spend is null": "update {mixloop__channel_performance} set spend = null "
            "where channel_id = 'media'",
        },
    ),
    "assert_variance_children_sum_to_parents": Case(
        tables={
            "mixloop__forecast_variance": VARIANCE,
            "int_mixloop__component_links": LINKS,
            "int_mixloop__model_channels": CHANNELS,
        },
        defects=sum_defects("mixloop__forecast_variance", "driver_id", "variance_mean")
        | {
            "a hierarchy is shown by halves": "insert into {mixloop__forecast_variance} values "
            "('old', 'm', 'p', 'a', date '2024-01-01', 'team:x', 'channel', 'total', "
            "'team', false, 1.0)",
            "a subtotal has lost its channels": "delete from {mixloop__forecast_variance} "
            "where run_id = 'old' and is_additive",
        },
    ),
    "assert_leaf_media_sums_to_model_media": Case(
        tables={
            "int_mixloop__model_leaf_media": LEAF_MEDIA,
            "int_mixloop__model_media": MODEL_MEDIA,
        },
        defects={
            "a leaf is missing": "delete from {int_mixloop__model_leaf_media} "
            "where leaf_id = 'meta'",
            "exposure is in another unit": "update {int_mixloop__model_leaf_media} "
            "set exposure = exposure * 100 where leaf_id = 'meta'",
            "spend is null": "update {int_mixloop__model_leaf_media} set spend = null",
            "a leaf is in another week": "update {int_mixloop__model_leaf_media} "
            "set week = date '2024-01-08' where leaf_id = 'meta'",
            "a leaf has media outside the model's weeks": "insert into "
            "{int_mixloop__model_leaf_media} "
            "values ('m', 'a', date '2023-01-02', 'social', 'meta', 1.0, 1.0)",
        },
    ),
    "assert_leaf_plans_sum_to_plans": Case(
        tables={"int_mixloop__model_leaf_plans": LEAF_PLANS, "int_mixloop__model_plans": PLANS},
        defects={
            "a leaf is missing": "delete from {int_mixloop__model_leaf_plans} "
            "where leaf_id = 'meta'",
            "no leaf at all": "delete from {int_mixloop__model_leaf_plans}",
            "money is lost": "update {int_mixloop__model_leaf_plans} set planned_spend = 2.9 "
            "where leaf_id = 'tiktok'",
            "exposure is lost": "update {int_mixloop__model_leaf_plans} set planned_value = 29 "
            "where leaf_id = 'tiktok'",
            "a leaf is below zero": "update {int_mixloop__model_leaf_plans} "
            "set planned_value = case leaf_id when 'meta' then 60 else -10 end",
            "a value is null": "update {int_mixloop__model_leaf_plans} set planned_value = null",
            "a plan that nobody made": "delete from {int_mixloop__model_plans} "
            "where item_type = 'channel'",
        },
    ),
    "assert_model_nodes_hold_their_leaves": Case(
        tables={
            "int_mixloop__model_nodes": NODES,
            "int_mixloop__model_leaves": MODEL_LEAVES,
            "int_mixloop__channel_tree": TREE,
            "int_mixloop__rollup_leaves": ROLLUP_LEAVES,
        },
        defects={
            "a node is missing": "delete from {int_mixloop__model_nodes} where node_id = 'meta'",
            "a leaf is held twice": "insert into {int_mixloop__model_nodes} "
            "values ('m', 'media', 'social', 'meta')",
            "a channel is held whole where a leaf is meant": "update {int_mixloop__model_nodes} "
            "set leaf_id = null where node_id = 'team:x'",
            "a leaf of another channel": "update {int_mixloop__model_nodes} "
            "set leaf_id = 'meta' where node_id = 'tv'",
            "a node that adds up nothing": "insert into {int_mixloop__model_nodes} "
            "values ('m', 'other', 'social', 'meta')",
        },
    ),
}
