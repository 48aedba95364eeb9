-- one row per model x as_of_week x geo x node at or below a modelled channel x leaf below the node:
-- how exposure of the node falls on its leaves, as it did in the 13 weeks up to as_of_week in the
-- geo, in all geos where it had none there, else evenly
with origins as (
    select * from {{ ref('int_mixloop__plan_origins') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

model_leaves as (
    select * from {{ ref('int_mixloop__model_leaves') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

leaf_media as (
    select * from {{ ref('int_mixloop__model_leaf_media') }}
),

as_of_weeks as (
    select
        model_id,
        as_of_week
    from origins
    group by model_id, as_of_week
),

nodes as (
    select
        model_leaves.model_id,
        model_leaves.channel_id,
        at_or_below.descendant_id as node_id,
        model_leaves.leaf_id
    from model_leaves
    inner join closure as at_or_below
        on model_leaves.channel_id = at_or_below.ancestor_id
    inner join closure as above_leaf
        on
            at_or_below.descendant_id = above_leaf.ancestor_id
            and model_leaves.leaf_id = above_leaf.descendant_id
),

recent as (
    select
        as_of_weeks.model_id,
        as_of_weeks.as_of_week,
        leaf_media.geo,
        leaf_media.leaf_id,
        sum(leaf_media.exposure order by leaf_media.week) as exposure
    from as_of_weeks
    inner join leaf_media
        on
            as_of_weeks.model_id = leaf_media.model_id
            and as_of_weeks.as_of_week >= leaf_media.week
            and as_of_weeks.as_of_week - 91 < leaf_media.week
    group by as_of_weeks.model_id, as_of_weeks.as_of_week, leaf_media.geo, leaf_media.leaf_id
),

everywhere as (
    select
        model_id,
        as_of_week,
        leaf_id,
        sum(exposure order by geo) as exposure
    from recent
    group by model_id, as_of_week, leaf_id
),

exposures as (
    select
        nodes.model_id,
        as_of_weeks.as_of_week,
        model_geos.geo,
        nodes.channel_id,
        nodes.node_id,
        nodes.leaf_id,
        coalesce(recent.exposure, 0) as in_geo,
        coalesce(everywhere.exposure, 0) as in_all_geos
    from nodes
    inner join as_of_weeks
        on nodes.model_id = as_of_weeks.model_id
    inner join model_geos
        on nodes.model_id = model_geos.model_id
    left join recent
        on
            nodes.model_id = recent.model_id
            and as_of_weeks.as_of_week = recent.as_of_week
            and model_geos.geo = recent.geo
            and nodes.leaf_id = recent.leaf_id
    left join everywhere
        on
            nodes.model_id = everywhere.model_id
            and as_of_weeks.as_of_week = everywhere.as_of_week
            and nodes.leaf_id = everywhere.leaf_id
),

leaf_shares as (
    select
        model_id,
        as_of_week,
        geo,
        channel_id,
        node_id,
        leaf_id,
        case
            when sum(in_geo) over node > 0 then in_geo / sum(in_geo) over node
            when sum(in_all_geos) over node > 0 then in_all_geos / sum(in_all_geos) over node
            else 1.0 / count(*) over node
        end as share
    from exposures
    window
        node as (
            partition by model_id, as_of_week, geo, node_id
            order by leaf_id
            rows between unbounded preceding and unbounded following
        )
)

select * from leaf_shares
