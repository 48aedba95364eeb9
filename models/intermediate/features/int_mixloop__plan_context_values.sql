-- one row per model x as_of_week x plan x geo x week x variable that the client's plan states, as
-- it was known at as_of_week; `national` holds for the geos whose variable the plan does not name
with plan_weeks as (
    select * from {{ ref('int_mixloop__plan_weeks') }}
    where plan_source = 'client'
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

plan_context as (
    select
        plan_id,
        week as planned_date,
        {{ mixloop.week_start('week') }} as week,
        geo,
        variable,
        value,
        loaded_at
    from {{ ref('stg_mixloop__plan_context') }}
),

known as (
    select
        plan_weeks.model_id,
        plan_weeks.as_of_week,
        plan_weeks.plan_id,
        plan_weeks.week,
        plan_context.geo,
        plan_context.variable,
        plan_context.value,
        rank() over (
            partition by
                plan_weeks.model_id, plan_weeks.as_of_week, plan_context.plan_id,
                plan_context.planned_date, plan_context.geo, plan_context.variable
            order by plan_context.loaded_at desc nulls last
        ) as recency
    from plan_weeks
    inner join plan_context
        on
            plan_weeks.plan_id = plan_context.plan_id
            and plan_weeks.week = plan_context.week
    where
        plan_context.loaded_at is null
        or plan_context.loaded_at < plan_weeks.as_of_week + interval 14 day
),

weekly as (
    select
        model_id,
        as_of_week,
        plan_id,
        week,
        geo,
        variable,
        cast(sum(value) as double) / count(value) as value
    from known
    where recency = 1
    group by model_id, as_of_week, plan_id, week, geo, variable
),

-- a geo's own value before the national one
ranked as (
    select
        weekly.model_id,
        weekly.as_of_week,
        weekly.plan_id,
        model_geos.geo,
        weekly.week,
        weekly.variable,
        weekly.value,
        row_number() over (
            partition by
                weekly.model_id, weekly.as_of_week, weekly.plan_id,
                model_geos.geo, weekly.week, weekly.variable
            order by weekly.geo = model_geos.geo desc
        ) as precedence
    from weekly
    inner join model_geos
        on
            weekly.model_id = model_geos.model_id
            and weekly.geo in (model_geos.geo, 'national')
),

plan_context_values as (
    select * exclude (precedence)
    from ranked
    where precedence = 1
)

select * from plan_context_values
