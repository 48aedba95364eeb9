-- Append-only: every mapping that numbers were ever published under, row by row. A mapping that
-- comes back is the version that it was.
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

with current_mapping as (
    select * from {{ ref('int_mixloop__mapping_content') }}
),

newest_week as (
    select max(last_training_week) as as_of_week
    from {{ ref('int_mixloop__models') }}
),

known as (
    {% if is_incremental() %}
    select
        mapping_version,
        mapping_hash
    from {{ this }}
    {% else %}
    select
        0 as mapping_version,
        '' as mapping_hash
    where false
    {% endif %}
),

latest as (
    select coalesce(max(mapping_version), 0) as mapping_version
    from known
),

new_rows as (
    select
        {{ mixloop.surrogate_key(['current_mapping.mapping_hash', 'row_kind', 'content']) }}
            as mapping_row_id,
        cast(latest.mapping_version + 1 as integer) as mapping_version,
        current_mapping.mapping_hash,
        newest_week.as_of_week,
        current_mapping.row_kind,
        current_mapping.content
    from current_mapping
    cross join latest
    cross join newest_week
    where current_mapping.mapping_hash not in (select known.mapping_hash from known)
)

select * from new_rows
