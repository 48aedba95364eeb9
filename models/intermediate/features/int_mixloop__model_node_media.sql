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
        coalesce(sum(media.impressions), 0) as impressions
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

-- as in int_mixloop__model_channels: media before the training weeks counts too
units as (
    select
        model_id,
        node_id,
        case when sum(spend) > 0 then 'spend' else 'impressions' end as media_unit
    from rolled_up
    group by model_id, node_id
),

node_media as (
    select
        rolled_up.model_id,
        rolled_up.geo,
        rolled_up.week,
        rolled_up.node_id,
        units.media_unit,
        cast(rolled_up.spend as double) as spend,
        cast(
            case units.media_unit
                when 'spend' then rolled_up.spend
                else rolled_up.impressions
            end as double
        ) as exposure
    from rolled_up
    inner join units
        on
            rolled_up.model_id = units.model_id
            and rolled_up.node_id = units.node_id
    where rolled_up.is_training_week
)

select * from node_media
