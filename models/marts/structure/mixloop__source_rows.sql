-- A view: as many rows as the media input has, and few of them are asked for at a time.
{{ config(materialized='view') }}
with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['media_rows.source_file', 'media_rows.source_row']) }}
            as source_row_id,
        media_rows.week,
        media_rows.activity_date,
        media_rows.geo,
        media_rows.line_item_id,
        media_rows.platform,
        media_rows.account,
        media_rows.campaign,
        media_rows.ad_group,
        media_rows.line_item,
        line_item_channels.channel_id,
        line_item_channels.rule_id,
        line_item_channels.rule_label,
        cast(media_rows.spend as decimal(18, 6)) as spend,
        cast(media_rows.impressions as decimal(28, 10)) as impressions,
        cast(media_rows.clicks as decimal(28, 10)) as clicks,
        media_rows.source_file,
        cast(media_rows.source_row as bigint) as source_row
    from media_rows
    inner join line_item_channels
        on
            media_rows.line_item_id = line_item_channels.line_item_id
            and media_rows.activity_date >= line_item_channels.valid_from
            and media_rows.activity_date <= line_item_channels.valid_to
)

select * from final
