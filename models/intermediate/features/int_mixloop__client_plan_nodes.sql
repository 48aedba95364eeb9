-- one row per model x as_of_week x plan x week x node at or below a modelled channel x plan geo:
-- the client's planned spend as it was known at as_of_week
with origins as (
    select * from {{ ref('int_mixloop__plan_origins') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

model_nodes as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

plan as (
    select
        plan_id,
        week as planned_date,
        {{ mixloop.week_start('week') }} as week,
        channel_id,
        geo,
        planned_spend,
        cast(reach as decimal(28, 4)) as planned_reach,
        cast(cast(reach as double) * cast(frequency as double) as decimal(28, 4))
            as planned_contacts,
        loaded_at,
        source_row
    from {{ ref('stg_mixloop__plan') }}
),

-- known by the end of the week after as_of_week: when its figures are in, so is the plan
known as (
    select
        origins.model_id,
        origins.as_of_week,
        plan.plan_id,
        plan.week,
        plan.channel_id,
        plan.geo,
        plan.planned_spend,
        plan.planned_reach,
        plan.planned_contacts,
        row_number() over (
            partition by
                origins.model_id, origins.as_of_week,
                plan.plan_id, plan.planned_date, plan.channel_id, plan.geo
            order by plan.loaded_at desc nulls last, plan.source_row desc
        ) as recency
    from origins
    inner join plan
        on origins.week = plan.week
    where plan.loaded_at is null or plan.loaded_at < origins.as_of_week + interval 14 day
),

by_node as (
    select
        known.model_id,
        known.as_of_week,
        known.plan_id,
        known.week,
        model_nodes.channel_id,
        known.channel_id as node_id,
        known.geo,
        sum(known.planned_spend) as planned_spend,
        -- a plan that says whom it reaches says it of everything it pays for
        case
            when bool_and(known.planned_reach is not null or known.planned_spend = 0)
                then sum(known.planned_reach)
        end as planned_reach,
        case
            when bool_and(known.planned_contacts is not null or known.planned_spend = 0)
                then sum(known.planned_contacts)
        end as planned_contacts
    from known
    inner join closure
        on known.channel_id = closure.descendant_id
    inner join model_nodes
        on
            known.model_id = model_nodes.model_id
            and closure.ancestor_id = model_nodes.channel_id
    where known.recency = 1
    group by
        known.model_id, known.as_of_week, known.plan_id, known.week,
        model_nodes.channel_id, known.channel_id, known.geo
),

in_model as (
    select
        by_node.*,
        model_geos.geo is not null as is_model_geo
    from by_node
    left join model_geos
        on
            by_node.model_id = model_geos.model_id
            and by_node.geo = model_geos.geo
    where model_geos.geo is not null or by_node.geo = 'national'
)

select * from in_model
