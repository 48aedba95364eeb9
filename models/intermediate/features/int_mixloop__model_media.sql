-- one row per model x geo x week x modelled channel, zero where nothing ran, from the first week
-- with media (or the first training week, if that is earlier) to the last training week
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

media as (
    select * from {{ ref('int_mixloop__model_channel_media') }}
    where spend > 0 or impressions > 0 or reach > 0
),

first_weeks as (
    select
        model_id,
        min(week) as first_week
    from media
    group by model_id
),

model_media as (
    select
        models.model_id,
        model_geos.geo,
        weeks.week,
        model_channels.channel_id,
        cast(coalesce(media.spend, 0) as double) as spend,
        coalesce(
            cast({{ mixloop.exposure_in('model_channels.media_unit', 'media') }} as double), 0
        ) as exposure,
        {{ mixloop.frequency_in('model_channels.media_unit', 'media') }} as frequency
    from models
    inner join first_weeks
        on models.model_id = first_weeks.model_id
    inner join model_geos
        on models.model_id = model_geos.model_id
    inner join model_channels
        on models.model_id = model_channels.model_id
    inner join weeks
        on
            models.last_training_week >= weeks.week
            and least(first_weeks.first_week, models.first_training_week) <= weeks.week
    left join media
        on
            models.model_id = media.model_id
            and model_geos.geo = media.geo
            and weeks.week = media.week
            and model_channels.channel_id = media.channel_id
)

select * from model_media
