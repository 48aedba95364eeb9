-- one row per week x geo x channel that a line item is mapped to (or `unmapped`).
-- Not behind the gate: findings about spend are made from it.
with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

segments as (
    select * from {{ ref('int_mixloop__line_item_segments') }}
),

channel_weeks as (
    select
        media_rows.week,
        media_rows.geo,
        segments.channel_id,
        coalesce(sum(media_rows.spend), 0) as spend,
        coalesce(sum(media_rows.impressions), 0) as impressions,
        coalesce(sum(media_rows.clicks), 0) as clicks,
        count(distinct media_rows.line_item_id) as n_line_items
    from media_rows
    inner join segments
        on
            media_rows.line_item_id = segments.line_item_id
            and media_rows.activity_date >= segments.valid_from
            and media_rows.activity_date <= segments.valid_to
    group by media_rows.week, media_rows.geo, segments.channel_id
)

select * from channel_weeks
