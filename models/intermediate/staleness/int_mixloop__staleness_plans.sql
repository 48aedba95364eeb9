-- one row per model x plan x week x channel: the plans of the weeks after the last known one
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

plans as (
    select * from {{ ref('int_mixloop__model_plans') }}
    where item_type = 'channel'
),

final as (
    select
        plans.model_id,
        plans.plan_id,
        plans.week,
        plans.item_id as channel_id,
        max(case when plans.is_assumed then 'assumed' else 'client' end) as plan_source,
        sum(coalesce(plans.planned_spend, 0) order by plans.geo) as planned_spend,
        sum(coalesce(plans.planned_value, 0) order by plans.geo) as planned_value
    from plans
    inner join models
        on
            plans.model_id = models.model_id
            and plans.as_of_week = models.last_training_week
    group by plans.model_id, plans.plan_id, plans.week, plans.item_id
)

select * from final
