-- one row per model x as_of_week x plan x week that the plan covers. A client plan counts when it
-- has the first week after as_of_week, up to its first gap; without one there is `status_quo`
with origins as (
    select * from {{ ref('int_mixloop__plan_origins') }}
),

plan_rows as (
    select * from {{ ref('int_mixloop__client_plan_rows') }}
),

planned_weeks as (
    select
        model_id,
        as_of_week,
        plan_id,
        week
    from plan_rows
    group by model_id, as_of_week, plan_id, week
),

counted as (
    select
        *,
        row_number() over (partition by model_id, as_of_week, plan_id order by week) as position
    from planned_weeks
),

client_weeks as (
    select
        counted.model_id,
        counted.plan_id,
        counted.as_of_week,
        counted.week,
        origins.last_year_week,
        'client' as plan_source
    from counted
    inner join origins
        on
            counted.model_id = origins.model_id
            and counted.as_of_week = origins.as_of_week
            and counted.week = origins.week
            and counted.position = origins.horizon_weeks
),

status_quo_weeks as (
    select
        origins.model_id,
        'status_quo' as plan_id,
        origins.as_of_week,
        origins.week,
        origins.last_year_week,
        'assumed' as plan_source
    from origins
    left join client_weeks
        on
            origins.model_id = client_weeks.model_id
            and origins.as_of_week = client_weeks.as_of_week
    where client_weeks.model_id is null
),

plan_weeks as (
    select * from client_weeks
    union all
    select * from status_quo_weeks
)

select * from plan_weeks
