-- one row per model x geo x week x modelled channel with media up to the last training week.
-- Leaves are rolled up to the modelled node at or above them.
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main' and is_modelled
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
        tree.channel_id,
        media.week >= models.first_training_week as is_training_week,
        sum(media.spend) as spend,
        sum(media.impressions) as impressions,
        sum(media.reach) as reach,
        sum(media.contacts) as contacts
    from media
    inner join closure
        on media.channel_id = closure.descendant_id
    inner join tree
        on closure.ancestor_id = tree.channel_id
    inner join model_geos
        on media.geo = model_geos.geo
    inner join models
        on model_geos.model_id = models.model_id
    where media.week <= models.last_training_week
    group by all
)

select * from rolled_up
