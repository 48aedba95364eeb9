-- Additive rows hold all the money that was spent in the model's geos in the period: what is
-- modelled, what is not, and what is unmapped.
with channel_performance as (
    select * from {{ ref('mixloop__channel_performance') }}
),

media_weekly as (
    select * from {{ ref('mixloop__media_weekly') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

periods as (
    select
        run_id,
        model_id,
        period_id,
        period_start,
        period_end,
        sum(spend) filter (where is_additive) as spend,
        count(*) filter (where spend is null) as n_null
    from channel_performance
    group by run_id, model_id, period_id, period_start, period_end
),

compared as (
    select
        periods.run_id,
        periods.period_id,
        periods.spend,
        periods.n_null,
        coalesce(cast(sum(media_weekly.spend) as double), 0) as raw_spend
    from periods
    left join model_geos
        on periods.model_id = model_geos.model_id
    left join media_weekly
        on
            model_geos.geo = media_weekly.geo
            and media_weekly.week between periods.period_start and periods.period_end
    group by periods.run_id, periods.period_id, periods.spend, periods.n_null
),

offenders as (
    select *
    from compared
    where
        n_null > 0
        or not coalesce(abs(spend - raw_spend) <= 1e-9 * (abs(raw_spend) + 1), false)
)

select * from offenders
