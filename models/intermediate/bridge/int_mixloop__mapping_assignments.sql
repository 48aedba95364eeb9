-- Append-only: one row per mapping version x line item x valid_from: where the version put the line
-- item. Line items that come later are added while the version is in use.
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

with line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

current_version as (
    select cast(mapping_version as integer) as mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

assignments as (
    select
        {{ mixloop.surrogate_key([
            'current_version.mapping_version', 'line_item_id', 'valid_from',
        ]) }} as assignment_id,
        current_version.mapping_version,
        line_item_channels.line_item_id,
        line_item_channels.valid_from,
        line_item_channels.valid_to,
        line_item_channels.channel_id as leaf_id,
        nullif(tree.estimated_at, 'children') as channel_id
    from line_item_channels
    cross join current_version
    left join tree
        on line_item_channels.channel_id = tree.channel_id
),

new_rows as (
    select *
    from assignments
    {% if is_incremental() %}
        where assignment_id not in (select known.assignment_id from {{ this }} as known)
    {% endif %}
)

select * from new_rows
