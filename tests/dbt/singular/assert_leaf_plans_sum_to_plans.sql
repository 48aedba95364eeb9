-- The leaves of a modelled channel are planned to have what the channel is, in every plan, geo and
-- week, none below zero.
with leaves as (
    select
        model_id,
        plan_id,
        as_of_week,
        geo,
        week,
        channel_id,
        sum(planned_spend) as planned_spend,
        sum(planned_value) as planned_value,
        count(*) filter (where not coalesce(least(planned_spend, planned_value) >= 0, false))
            as n_bad
    from {{ ref('int_mixloop__model_leaf_plans') }}
    group by model_id, plan_id, as_of_week, geo, week, channel_id
),

channels as (
    select * from {{ ref('int_mixloop__model_plans') }}
    where item_type = 'channel'
),

offenders as (
    select
        coalesce(channels.model_id, leaves.model_id) as model_id,
        coalesce(channels.plan_id, leaves.plan_id) as plan_id,
        coalesce(channels.as_of_week, leaves.as_of_week) as as_of_week,
        coalesce(channels.geo, leaves.geo) as geo,
        coalesce(channels.week, leaves.week) as week,
        coalesce(channels.item_id, leaves.channel_id) as channel_id,
        channels.planned_spend,
        leaves.planned_spend as leaf_spend,
        channels.planned_value,
        leaves.planned_value as leaf_value
    from channels
    full outer join leaves
        on
            channels.model_id = leaves.model_id
            and channels.plan_id = leaves.plan_id
            and channels.as_of_week = leaves.as_of_week
            and channels.geo = leaves.geo
            and channels.week = leaves.week
            and channels.item_id = leaves.channel_id
    where
        coalesce(leaves.n_bad, 1) > 0
        or not coalesce(
            abs(channels.planned_spend - leaves.planned_spend)
            <= 1e-9 * greatest(1, channels.planned_spend),
            false
        )
        or not coalesce(
            abs(channels.planned_value - leaves.planned_value)
            <= 1e-9 * greatest(1, channels.planned_value),
            false
        )
)

select * from offenders
