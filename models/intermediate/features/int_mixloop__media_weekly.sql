-- one row per week x geo x leaf channel (or `unmapped`): all weeks, all spend
with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

summed as (
    select
        media_rows.week,
        media_rows.geo,
        line_item_channels.channel_id,
        coalesce(sum(media_rows.spend), 0) as spend,
        coalesce(sum(media_rows.impressions), 0) as impressions,
        coalesce(sum(media_rows.clicks), 0) as clicks,
        count(distinct media_rows.line_item_id) as n_line_items
    from media_rows
    inner join line_item_channels
        on
            media_rows.line_item_id = line_item_channels.line_item_id
            and media_rows.activity_date >= line_item_channels.valid_from
            and media_rows.activity_date <= line_item_channels.valid_to
    group by media_rows.week, media_rows.geo, line_item_channels.channel_id
),

media_weekly as (
    select
        summed.week,
        summed.geo,
        summed.channel_id,
        summed.spend,
        summed.impressions,
        summed.clicks,
        summed.n_line_items,
        weeks.is_complete as is_complete_week
    from summed
    inner join weeks
        on summed.week = weeks.week
)

select * from media_weekly
