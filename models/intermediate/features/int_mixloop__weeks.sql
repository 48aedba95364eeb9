-- one row per week from the first input date to the last planned or forecast week
with outcomes as (
    select * from {{ ref('int_mixloop__outcomes_weekly') }}
),

media as (
    select
        min(week) as first_week,
        max(week) as last_week
    from {{ ref('int_mixloop__channel_weeks') }}
),

context as (
    select
        min({{ mixloop.week_start('context_date') }}) as first_week,
        max({{ mixloop.week_start('context_date') }}) as last_week
    from {{ ref('stg_mixloop__context') }}
),

plans as (
    select
        min({{ mixloop.week_start('week') }}) as first_week,
        max({{ mixloop.week_start('week') }}) as last_week
    from {{ ref('stg_mixloop__plan') }}
),

horizon as (
    select max(forecast_horizon_weeks) as n_weeks
    from {{ ref('stg_mixloop__model_definitions') }}
),

bounds as (
    select
        min(outcomes.week) as first_week,
        max(outcomes.week) + 7 * cast(max(horizon.n_weeks) as integer) as last_week
    from outcomes
    cross join horizon
    union all
    select * from media
    union all
    select * from context
    union all
    select * from plans
),

limits as (
    select
        min(first_week) as first_week,
        max(last_week) as last_week
    from bounds
),

spine as (
    select cast(unnest(generate_series(first_week, last_week, interval 7 day)) as date) as week
    from limits
),

series as (
    select
        kpi,
        geo,
        min(week) as first_week,
        max(week) as last_week
    from outcomes
    where is_complete_week
    group by kpi, geo
),

kpis as (
    select
        kpi,
        min(first_week) as first_week,
        min(last_week) as last_week
    from series
    group by kpi
),

covered as (
    select
        max(first_week) as first_week,
        min(last_week) as last_week
    from kpis
),

weeks as (
    select
        spine.week,
        spine.week + 6 as week_end,
        coalesce(spine.week between covered.first_week and covered.last_week, false) as is_complete
    from spine
    cross join covered
)

select * from weeks
