-- one row per model x plan x as_of_week x geo x week x leaf: the leaf's part of what is planned for
-- its channel. Where the client's plan names leaves it is split as the plan has it, else as the
-- channel's exposure fell on its leaves of late. Frequency is the channel's
with plan_channels as (
    select * from {{ ref('int_mixloop__plan_channels') }}
),

leaf_shares as (
    select * from {{ ref('int_mixloop__leaf_shares') }}
    where node_id = channel_id
),

stated as (
    select * from {{ ref('int_mixloop__client_plan_leaves') }}
),

joined as (
    select
        plan_channels.model_id,
        plan_channels.plan_id,
        plan_channels.as_of_week,
        plan_channels.geo,
        plan_channels.week,
        plan_channels.item_id as channel_id,
        leaf_shares.leaf_id,
        plan_channels.planned_value,
        plan_channels.planned_spend,
        plan_channels.planned_frequency,
        plan_channels.is_assumed,
        leaf_shares.share as recent_share,
        coalesce(stated.planned_spend, 0) as stated_spend
    from plan_channels
    inner join leaf_shares
        on
            plan_channels.model_id = leaf_shares.model_id
            and plan_channels.as_of_week = leaf_shares.as_of_week
            and plan_channels.geo = leaf_shares.geo
            and plan_channels.item_id = leaf_shares.channel_id
    left join stated
        on
            plan_channels.model_id = stated.model_id
            and plan_channels.as_of_week = stated.as_of_week
            and plan_channels.plan_id = stated.plan_id
            and plan_channels.geo = stated.geo
            and plan_channels.week = stated.week
            and leaf_shares.leaf_id = stated.leaf_id
),

split as (
    select
        *,
        case
            when sum(stated_spend) over channel > 0
                then stated_spend / sum(stated_spend) over channel
            else recent_share
        end as planned_share
    from joined
    window
        channel as (
            partition by model_id, plan_id, as_of_week, geo, week, channel_id
            order by leaf_id
            rows between unbounded preceding and unbounded following
        )
),

-- exposure that no plan states goes on as it was, whatever the plan says of money
model_leaf_plans as (
    select
        model_id,
        plan_id,
        as_of_week,
        geo,
        week,
        channel_id,
        leaf_id,
        planned_value * case when is_assumed then recent_share else planned_share end
            as planned_value,
        planned_spend * planned_share as planned_spend,
        planned_frequency
    from split
)

select * from model_leaf_plans
