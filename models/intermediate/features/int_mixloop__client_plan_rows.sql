-- one row per model x as_of_week x plan x week x modelled channel x plan geo: the client's planned
-- spend as it was known at as_of_week, leaves rolled up to the modelled node above them
with plan_nodes as (
    select * from {{ ref('int_mixloop__client_plan_nodes') }}
),

plan_rows as (
    select
        model_id,
        as_of_week,
        plan_id,
        week,
        channel_id,
        geo,
        sum(planned_spend) as planned_spend,
        case
            when bool_and(planned_reach is not null or planned_spend = 0) then sum(planned_reach)
        end as planned_reach,
        case
            when bool_and(planned_contacts is not null or planned_spend = 0)
                then sum(planned_contacts)
        end as planned_contacts,
        is_model_geo
    from plan_nodes
    group by model_id, as_of_week, plan_id, week, channel_id, geo, is_model_geo
)

select * from plan_rows
