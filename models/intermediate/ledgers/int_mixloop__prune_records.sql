-- one row per pruning: what was removed, as of which week, by whom
{{ config(materialized='view') }}
with pruned_runs as (
    select * from {{ ref('int_mixloop__pruned_runs') }}
),

prunings as (
    select
        prune_id,
        any_value(prune_as_of_week) as as_of_week,
        any_value(pruned_by) as pruned_by,
        any_value(reason) as reason,
        any_value(pruned_tables) as pruned_tables,
        sum(n_rows_removed) as n_rows_removed,
        list(run_id order by run_id) as run_ids
    from pruned_runs
    group by prune_id
),

final as (
    select
        'prune' as record_kind,
        cast(prune_id as varchar) as record_id,
        cast(null as varchar) as model_id,
        cast(null as varchar) as run_id,
        as_of_week,
        {{ mixloop.record_content(
            {
                'pruned_by': 'pruned_by',
                'reason': 'reason',
                'pruned_tables': 'pruned_tables',
                'n_rows_removed': 'n_rows_removed',
                'n_runs': 'len(run_ids)',
            },
            lists={'run_ids': 'run_ids'},
        ) }} as content
    from prunings
)

select * from final
