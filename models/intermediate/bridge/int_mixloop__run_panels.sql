-- Append-only: one row per run that publishes a forecast x geo x item: exactly what the run was
-- given, week by week. What was known of a week when it first came is read from it.
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

with current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
),

models as (
    select * from {{ ref('int_mixloop__models') }}
),

forecasts as (
    select
        run_id,
        cast(arg_min_null(mapping_version, revision) as integer) as mapping_version
    from {{ ref('mixloop__forecasts') }}
    group by run_id
),

known as (
    {% if is_incremental() %}
    select
        run_id,
        max(panel_number) as panel_number
    from {{ this }}
    group by run_id
    {% else %}
    select
        cast(null as varchar) as run_id,
        cast(null as integer) as panel_number
    where false
    {% endif %}
),

latest as (
    select coalesce(max(panel_number), 0) as panel_number
    from known
),

new_runs as (
    select
        current_runs.run_id,
        current_runs.model_id,
        current_runs.as_of_week,
        models.kpi,
        forecasts.mapping_version,
        cast(latest.panel_number + 1 as integer) as panel_number
    from current_runs
    inner join forecasts
        on current_runs.run_id = forecasts.run_id
    inner join models
        on current_runs.model_id = models.model_id
    left join known
        on current_runs.run_id = known.run_id
    cross join latest
    where known.run_id is null
),

outcomes as (
    select
        new_runs.run_id,
        outcomes.geo,
        'kpi' as item_type,
        new_runs.kpi as item_id,
        outcomes.week,
        cast(null as double) as spend,
        outcomes.outcome as value
    from new_runs
    inner join {{ ref('int_mixloop__model_outcomes') }} as outcomes
        on
            new_runs.model_id = outcomes.model_id
            and new_runs.as_of_week >= outcomes.week
),

media as (
    select
        new_runs.run_id,
        media.geo,
        'channel' as item_type,
        media.channel_id as item_id,
        media.week,
        media.spend,
        media.exposure as value
    from new_runs
    inner join {{ ref('int_mixloop__model_media') }} as media
        on
            new_runs.model_id = media.model_id
            and new_runs.as_of_week >= media.week
),

leaves as (
    select
        media.run_id,
        media.geo,
        'leaf' as item_type,
        model_leaves.leaf_id as item_id,
        media.week,
        coalesce(leaf_media.spend, 0) as spend,
        coalesce(leaf_media.exposure, 0) as value
    from media
    inner join new_runs
        on media.run_id = new_runs.run_id
    inner join {{ ref('int_mixloop__model_leaves') }} as model_leaves
        on
            new_runs.model_id = model_leaves.model_id
            and media.item_id = model_leaves.channel_id
    left join {{ ref('int_mixloop__model_leaf_media') }} as leaf_media
        on
            model_leaves.model_id = leaf_media.model_id
            and model_leaves.leaf_id = leaf_media.leaf_id
            and media.geo = leaf_media.geo
            and media.week = leaf_media.week
),

drivers as (
    select
        new_runs.run_id,
        drivers.geo,
        'driver' as item_type,
        drivers.driver_id as item_id,
        drivers.week,
        cast(null as double) as spend,
        drivers.value
    from new_runs
    inner join {{ ref('int_mixloop__model_drivers') }} as drivers
        on
            new_runs.model_id = drivers.model_id
            and new_runs.as_of_week >= drivers.week
),

-- contacts per person: what reach works with
reached as (
    select
        new_runs.run_id,
        new_runs.model_id,
        model_channels.channel_id
    from new_runs
    inner join {{ ref('int_mixloop__model_channels') }} as model_channels
        on new_runs.model_id = model_channels.model_id
    where model_channels.media_unit = 'reach_frequency'
),

frequencies as (
    select
        media.run_id,
        media.geo,
        'frequency' as item_type,
        media.item_id,
        media.week,
        cast(null as double) as spend,
        model_media.frequency as value
    from media
    inner join reached
        on
            media.run_id = reached.run_id
            and media.item_id = reached.channel_id
    inner join {{ ref('int_mixloop__model_media') }} as model_media
        on
            reached.model_id = model_media.model_id
            and media.item_id = model_media.channel_id
            and media.geo = model_media.geo
            and media.week = model_media.week
),

leaf_frequencies as (
    select
        leaves.run_id,
        leaves.geo,
        'leaf_frequency' as item_type,
        leaves.item_id,
        leaves.week,
        cast(null as double) as spend,
        leaf_media.frequency as value
    from leaves
    inner join {{ ref('int_mixloop__model_leaves') }} as model_leaves
        on leaves.item_id = model_leaves.leaf_id
    inner join reached
        on
            leaves.run_id = reached.run_id
            and model_leaves.model_id = reached.model_id
            and model_leaves.channel_id = reached.channel_id
    left join {{ ref('int_mixloop__model_leaf_media') }} as leaf_media
        on
            model_leaves.model_id = leaf_media.model_id
            and leaves.item_id = leaf_media.leaf_id
            and leaves.geo = leaf_media.geo
            and leaves.week = leaf_media.week
),

items as (
    select * from outcomes
    union all
    select * from media
    union all
    select * from leaves
    union all
    select * from drivers
    union all
    select * from frequencies
    union all
    select * from leaf_frequencies
),

lists as (
    select
        run_id,
        geo,
        item_type,
        item_id,
        min(week) as first_week,
        case when item_type in ('channel', 'leaf') then list(spend order by week) end as spend,
        list(value order by week) as item_values
    from items
    group by run_id, geo, item_type, item_id
),

run_panels as (
    select
        {{ mixloop.surrogate_key(['lists.run_id', 'geo', 'item_type', 'item_id']) }}
            as run_panel_id,
        lists.run_id,
        new_runs.model_id,
        new_runs.as_of_week,
        new_runs.mapping_version,
        new_runs.panel_number,
        lists.geo,
        lists.item_type,
        lists.item_id,
        lists.first_week,
        lists.spend,
        lists.item_values as values
    from lists
    inner join new_runs
        on lists.run_id = new_runs.run_id
)

select * from run_panels
