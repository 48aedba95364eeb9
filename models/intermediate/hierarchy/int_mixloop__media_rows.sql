-- one row per row of the media input, with its line item and its week. A view: names are looked up
-- by what is written in the row, whichever program asks. Not behind the gate
{{ config(materialized='view') }}
with facts as (
    select * from {{ ref('int_mixloop__media_facts') }}
),

series as (
    select * from {{ ref('int_mixloop__media_series') }}
),

media_rows as (
    select
        series.series_number,
        series.line_item_id,
        facts.activity_date,
        {{ mixloop.week_start('facts.activity_date') }} as week,
        series.platform,
        series.account,
        series.campaign,
        series.ad_group,
        series.line_item,
        series.geo,
        facts.spend,
        facts.impressions,
        facts.clicks,
        facts.reach,
        facts.frequency,
        series.currency,
        facts.loaded_at,
        facts.source_file,
        facts.source_row,
        facts.input_errors
    from facts
    inner join series
        on
            {{ mixloop.is_written_alike('facts', 'series') }}
)

select * from media_rows
