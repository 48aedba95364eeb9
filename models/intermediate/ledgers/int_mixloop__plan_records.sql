-- one row per plan of the client: the whole plan, media and context, as it was last given
{{ config(materialized='view') }}
with media as (
    select
        plan_id,
        [
            cast(week as varchar),
            channel_id,
            geo,
            cast(planned_spend as varchar),
            cast(low as varchar),
            cast(high as varchar)
        ] as cells
    from {{ ref('stg_mixloop__plan') }}
    where plan_id is not null
    qualify
        row_number() over (
            partition by plan_id, week, channel_id, geo
            order by loaded_at desc nulls last, source_row desc, source_file desc
        ) = 1
),

context as (
    select
        plan_id,
        [cast(week as varchar), variable, geo, cast(value as varchar)] as cells
    from {{ ref('stg_mixloop__plan_context') }}
    where plan_id is not null
    qualify
        row_number() over (
            partition by plan_id, week, variable, geo
            order by loaded_at desc nulls last, source_row desc, source_file desc
        ) = 1
),

rows_of_plans as (
    select
        plan_id,
        cells as media_cells,
        null as context_cells
    from media
    union all
    select
        plan_id,
        null as media_cells,
        cells as context_cells
    from context
),

plans as (
    select
        plan_id,
        count(media_cells) as n_rows,
        count(context_cells) as n_context_rows,
        list(media_cells order by media_cells) filter (where media_cells is not null) as media_rows,
        list(context_cells order by context_cells) filter (
            where context_cells is not null
        ) as context_rows
    from rows_of_plans
    group by plan_id
),

newest_week as (
    select max(last_training_week) as as_of_week
    from {{ ref('int_mixloop__models') }}
),

final as (
    select
        'plan' as record_kind,
        plans.plan_id as record_id,
        cast(null as varchar) as model_id,
        cast(null as varchar) as run_id,
        newest_week.as_of_week,
        {{ mixloop.record_content(
            {
                'columns': "'week, channel_id, geo, planned_spend, low, high'",
                'context_columns': "'week, variable, geo, value'",
                'n_rows': 'plans.n_rows',
                'n_context_rows': 'plans.n_context_rows',
            },
            lists={'rows': 'plans.media_rows', 'context_rows': 'plans.context_rows'},
        ) }} as content
    from plans
    cross join newest_week
)

select * from final
