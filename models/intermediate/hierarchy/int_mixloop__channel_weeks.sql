-- one row per week x geo x channel that a line item is mapped to (or `unmapped`).
-- Reach of a line item's week is that of its largest row; line items add up, so that people whom
-- two of them reached count twice. Not behind the gate: findings about spend are made from it.
with series_weeks as (
    select * from {{ ref('int_mixloop__series_weeks') }}
    where week is not null
),

series_channels as (
    select
        series.series_number,
        series.line_item_number,
        series.geo,
        segments.valid_from,
        segments.valid_to,
        segments.channel_id
    from {{ ref('int_mixloop__media_series') }} as series
    inner join {{ ref('int_mixloop__line_item_segments') }} as segments
        on series.line_item_id = segments.line_item_id
),

item_reach as (
    select
        series_weeks.week,
        series_channels.geo,
        series_channels.channel_id,
        series_channels.line_item_number,
        max(series_weeks.reach) as reach,
        sum(series_weeks.contacts) as contacts
    from series_weeks
    inner join series_channels
        on
            series_weeks.series_number = series_channels.series_number
            and series_weeks.part_start >= series_channels.valid_from
            and series_weeks.part_start <= series_channels.valid_to
    where series_weeks.n_reach > 0
    group by
        series_weeks.week, series_channels.geo, series_channels.channel_id,
        series_channels.line_item_number
),

channel_reach as (
    select
        week,
        geo,
        channel_id,
        sum(reach) as reach,
        sum(contacts) as contacts
    from item_reach
    group by week, geo, channel_id
),

channel_media as (
    select
        series_weeks.week,
        series_channels.geo,
        series_channels.channel_id,
        coalesce(sum(series_weeks.spend), 0) as spend,
        coalesce(sum(series_weeks.impressions), 0) as impressions,
        coalesce(sum(series_weeks.clicks), 0) as clicks,
        count(distinct series_channels.line_item_number) as n_line_items
    from series_weeks
    inner join series_channels
        on
            series_weeks.series_number = series_channels.series_number
            and series_weeks.part_start >= series_channels.valid_from
            and series_weeks.part_start <= series_channels.valid_to
    group by series_weeks.week, series_channels.geo, series_channels.channel_id
),

channel_weeks as (
    select
        channel_media.*,
        coalesce(channel_reach.reach, 0) as reach,
        coalesce(channel_reach.contacts, 0) as contacts
    from channel_media
    left join channel_reach
        on
            channel_media.week = channel_reach.week
            and channel_media.geo = channel_reach.geo
            and channel_media.channel_id = channel_reach.channel_id
)

select * from channel_weeks
