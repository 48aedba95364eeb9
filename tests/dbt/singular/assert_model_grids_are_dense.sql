-- Outcomes, media and drivers have a row for every geo and week of the model's window, and for
-- each channel or driver of the model: fits read them as arrays.
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

geo_counts as (
    select
        model_id,
        count(*) as n_geos
    from {{ ref('int_mixloop__model_geos') }}
    group by model_id
),

grids as (
    select
        'outcomes' as grid,
        model_id,
        geo,
        week,
        'outcome' as item_id
    from {{ ref('int_mixloop__model_outcomes') }}
    union all
    select
        'media' as grid,
        model_id,
        geo,
        week,
        channel_id as item_id
    from {{ ref('int_mixloop__model_media') }}
    union all
    select
        'drivers' as grid,
        model_id,
        geo,
        week,
        driver_id as item_id
    from {{ ref('int_mixloop__model_drivers') }}
),

extents as (
    select
        grid,
        model_id,
        min(week) as first_week,
        max(week) as last_week,
        count(*) as n_rows,
        count(distinct item_id) as n_items
    from grids
    group by grid, model_id
),

offenders as (
    select
        extents.grid,
        extents.model_id
    from extents
    left join models
        on extents.model_id = models.model_id
    left join geo_counts
        on extents.model_id = geo_counts.model_id
    where
        extents.last_week is distinct from models.last_training_week
        or not coalesce(
            case extents.grid
                when 'media' then extents.first_week <= models.first_training_week
                else extents.first_week = models.first_training_week
            end,
            false
        )
        or extents.n_rows is distinct from
        extents.n_items * geo_counts.n_geos * ((extents.last_week - extents.first_week) // 7 + 1)
)

select * from offenders
