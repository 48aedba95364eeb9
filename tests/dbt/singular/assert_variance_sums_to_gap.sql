-- The causes of a variance add up to its total, and the total is the outcome minus the published
-- mean forecast, for every run, plan, geo and week.
with variance as (
    select * from {{ ref('mixloop__forecast_variance') }}
),

published as (
    select * from {{ ref('int_mixloop__published_forecasts') }}
    where component_id = 'kpi'
),

model_outcomes as (
    select * from {{ ref('int_mixloop__model_outcomes') }}
),

observed as (
    select
        model_id,
        geo,
        week,
        outcome
    from model_outcomes
    union all
    select
        model_id,
        'all' as geo,
        week,
        case when count(outcome) = count(*) then sum(outcome) end as outcome
    from model_outcomes
    group by model_id, week
),

totals as (
    select
        run_id,
        model_id,
        plan_id,
        geo,
        week,
        count(*) filter (where driver_id = 'total') as n_total,
        max(variance_mean) filter (where driver_id = 'total') as total,
        sum(variance_mean) filter (where is_additive) as parts,
        count(*) filter (where not coalesce(isfinite(variance_mean), false)) as n_bad
    from variance
    group by run_id, model_id, plan_id, geo, week
),

compared as (
    select
        totals.*,
        observed.outcome,
        published.forecast_mean
    from totals
    left join observed
        on
            totals.model_id = observed.model_id
            and totals.geo = observed.geo
            and totals.week = observed.week
    left join published
        on
            totals.run_id = published.run_id
            and totals.plan_id = published.plan_id
            and totals.geo = published.geo
            and totals.week = published.week
),

offenders as (
    select *
    from compared
    where
        n_total != 1
        or n_bad > 0
        or not coalesce(abs(parts - total) <= 1e-9 * (abs(outcome) + abs(forecast_mean)), false)
        or not coalesce(
            abs(total - (outcome - forecast_mean)) <= 1e-9 * (abs(outcome) + abs(forecast_mean)),
            false
        )
)

select * from offenders
