{{ config(materialized='view') }}

-- one row per published forecast row of the newest revision; forecasts whose run has no draws any
-- more, on record, stay in mixloop__forecasts and are not compared with what came
with forecasts as (
    select * from {{ ref('mixloop__forecasts') }}
    where
        run_id not in (
            select pruned.run_id from {{ ref('int_mixloop__runs_without_draws') }} as pruned
        )
        and {{ mixloop.is_run_known('as_of_week') }}
),

latest_revisions as (
    select
        *,
        max(revision) over (partition by run_id, plan_id) as latest_revision
    from forecasts
),

final as (
    select
        forecast_id,
        run_id,
        model_id,
        forecast_kind,
        plan_id,
        plan_source,
        revision,
        as_of_week,
        geo,
        week,
        horizon_weeks,
        component_id,
        component_type,
        is_additive,
        planned_value,
        planned_spend,
        planned_frequency,
        allocation,
        hierarchy_id,
        is_pooled,
        cast(mapping_version as integer) as mapping_version,
        forecast_mean,
        forecast_p05,
        forecast_p50,
        forecast_p95
    from latest_revisions
    where revision = latest_revision
)

select * from final
