-- Append-only: the runs whose draws were removed on record, with their facts. No build writes here:
-- `dbt run-operation prune_history` does, in the transaction that removes the draws.
{{ mixloop.protect_history() }}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        on_schema_change='append_new_columns',
        full_refresh=var('mixloop__allow_history_refresh', false),
        database=var('mixloop__history_database'),
    )
}}

with facts as (
    select * from {{ ref('int_mixloop__run_facts') }}
),

final as (
    select
        cast(null as varchar) as pruned_run_id,
        cast(null as integer) as prune_id,
        cast(null as date) as prune_as_of_week,
        cast(null as varchar) as pruned_by,
        cast(null as varchar) as reason,
        cast(null as varchar) as pruned_tables,
        cast(null as bigint) as n_rows_removed,
        facts.*
    from facts
    where false
)

select * from final
