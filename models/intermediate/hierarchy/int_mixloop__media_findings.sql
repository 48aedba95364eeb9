-- one row per repeated media row, and per stretch of media that no model can use
{{ config(materialized='view') }}
with media_rows as (
    select
        *,
        hash(line_item_id, activity_date, geo, spend, impressions, clicks) as row_hash
    from {{ ref('int_mixloop__media_rows') }}
),

repeated_hashes as (
    select
        row_hash,
        min(source_row) as first_row
    from media_rows
    where spend > 0 or impressions > 0
    group by row_hash
    having count(*) > 1
),

repeated_rows as (
    select
        'repeated_media_row' as check_name,
        'warn' as severity,
        'media' as input_name,
        media_rows.source_file,
        media_rows.source_row,
        'date' as column_name,
        concat_ws(
            ' / ',
            media_rows.activity_date, media_rows.platform, media_rows.account, media_rows.campaign,
            media_rows.ad_group, media_rows.line_item, media_rows.geo
        ) as value,
        concat(
            'the row equals row ', repeated_hashes.first_row, ' in everything; a spend of ',
            cast(media_rows.spend as decimal(18, 2)), ' counts once more'
        ) as problem,
        'delete the row if it was exported twice; it is kept until then' as remedy
    from media_rows
    inner join repeated_hashes
        on media_rows.row_hash = repeated_hashes.row_hash
    where
        media_rows.source_row > repeated_hashes.first_row
        and (media_rows.spend > 0 or media_rows.impressions > 0)
),

last_outcome as (
    select max({{ mixloop.week_start('outcome_date') }}) as week
    from {{ ref('stg_mixloop__outcomes') }}
),

late_media as (
    select
        count(distinct media_rows.week) as n_weeks,
        min(media_rows.week) as first_week,
        min(media_rows.source_file) as source_file,
        coalesce(sum(media_rows.spend), 0) as spend
    from media_rows
    inner join last_outcome
        on media_rows.week > last_outcome.week
),

media_after_outcomes as (
    select
        'media_after_outcomes' as check_name,
        'info' as severity,
        'media' as input_name,
        source_file,
        cast(null as bigint) as source_row,
        'date' as column_name,
        cast(first_week as varchar) as value,
        concat(
            n_weeks, ' weeks of media (spend ', cast(spend as decimal(38, 2)),
            ') lie after the last outcome and are not used for training'
        ) as problem,
        'bring the outcomes of these weeks when they are in' as remedy
    from late_media
    where n_weeks > 0
),

model_geos as (
    select geo
    from {{ ref('int_mixloop__defined_geos') }}
    group by geo
),

geo_spend as (
    select
        geo,
        sum(spend) as spend,
        sum(sum(spend)) over () as total_spend
    from {{ ref('int_mixloop__channel_weeks') }}
    group by geo
),

geos_without_model as (
    select
        'media_geo_without_model' as check_name,
        'warn' as severity,
        'media' as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        'geo' as column_name,
        geo_spend.geo as value,
        concat(
            'no model covers this geo: ',
            round(100 * cast(geo_spend.spend as double) / cast(geo_spend.total_spend as double), 2),
            '% of all spend explains no outcome'
        ) as problem,
        'use the geo names of outcomes in media, or add the geo to a model' as remedy
    from geo_spend
    left join model_geos
        on geo_spend.geo = model_geos.geo
    where model_geos.geo is null and geo_spend.spend > 0
),

findings as (
    select * from repeated_rows
    union all
    select * from media_after_outcomes
    union all
    select * from geos_without_model
)

select * from findings
