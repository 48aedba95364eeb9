-- one row per model x plan x as_of_week x geo x week x driver. Context that the plan does not state
-- is assumed: last year's same week, else the last value; events come from the calendar
with plan_weeks as (
    select * from {{ ref('int_mixloop__plan_weeks') }}
),

drivers as (
    select * from {{ ref('int_mixloop__model_drivers') }}
),

stated as (
    select * from {{ ref('int_mixloop__plan_context_values') }}
),

events as (
    select * from {{ ref('int_mixloop__model_events') }}
),

-- the last value known at as_of_week, and through it the drivers a plan needs
latest as (
    select
        plan_weeks.model_id,
        plan_weeks.plan_id,
        plan_weeks.as_of_week,
        plan_weeks.week,
        plan_weeks.last_year_week,
        plan_weeks.plan_source,
        drivers.geo,
        drivers.driver_type,
        drivers.driver_id,
        drivers.value as last_value
    from plan_weeks
    inner join drivers
        on
            plan_weeks.model_id = drivers.model_id
            and plan_weeks.as_of_week = drivers.week
),

valued as (
    select
        latest.*,
        stated.value as stated_value,
        events.value as event_value,
        last_year.value as last_year_value
    from latest
    left join stated
        on
            latest.model_id = stated.model_id
            and latest.plan_id = stated.plan_id
            and latest.as_of_week = stated.as_of_week
            and latest.geo = stated.geo
            and latest.week = stated.week
            and latest.driver_id = 'context:' || stated.variable
    left join events
        on
            latest.model_id = events.model_id
            and latest.geo = events.geo
            and latest.week = events.week
            and latest.driver_id = 'event:' || events.event_id
    left join drivers as last_year
        on
            latest.model_id = last_year.model_id
            and latest.geo = last_year.geo
            and latest.last_year_week = last_year.week
            and latest.driver_id = last_year.driver_id
),

plan_drivers as (
    select
        model_id,
        plan_id,
        as_of_week,
        geo,
        week,
        driver_type as item_type,
        driver_id as item_id,
        case driver_type
            when 'event' then coalesce(event_value, 0)
            else coalesce(stated_value, last_year_value, last_value)
        end as planned_value,
        cast(null as double) as planned_spend,
        plan_source,
        driver_type = 'context' and stated_value is null as is_assumed,
        cast(null as double) as planned_frequency
    from valued
)

select * from plan_drivers
