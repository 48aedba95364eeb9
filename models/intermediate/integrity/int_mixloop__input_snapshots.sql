-- Append-only: one row per input x series x week x revision: what was loaded, written again
-- whenever it differs from the revision before. Behind the gate: a restatement that was stopped is
-- not yet the new normal.
-- depends_on: {{ ref('int_mixloop__input_gate') }}
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
with content as (
    select
        input_name,
        series,
        week,
        as_of_week,
        value_sum,
        impressions_sum,
        n_rows,
        source_file,
        content_hash
    from {{ ref('int_mixloop__input_content') }}
    union all
    -- rows that are gone
    select
        input_name,
        series,
        week,
        as_of_week,
        value_sum,
        impressions_sum,
        n_rows,
        source_file,
        content_hash
    from {{ ref('int_mixloop__restated_weeks') }}
    where n_rows = 0
),

{% if is_incremental() %}
latest as (
    select
        input_name,
        series,
        week,
        max(revision) as revision,
        arg_max(content_hash, revision) as content_hash
    from {{ this }}
    group by input_name, series, week
),
{% else %}
latest as (
    select
        cast(null as varchar) as input_name,
        cast(null as varchar) as series,
        cast(null as date) as week,
        cast(null as integer) as revision,
        cast(null as varchar) as content_hash
    where false
),
{% endif %}

{% if is_incremental() %}
-- a build that looks back to before what is written adds nothing: the past is not news
newer as (
    select count(*) as n_rows
    from {{ this }}
    where not ({{ mixloop.was_snapshot_known(this) }})
),
{% else %}
newer as (
    select 0 as n_rows
),
{% endif %}

changed as (
    select
        content.*,
        cast(coalesce(latest.revision, 0) + 1 as integer) as revision
    from content
    inner join newer
        on newer.n_rows = 0
    left join latest
        on
            content.input_name = latest.input_name
            and content.series = latest.series
            and content.week = latest.week
    where content.content_hash is distinct from latest.content_hash
),

input_snapshots as (
    select
        {{ mixloop.surrogate_key(['input_name', 'series', 'week', 'revision']) }} as snapshot_id,
        input_name,
        series,
        week,
        revision,
        as_of_week,
        value_sum,
        impressions_sum,
        n_rows,
        source_file,
        content_hash,
        {{ "date '" ~ mixloop.as_of() ~ "'" if mixloop.as_of() else 'cast(null as date)' }} as as_of
    from changed
)

select * from input_snapshots
