-- one row per model: what is modelled, over which weeks, against which hurdle
with definitions as (
    select * from {{ ref('stg_mixloop__model_definitions') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

outcomes as (
    select * from {{ ref('int_mixloop__outcomes_weekly') }}
    where is_complete_week
),

goals as (
    select * from {{ ref('stg_mixloop__goals') }}
),

geo_weeks as (
    select
        definitions.model_id,
        model_geos.geo,
        min(outcomes.week) as first_week,
        max(outcomes.week) as last_week
    from definitions
    inner join model_geos
        on definitions.model_id = model_geos.model_id
    inner join outcomes
        on
            definitions.kpi = outcomes.kpi
            and model_geos.geo = outcomes.geo
    group by definitions.model_id, model_geos.geo
),

-- history begins with the oldest geo and ends where the first geo ends
model_weeks as (
    select
        model_id,
        min(first_week) as first_week,
        min(last_week) as last_week
    from geo_weeks
    group by model_id
),

-- the strictest hurdle of the model's goals; goals without a model hold for all
hurdles as (
    select
        definitions.model_id,
        max(goals.hurdle_roi) as hurdle_roi
    from definitions
    inner join goals
        on coalesce(goals.model_id, definitions.model_id) = definitions.model_id
    group by definitions.model_id
),

windows as (
    select
        definitions.model_id,
        definitions.kpi,
        definitions.kpi_form,
        definitions.forecast_horizon_weeks,
        greatest(
            model_weeks.first_week,
            model_weeks.last_week - 7 * (cast(definitions.training_weeks as integer) - 1)
        ) as first_training_week,
        model_weeks.last_week as last_training_week,
        cast(
            coalesce(hurdles.hurdle_roi, {{ var('mixloop__hurdle_roi', 1.0) }}) as double
        ) as hurdle_roi
    from definitions
    inner join model_weeks
        on definitions.model_id = model_weeks.model_id
    left join hurdles
        on definitions.model_id = hurdles.model_id
),

models as (
    select
        model_id,
        kpi,
        kpi_form,
        forecast_horizon_weeks,
        first_training_week,
        last_training_week,
        (last_training_week - first_training_week) // 7 + 1 as n_training_weeks,
        hurdle_roi
    from windows
)

select * from models
