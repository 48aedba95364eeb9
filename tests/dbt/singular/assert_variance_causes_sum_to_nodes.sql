-- The causes of every node add up to its total, and its total leads from what was forecast of it to
-- its effect at what came.
with nodes as (
    select
        run_id,
        plan_id,
        geo,
        week,
        driver_id,
        count(*) filter (where cause = 'total') as n_totals,
        max(variance_mean) filter (where cause = 'total') as total,
        sum(variance_mean) filter (where cause != 'total') as causes,
        sum(abs(variance_mean)) as size,
        max(forecast_mean) filter (where cause = 'total') as forecast_mean,
        max(actual_mean) filter (where cause = 'total') as actual_mean,
        count(*) filter (where not coalesce(isfinite(variance_mean), false)) as n_bad
    from {{ ref('mixloop__forecast_variance') }}
    where driver_type = 'channel'
    group by run_id, plan_id, geo, week, driver_id
),

offenders as (
    select *
    from nodes
    where
        n_totals != 1
        or n_bad > 0
        or not coalesce(abs(total - causes) <= 1e-9 * (1 + size), false)
        or not coalesce(
            abs(actual_mean - forecast_mean - total)
            <= 1e-9 * (1 + size + abs(actual_mean) + abs(forecast_mean)),
            false
        )
)

select * from offenders
