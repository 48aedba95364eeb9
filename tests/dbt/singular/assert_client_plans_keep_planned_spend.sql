-- Splitting a national plan over geos neither makes nor loses money, in any covered week.
with plan_rows as (
    select
        model_id,
        as_of_week,
        plan_id,
        week,
        cast(sum(planned_spend) as double) as planned_spend
    from {{ ref('int_mixloop__client_plan_rows') }}
    group by model_id, as_of_week, plan_id, week
),

model_plans as (
    select
        model_id,
        as_of_week,
        plan_id,
        week,
        sum(planned_spend order by geo, item_id) as planned_spend
    from {{ ref('int_mixloop__model_plans') }}
    where plan_source = 'client' and item_type = 'channel'
    group by model_id, as_of_week, plan_id, week
),

offenders as (
    select
        model_plans.model_id,
        model_plans.as_of_week,
        model_plans.plan_id,
        model_plans.week,
        model_plans.planned_spend,
        plan_rows.planned_spend as client_spend
    from model_plans
    left join plan_rows
        on
            model_plans.model_id = plan_rows.model_id
            and model_plans.as_of_week = plan_rows.as_of_week
            and model_plans.plan_id = plan_rows.plan_id
            and model_plans.week = plan_rows.week
    where
        not coalesce(
            abs(model_plans.planned_spend - plan_rows.planned_spend)
            <= 1e-9 * greatest(1, abs(plan_rows.planned_spend)),
            false
        )
)

select * from offenders
