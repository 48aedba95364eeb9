{{ config(materialized='table_if_changed') }}
with forecast_variance as (
    select * from {{ ref('int_mixloop__forecast_variance') }}
    where period_type = 'week' and (driver_id != 'total' or cause = 'total')
),

published_forecasts as (
    select * from {{ ref('int_mixloop__published_forecasts') }}
),

plans as (
    select
        run_id,
        plan_id,
        any_value(forecast_kind) as forecast_kind,
        any_value(plan_source) as plan_source,
        any_value(revision) as revision
    from published_forecasts
    group by run_id, plan_id
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key([
            'forecast_variance.run_id', 'forecast_variance.plan_id', 'geo', 'week', 'driver_id',
            'cause',
        ]) }} as forecast_variance_id,
        forecast_variance.run_id,
        forecast_variance.model_id,
        plans.forecast_kind,
        forecast_variance.plan_id,
        plans.plan_source,
        plans.revision,
        forecast_variance.as_of_week,
        forecast_variance.geo,
        forecast_variance.week,
        forecast_variance.horizon_weeks,
        forecast_variance.driver_id,
        forecast_variance.driver_type,
        coalesce(components.label, forecast_variance.driver_id) as driver_label,
        forecast_variance.cause,
        forecast_variance.is_additive,
        forecast_variance.allocation,
        forecast_variance.hierarchy_id,
        forecast_variance.is_pooled,
        forecast_variance.planned_value,
        forecast_variance.actual_value,
        forecast_variance.forecast_mean,
        forecast_variance.actual_mean,
        forecast_variance.variance_mean,
        forecast_variance.variance_p05,
        forecast_variance.variance_p50,
        forecast_variance.variance_p95,
        forecast_variance.z_score,
        (select publication.overrides from publication) as overrides
    from forecast_variance
    left join plans
        on
            forecast_variance.run_id = plans.run_id
            and forecast_variance.plan_id = plans.plan_id
    left join components
        on
            forecast_variance.driver_id = components.component_id
            and forecast_variance.driver_type = 'channel'
)

select * from final
