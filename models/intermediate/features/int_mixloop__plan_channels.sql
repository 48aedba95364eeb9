-- one row per model x plan x as_of_week x geo x week x channel. Where a client plan covers a week,
-- a channel that is not in it is planned at zero. Exposure that is not money is what the plan says
-- it is (reach), else what the planned spend buys at the price of late; where it never cost
-- anything it is not in a spend plan and is assumed to go on as it was
with plan_weeks as (
    select * from {{ ref('int_mixloop__plan_weeks') }}
),

status_quo as (
    select * from {{ ref('int_mixloop__status_quo') }}
),

client_spend as (
    select * from {{ ref('int_mixloop__client_plan_spend') }}
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

rates as (
    select * from {{ ref('int_mixloop__plan_rates') }}
),

planned as (
    select
        plan_weeks.model_id,
        plan_weeks.plan_id,
        plan_weeks.as_of_week,
        status_quo.geo,
        plan_weeks.week,
        status_quo.channel_id,
        plan_weeks.plan_source,
        model_channels.media_unit,
        rates.price,
        coalesce(status_quo.frequency, rates.frequency) as assumed_frequency,
        coalesce(rates.frequency, status_quo.frequency) as recent_frequency,
        case when model_channels.media_unit = 'reach_frequency' then client_spend.planned_reach end
            as planned_reach,
        client_spend.planned_contacts,
        status_quo.exposure as assumed_exposure,
        case plan_weeks.plan_source
            when 'client' then coalesce(client_spend.planned_spend, 0)
            else status_quo.spend
        end as planned_spend
    from plan_weeks
    inner join status_quo
        on
            plan_weeks.model_id = status_quo.model_id
            and plan_weeks.as_of_week = status_quo.as_of_week
            and plan_weeks.week = status_quo.week
    inner join model_channels
        on
            status_quo.model_id = model_channels.model_id
            and status_quo.channel_id = model_channels.channel_id
    left join rates
        on
            status_quo.model_id = rates.model_id
            and status_quo.as_of_week = rates.as_of_week
            and status_quo.geo = rates.geo
            and status_quo.channel_id = rates.channel_id
    left join client_spend
        on
            plan_weeks.model_id = client_spend.model_id
            and plan_weeks.as_of_week = client_spend.as_of_week
            and plan_weeks.plan_id = client_spend.plan_id
            and plan_weeks.week = client_spend.week
            and status_quo.geo = client_spend.geo
            and status_quo.channel_id = client_spend.channel_id
),

valued as (
    select
        *,
        plan_source = 'assumed'
        or (media_unit != 'spend' and planned_reach is null and price is null) as is_assumed
    from planned
),

plan_channels as (
    select
        model_id,
        plan_id,
        as_of_week,
        geo,
        week,
        'channel' as item_type,
        channel_id as item_id,
        case
            when is_assumed then assumed_exposure
            when media_unit = 'spend' then planned_spend
            when planned_reach is not null then planned_reach
            else planned_spend / price
        end as planned_value,
        planned_spend,
        plan_source,
        is_assumed,
        case
            when media_unit != 'reach_frequency' then null
            when is_assumed then assumed_frequency
            when planned_reach > 0 and planned_contacts is not null
                then planned_contacts / planned_reach
            else recent_frequency
        end as planned_frequency
    from valued
)

select * from plan_channels
