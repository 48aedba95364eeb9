-- one row per model x as_of_week x week to plan: the horizon after the last training week, and
-- after the week mixloop__first_forecast_weeks_ago earlier
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

as_of_weeks as (
    select
        model_id,
        forecast_horizon_weeks,
        first_training_week,
        last_training_week as as_of_week
    from models
    union all
    select
        model_id,
        forecast_horizon_weeks,
        first_training_week,
        last_training_week
        - 7 * {{ var('mixloop__first_forecast_weeks_ago', 13) | int }} as as_of_week
    from models
    where {{ var('mixloop__first_forecast_weeks_ago', 13) | int }} != 0
),

horizon as (
    select
        model_id,
        as_of_week,
        unnest(generate_series(1, forecast_horizon_weeks)) as horizon_weeks
    from as_of_weeks
    where as_of_week >= first_training_week
),

origins as (
    select
        model_id,
        as_of_week,
        horizon_weeks,
        as_of_week + 7 * cast(horizon_weeks as integer) as week,
        -- the same week of the last year that was known at as_of_week
        as_of_week
        + 7 * cast(horizon_weeks as integer)
        - 364 * cast((horizon_weeks + 51) // 52 as integer) as last_year_week
    from horizon
)

select * from origins
