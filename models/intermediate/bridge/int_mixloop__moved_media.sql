-- one row per earlier mapping version x geo x week x where it had media x where today's mapping has
-- it: only media that moved since. Line items that the version never saw have not moved.
with assignments as (
    select * from {{ ref('int_mixloop__mapping_assignments') }}
),

current_version as (
    select mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

published as (
    select mapping_version
    from {{ ref('int_mixloop__run_panels') }}
    group by mapping_version
),

earlier as (
    select assignments.*
    from assignments
    inner join published
        on assignments.mapping_version = published.mapping_version
    where
        assignments.mapping_version not in (
            select current_version.mapping_version from current_version
        )
),

today as (
    select assignments.*
    from assignments
    inner join current_version
        on assignments.mapping_version = current_version.mapping_version
),

moves as (
    select
        earlier.mapping_version,
        earlier.line_item_id,
        greatest(earlier.valid_from, today.valid_from) as valid_from,
        least(earlier.valid_to, today.valid_to) as valid_to,
        earlier.leaf_id as from_leaf_id,
        earlier.channel_id as from_channel_id,
        today.leaf_id as to_leaf_id,
        today.channel_id as to_channel_id
    from earlier
    inner join today
        on
            earlier.line_item_id = today.line_item_id
            and earlier.valid_from <= today.valid_to
            and earlier.valid_to >= today.valid_from
    where
        earlier.leaf_id != today.leaf_id
        or earlier.channel_id is distinct from today.channel_id
),

moved_media as (
    select
        moves.mapping_version,
        series.geo,
        weeks.week,
        moves.from_leaf_id,
        moves.from_channel_id,
        moves.to_leaf_id,
        moves.to_channel_id,
        cast(coalesce(sum(weeks.spend), 0) as double) as spend,
        cast(coalesce(sum(weeks.impressions), 0) as double) as impressions
    from moves
    inner join {{ ref('int_mixloop__media_series') }} as series
        on moves.line_item_id = series.line_item_id
    inner join {{ ref('int_mixloop__series_weeks') }} as weeks
        on
            series.series_number = weeks.series_number
            and weeks.part_start between moves.valid_from and moves.valid_to
    where weeks.week is not null
    group by all
)

select * from moved_media
