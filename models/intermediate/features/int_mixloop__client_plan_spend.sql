-- one row per model x as_of_week x plan x geo x week x channel that has planned spend.
-- What is planned for the whole country is split over the model's geos by their share of the
-- channel's spend in the 52 weeks up to as_of_week, or evenly where it had none
with plan_rows as (
    select * from {{ ref('int_mixloop__client_plan_rows') }}
),

shares as (
    select * from {{ ref('int_mixloop__plan_geo_shares') }}
),

split as (
    select
        model_id,
        as_of_week,
        plan_id,
        geo,
        week,
        channel_id,
        cast(planned_spend as double) as planned_spend,
        cast(planned_reach as double) as planned_reach,
        cast(planned_contacts as double) as planned_contacts
    from plan_rows
    where is_model_geo
    union all
    select
        plan_rows.model_id,
        plan_rows.as_of_week,
        plan_rows.plan_id,
        shares.geo,
        plan_rows.week,
        plan_rows.channel_id,
        cast(plan_rows.planned_spend as double) * shares.share as planned_spend,
        cast(plan_rows.planned_reach as double) * shares.share as planned_reach,
        cast(plan_rows.planned_contacts as double) * shares.share as planned_contacts
    from plan_rows
    inner join shares
        on
            plan_rows.model_id = shares.model_id
            and plan_rows.as_of_week = shares.as_of_week
            and plan_rows.channel_id = shares.channel_id
    where not plan_rows.is_model_geo
),

client_plan_spend as (
    select
        model_id,
        as_of_week,
        plan_id,
        geo,
        week,
        channel_id,
        sum(planned_spend order by planned_spend) as planned_spend,
        case
            when bool_and(planned_reach is not null or planned_spend = 0)
                then sum(planned_reach order by planned_reach)
        end as planned_reach,
        case
            when bool_and(planned_contacts is not null or planned_spend = 0)
                then sum(planned_contacts order by planned_contacts)
        end as planned_contacts
    from split
    group by model_id, as_of_week, plan_id, geo, week, channel_id
)

select * from client_plan_spend
