-- one row per model x as_of_week x modelled channel x geo: how a plan for the whole country falls
-- on the model's geos: as the channel's spend did in the 52 weeks up to as_of_week, else evenly
with origins as (
    select * from {{ ref('int_mixloop__plan_origins') }}
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

media as (
    select * from {{ ref('int_mixloop__model_channel_media') }}
),

as_of_weeks as (
    select
        model_id,
        as_of_week
    from origins
    group by model_id, as_of_week
),

geo_spend as (
    select
        as_of_weeks.model_id,
        as_of_weeks.as_of_week,
        model_channels.channel_id,
        model_geos.geo,
        coalesce(sum(media.spend), 0) as spend
    from as_of_weeks
    inner join model_channels
        on as_of_weeks.model_id = model_channels.model_id
    inner join model_geos
        on as_of_weeks.model_id = model_geos.model_id
    left join media
        on
            as_of_weeks.model_id = media.model_id
            and model_channels.channel_id = media.channel_id
            and model_geos.geo = media.geo
            and as_of_weeks.as_of_week - 364 < media.week
            and as_of_weeks.as_of_week >= media.week
    group by
        as_of_weeks.model_id, as_of_weeks.as_of_week, model_channels.channel_id, model_geos.geo
),

plan_geo_shares as (
    select
        model_id,
        as_of_week,
        channel_id,
        geo,
        case
            when sum(spend) over channel > 0
                then cast(spend as double) / cast(sum(spend) over channel as double)
            else 1.0 / count(*) over channel
        end as share
    from geo_spend
    window channel as (partition by model_id, as_of_week, channel_id)
)

select * from plan_geo_shares
