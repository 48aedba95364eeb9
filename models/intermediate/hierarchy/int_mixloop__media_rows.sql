-- one row per row of the media input: read once here, because every later step needs it.
-- Not behind the gate: the findings are made from it.
with media as (
    select * from {{ ref('stg_mixloop__media') }}
),

keyed as (
    select
        {{ mixloop.line_item_key() }} as line_item_id,
        activity_date,
        {{ mixloop.week_start('activity_date') }} as week,
        platform,
        account,
        campaign,
        ad_group,
        line_item,
        geo,
        spend,
        impressions,
        clicks,
        currency,
        loaded_at,
        source_file,
        source_row,
        input_errors
    from media
)

select * from keyed
