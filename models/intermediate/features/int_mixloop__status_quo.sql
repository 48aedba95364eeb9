-- one row per model x as_of_week x geo x week x channel: media as it would go on without a plan:
-- last year's same week, or the mean of the last 13 weeks for a channel younger than that
with origins as (
    select * from {{ ref('int_mixloop__plan_origins') }}
),

media as (
    select * from {{ ref('int_mixloop__model_media') }}
),

channel_starts as (
    select
        model_id,
        channel_id,
        min(week) filter (where exposure > 0) as first_active_week
    from media
    group by model_id, channel_id
),

as_of_weeks as (
    select
        model_id,
        as_of_week
    from origins
    group by model_id, as_of_week
),

recent as (
    select
        as_of_weeks.model_id,
        as_of_weeks.as_of_week,
        media.geo,
        media.channel_id,
        sum(media.spend order by media.week) / count(*) as spend,
        sum(media.exposure order by media.week) / count(*) as exposure,
        sum(media.exposure * media.frequency order by media.week)
        / nullif(sum(media.exposure order by media.week) filter (where media.frequency > 0), 0)
            as frequency
    from as_of_weeks
    inner join media
        on
            as_of_weeks.model_id = media.model_id
            and as_of_weeks.as_of_week >= media.week
            and as_of_weeks.as_of_week - 91 < media.week
    group by as_of_weeks.model_id, as_of_weeks.as_of_week, media.geo, media.channel_id
),

status_quo as (
    select
        origins.model_id,
        origins.as_of_week,
        recent.geo,
        origins.week,
        recent.channel_id,
        case
            when channel_starts.first_active_week <= origins.last_year_week
                then coalesce(last_year.spend, recent.spend)
            else recent.spend
        end as spend,
        case
            when channel_starts.first_active_week <= origins.last_year_week
                then coalesce(last_year.exposure, recent.exposure)
            else recent.exposure
        end as exposure,
        case
            when channel_starts.first_active_week <= origins.last_year_week
                then coalesce(last_year.frequency, recent.frequency)
            else recent.frequency
        end as frequency
    from origins
    inner join recent
        on
            origins.model_id = recent.model_id
            and origins.as_of_week = recent.as_of_week
    inner join channel_starts
        on
            recent.model_id = channel_starts.model_id
            and recent.channel_id = channel_starts.channel_id
    left join media as last_year
        on
            recent.model_id = last_year.model_id
            and recent.geo = last_year.geo
            and recent.channel_id = last_year.channel_id
            and origins.last_year_week = last_year.week
)

select * from status_quo
