-- one row per model x geo x week x leaf of a modelled channel with media up to the last training
-- week; exposure in the unit of the channel above it
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

model_leaves as (
    select * from {{ ref('int_mixloop__model_leaves') }}
),

media as (
    select * from {{ ref('int_mixloop__media_weekly') }}
    where spend > 0 or impressions > 0 or reach > 0
),

leaf_media as (
    select
        models.model_id,
        media.geo,
        media.week,
        model_leaves.channel_id,
        model_leaves.leaf_id,
        cast(media.spend as double) as spend,
        cast({{ mixloop.exposure_in('model_leaves.media_unit', 'media') }} as double) as exposure,
        {{ mixloop.frequency_in('model_leaves.media_unit', 'media') }} as frequency
    from models
    inner join model_geos
        on models.model_id = model_geos.model_id
    inner join model_leaves
        on models.model_id = model_leaves.model_id
    inner join media
        on
            model_geos.geo = media.geo
            and model_leaves.leaf_id = media.channel_id
            and models.last_training_week >= media.week
),

model_leaf_media as (
    select * from leaf_media
    where spend != 0 or exposure != 0
)

select * from model_leaf_media
