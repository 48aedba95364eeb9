-- one row per model x geo x training week; outcome is null where the week is missing
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

outcomes as (
    select * from {{ ref('int_mixloop__outcomes_weekly') }}
    where is_complete_week
),

model_outcomes as (
    select
        models.model_id,
        model_geos.geo,
        weeks.week,
        cast(outcomes.outcome as double) as outcome
    from models
    inner join model_geos
        on models.model_id = model_geos.model_id
    inner join weeks
        on weeks.week between models.first_training_week and models.last_training_week
    left join outcomes
        on
            models.kpi = outcomes.kpi
            and model_geos.geo = outcomes.geo
            and weeks.week = outcomes.week
)

select * from model_outcomes
