-- one row per model x as_of_week x plan x geo x week x leaf that the client's plan names, itself or
-- with a node above it: planned spend as the plan splits it
with plan_nodes as (
    select * from {{ ref('int_mixloop__client_plan_nodes') }}
),

geo_shares as (
    select * from {{ ref('int_mixloop__plan_geo_shares') }}
),

leaf_shares as (
    select * from {{ ref('int_mixloop__leaf_shares') }}
),

by_geo as (
    select
        model_id,
        as_of_week,
        plan_id,
        geo,
        week,
        channel_id,
        node_id,
        cast(planned_spend as double) as planned_spend
    from plan_nodes
    where is_model_geo
    union all
    select
        plan_nodes.model_id,
        plan_nodes.as_of_week,
        plan_nodes.plan_id,
        geo_shares.geo,
        plan_nodes.week,
        plan_nodes.channel_id,
        plan_nodes.node_id,
        cast(plan_nodes.planned_spend as double) * geo_shares.share as planned_spend
    from plan_nodes
    inner join geo_shares
        on
            plan_nodes.model_id = geo_shares.model_id
            and plan_nodes.as_of_week = geo_shares.as_of_week
            and plan_nodes.channel_id = geo_shares.channel_id
    where not plan_nodes.is_model_geo
),

split as (
    select
        by_geo.model_id,
        by_geo.as_of_week,
        by_geo.plan_id,
        by_geo.geo,
        by_geo.week,
        by_geo.channel_id,
        leaf_shares.leaf_id,
        by_geo.planned_spend * leaf_shares.share as planned_spend
    from by_geo
    inner join leaf_shares
        on
            by_geo.model_id = leaf_shares.model_id
            and by_geo.as_of_week = leaf_shares.as_of_week
            and by_geo.geo = leaf_shares.geo
            and by_geo.node_id = leaf_shares.node_id
),

client_plan_leaves as (
    select
        model_id,
        as_of_week,
        plan_id,
        geo,
        week,
        channel_id,
        leaf_id,
        sum(planned_spend order by planned_spend) as planned_spend
    from split
    group by model_id, as_of_week, plan_id, geo, week, channel_id, leaf_id
)

select * from client_plan_leaves
