-- one row per model x week x modelled channel, geos together, every week up to the last known one
with media as (
    select * from {{ ref('int_mixloop__model_media') }}
),

channel_media as (
    select
        model_id,
        week,
        channel_id,
        sum(impressions) as impressions
    from {{ ref('int_mixloop__model_channel_media') }}
    group by model_id, week, channel_id
),

totals as (
    select
        model_id,
        week,
        channel_id,
        sum(spend order by geo) as spend,
        sum(exposure order by geo) as exposure
    from media
    group by model_id, week, channel_id
),

final as (
    select
        totals.model_id,
        totals.week,
        totals.channel_id,
        totals.spend,
        totals.exposure,
        cast(coalesce(channel_media.impressions, 0) as double) as impressions
    from totals
    left join channel_media
        on
            totals.model_id = channel_media.model_id
            and totals.week = channel_media.week
            and totals.channel_id = channel_media.channel_id
)

select * from final
