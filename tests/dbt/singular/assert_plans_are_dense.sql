-- A plan begins the week after as_of_week, has no gap, and says something about every channel and
-- driver of its model, in every geo.
with plans as (
    select * from {{ ref('int_mixloop__model_plans') }}
),

geo_counts as (
    select
        model_id,
        count(*) as n_geos
    from {{ ref('int_mixloop__model_geos') }}
    group by model_id
),

items as (
    select
        model_id,
        channel_id as item_id
    from {{ ref('int_mixloop__model_channels') }}
    union
    select
        model_id,
        driver_id as item_id
    from {{ ref('int_mixloop__model_drivers') }}
),

item_counts as (
    select
        model_id,
        count(*) as n_items
    from items
    group by model_id
),

extents as (
    select
        model_id,
        plan_id,
        as_of_week,
        min(week) as first_week,
        max(week) as last_week,
        count(*) filter (where planned_value is not null) as n_rows
    from plans
    group by model_id, plan_id, as_of_week
),

offenders as (
    select extents.*
    from extents
    left join geo_counts
        on extents.model_id = geo_counts.model_id
    left join item_counts
        on extents.model_id = item_counts.model_id
    where
        extents.first_week != extents.as_of_week + 7
        or extents.n_rows is distinct from
        geo_counts.n_geos
        * item_counts.n_items
        * ((extents.last_week - extents.first_week) // 7 + 1)
)

select * from offenders
