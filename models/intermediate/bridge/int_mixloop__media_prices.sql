-- one row per mapping x geo x modelled channel x week with money and impressions: price of media as
-- a logarithm against what is usual. Taken within placements, so that a shift of budget from dear
-- to cheap ones is no change of price; names that differ in digits only (quarters, versions) are
-- one placement. It is money over what the same money would have bought at usual prices, so that
-- what the channels' money bought adds up under every mapping
with series as (
    select
        series_number,
        line_item_id,
        geo,
        regexp_replace(
            concat_ws(chr(31), platform, account, campaign, ad_group, line_item), '[0-9]+', '', 'g'
        ) as placement
    from {{ ref('int_mixloop__media_series') }}
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main' and estimated_at != 'children'
),

mapping_assignments as (
    select * from {{ ref('int_mixloop__mapping_assignments') }}
),

current_version as (
    select mapping_version
    from {{ ref('mixloop__mapping_versions') }}
    where is_current
),

moved_media as (
    select * from {{ ref('int_mixloop__moved_media') }}
),

-- channels that lost media since a version, or won some: the others' prices are those of today
touched as (
    select
        mapping_version,
        from_channel_id as channel_id
    from moved_media
    where from_channel_id is not null
    union all
    select
        mapping_version,
        to_channel_id as channel_id
    from moved_media
    where to_channel_id is not null
),

touched_channels as (
    select
        mapping_version,
        channel_id
    from touched
    group by mapping_version, channel_id
),

today as (
    select
        line_item_channels.line_item_id,
        tree.estimated_at as channel_id,
        line_item_channels.valid_from,
        line_item_channels.valid_to
    from line_item_channels
    inner join tree
        on line_item_channels.channel_id = tree.channel_id
),

-- line items that a version never saw are where they are today
known_then as (
    select
        mapping_version,
        line_item_id
    from mapping_assignments
    group by mapping_version, line_item_id
),

assignments as (
    select
        current_version.mapping_version,
        true as is_current,
        today.line_item_id,
        today.channel_id,
        today.valid_from,
        today.valid_to
    from today
    cross join current_version
    union all
    select
        mapping_assignments.mapping_version,
        false as is_current,
        mapping_assignments.line_item_id,
        mapping_assignments.channel_id,
        mapping_assignments.valid_from,
        mapping_assignments.valid_to
    from mapping_assignments
    inner join touched_channels
        on
            mapping_assignments.mapping_version = touched_channels.mapping_version
            and mapping_assignments.channel_id = touched_channels.channel_id
    union all
    select
        touched_channels.mapping_version,
        false as is_current,
        today.line_item_id,
        today.channel_id,
        today.valid_from,
        today.valid_to
    from today
    inner join touched_channels
        on today.channel_id = touched_channels.channel_id
    left join known_then
        on
            touched_channels.mapping_version = known_then.mapping_version
            and today.line_item_id = known_then.line_item_id
    where known_then.line_item_id is null
),

placements as (
    select
        series.series_number,
        series.geo,
        assignments.mapping_version,
        assignments.is_current,
        assignments.channel_id,
        assignments.valid_from,
        assignments.valid_to,
        dense_rank() over (
            order by
                assignments.mapping_version, series.geo, assignments.channel_id, series.placement
        ) as placement_number
    from series
    inner join assignments
        on series.line_item_id = assignments.line_item_id
),

placement_weeks as (
    select
        placements.mapping_version,
        placements.is_current,
        placements.geo,
        placements.channel_id,
        placements.placement_number,
        weeks.week,
        cast(sum(weeks.spend) as double) as spend,
        cast(sum(weeks.impressions) as double) as impressions
    from {{ ref('int_mixloop__series_weeks') }} as weeks
    inner join placements
        on
            weeks.series_number = placements.series_number
            and weeks.part_start between placements.valid_from and placements.valid_to
    where weeks.week is not null and {{ var('mixloop__price_of_media', true) }}
    group by all
    having sum(weeks.impressions) > 0 and sum(weeks.spend) > 0
),

-- the usual price is that of the first half year, so that it does not change with every week;
-- placements that are too young have none
numbered as (
    select
        *,
        spend / impressions as price,
        row_number() over (partition by placement_number order by week) as turn
    from placement_weeks
),

usual as (
    select
        placement_number,
        median(price) as price
    from numbered
    where turn <= 26
    group by placement_number
    having count(*) >= 13
),

media_prices as (
    select
        numbered.mapping_version,
        numbered.is_current,
        numbered.geo,
        numbered.channel_id,
        numbered.week,
        ln(
            sum(numbered.spend order by numbered.placement_number)
            / sum(numbered.impressions * usual.price order by numbered.placement_number)
        ) as log_price
    from numbered
    inner join usual
        on numbered.placement_number = usual.placement_number
    group by
        numbered.mapping_version,
        numbered.is_current,
        numbered.geo,
        numbered.channel_id,
        numbered.week
)

select * from media_prices
