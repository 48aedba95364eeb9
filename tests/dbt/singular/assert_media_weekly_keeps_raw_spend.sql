-- Week by week and geo by geo, spend, impressions and clicks are those of the raw rows.
with raw_media as (
    select
        {{ mixloop.week_start('activity_date') }} as week,
        geo,
        coalesce(sum(spend), 0) as spend,
        coalesce(sum(impressions), 0) as impressions,
        coalesce(sum(clicks), 0) as clicks
    from {{ ref('stg_mixloop__media') }}
    group by all
),

media_weekly as (
    select
        week,
        geo,
        sum(spend) as spend,
        sum(impressions) as impressions,
        sum(clicks) as clicks
    from {{ ref('int_mixloop__media_weekly') }}
    group by week, geo
),

offenders as (
    select
        coalesce(raw_media.week, media_weekly.week) as week,
        coalesce(raw_media.geo, media_weekly.geo) as geo,
        raw_media.spend as raw_spend,
        media_weekly.spend
    from raw_media
    full outer join media_weekly
        on
            raw_media.week = media_weekly.week
            and raw_media.geo = media_weekly.geo
    where
        raw_media.spend is distinct from media_weekly.spend
        or raw_media.impressions is distinct from media_weekly.impressions
        or raw_media.clicks is distinct from media_weekly.clicks
)

select * from offenders
