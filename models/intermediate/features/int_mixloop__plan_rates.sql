-- one row per model x as_of_week x geo x channel whose exposure is not money: what a unit of
-- exposure cost, and how often a person was reached, in the 13 weeks up to as_of_week in the geo,
-- in all geos where there was none, else in all weeks up to as_of_week. Null where nothing ran
with as_of_weeks as (
    select
        model_id,
        as_of_week
    from {{ ref('int_mixloop__plan_origins') }}
    group by model_id, as_of_week
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
    where media_unit != 'spend'
),

media as (
    select
        *,
        coalesce(exposure * frequency, 0) as contacts
    from {{ ref('int_mixloop__model_media') }}
),

by_geo as (
    select
        as_of_weeks.model_id,
        as_of_weeks.as_of_week,
        media.geo,
        media.channel_id,
        media.week > as_of_weeks.as_of_week - 91 as is_recent,
        sum(media.spend order by media.week) as spend,
        sum(media.exposure order by media.week) as exposure,
        sum(media.contacts order by media.week) as contacts
    from as_of_weeks
    inner join media
        on
            as_of_weeks.model_id = media.model_id
            and as_of_weeks.as_of_week >= media.week
    inner join model_channels
        on
            media.model_id = model_channels.model_id
            and media.channel_id = model_channels.channel_id
    group by all
),

-- the narrowest of these that is known counts
candidates as (
    select
        model_id,
        as_of_week,
        geo,
        channel_id,
        1 as precedence,
        spend,
        exposure,
        contacts
    from by_geo
    where is_recent
    union all
    select
        model_id,
        as_of_week,
        geo,
        channel_id,
        2 as precedence,
        sum(spend) filter (where is_recent) over everywhere as spend,
        sum(exposure) filter (where is_recent) over everywhere as exposure,
        sum(contacts) filter (where is_recent) over everywhere as contacts
    from by_geo
    window
        everywhere as (
            partition by model_id, as_of_week, channel_id
            order by geo, is_recent
            rows between unbounded preceding and unbounded following
        )
    union all
    select
        model_id,
        as_of_week,
        geo,
        channel_id,
        3 as precedence,
        sum(spend) over all_weeks as spend,
        sum(exposure) over all_weeks as exposure,
        sum(contacts) over all_weeks as contacts
    from by_geo
    window
        all_weeks as (
            partition by model_id, as_of_week, channel_id
            order by geo, is_recent
            rows between unbounded preceding and unbounded following
        )
),

plan_rates as (
    select
        model_id,
        as_of_week,
        geo,
        channel_id,
        min_by(spend / exposure, precedence) filter (where spend > 0 and exposure > 0) as price,
        min_by(contacts / exposure, precedence) filter (where contacts > 0) as frequency
    from candidates
    group by model_id, as_of_week, geo, channel_id
)

select * from plan_rates
