-- one row per run x week: what the KPI did beyond the run's forecast at the media and context that
-- came. It is the same for every plan of the run; the first by name is taken.
with judged_runs as (
    select * from {{ ref('int_mixloop__judged_runs') }}
),

variance as (
    select * from {{ ref('int_mixloop__forecast_variance') }}
    where
        driver_type = 'unexplained'
        and cause = 'unexplained'
        and period_type = 'week'
        and geo = 'all'
),

final as (
    select
        variance.run_id,
        variance.week,
        min_by(variance.variance_mean, variance.plan_id) as miss
    from variance
    inner join judged_runs
        on variance.run_id = judged_runs.run_id
    where variance.week <= judged_runs.last_known_week
    group by variance.run_id, variance.week
)

select * from final
