-- one row per model x geo x training week x node of the main tree with media: every node's own
-- media and that of all nodes below it
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

media as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

rolled_up as (
    select
        models.model_id,
        media.geo,
        media.week,
        closure.ancestor_id as node_id,
        media.week >= models.first_training_week as is_training_week,
        sum(media.spend) as spend,
        coalesce(sum(media.impressions), 0) as impressions,
        coalesce(sum(media.reach), 0) as reach
    from media
    inner join closure
        on media.channel_id = closure.descendant_id
    inner join model_geos
        on media.geo = model_geos.geo
    inner join models
        on model_geos.model_id = models.model_id
    where media.week <= models.last_training_week
    group by all
),

-- what a modelled channel is to be modelled on holds for the nodes below it, too
wishes as (
    select
        unit_wishes.model_id,
        closure.descendant_id as node_id,
        min(unit_wishes.media_unit) as media_unit
    from {{ ref('int_mixloop__unit_wishes') }} as unit_wishes
    inner join {{ ref('int_mixloop__channel_tree') }} as tree
        on
            unit_wishes.channel_id = tree.channel_id
            and tree.hierarchy_id = 'main'
            and tree.is_modelled
    inner join closure
        on unit_wishes.channel_id = closure.ancestor_id
    group by unit_wishes.model_id, closure.descendant_id
),

-- as in int_mixloop__model_channels: media before the training weeks counts too
totals as (
    select
        model_id,
        node_id,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(reach) as reach
    from rolled_up
    group by model_id, node_id
),

units as (
    select
        totals.model_id,
        totals.node_id,
        {{ mixloop.media_unit(
            'wishes.media_unit', 'totals.spend', 'totals.impressions', 'totals.reach'
        ) }} as media_unit
    from totals
    left join wishes
        on
            totals.model_id = wishes.model_id
            and totals.node_id = wishes.node_id
),

node_media as (
    select
        rolled_up.model_id,
        rolled_up.geo,
        rolled_up.week,
        rolled_up.node_id,
        units.media_unit,
        cast(rolled_up.spend as double) as spend,
        cast({{ mixloop.exposure_in('units.media_unit', 'rolled_up') }} as double) as exposure
    from rolled_up
    inner join units
        on
            rolled_up.model_id = units.model_id
            and rolled_up.node_id = units.node_id
    where rolled_up.is_training_week
)

select * from node_media
