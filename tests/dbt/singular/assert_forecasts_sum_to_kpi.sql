-- Additive components of a published forecast add up to its `kpi`, week by week; no null anywhere.
with forecasts as (
    select * from {{ ref('mixloop__forecasts') }}
),

totals as (
    select
        run_id,
        plan_id,
        revision,
        geo,
        week,
        count(*) filter (where component_id = 'kpi') as n_kpi,
        max(forecast_mean) filter (where component_id = 'kpi') as kpi,
        sum(forecast_mean) filter (where is_additive) as parts,
        sum(abs(forecast_mean)) filter (where is_additive) as size,
        count(*) filter (where not coalesce(isfinite(forecast_mean), false)) as n_bad
    from forecasts
    group by run_id, plan_id, revision, geo, week
),

offenders as (
    select *
    from totals
    where
        n_kpi != 1
        or n_bad > 0
        or not coalesce(abs(parts - kpi) <= 1e-9 * (size + abs(kpi)), false)
)

select * from offenders
