-- one row per repeated media row, and per stretch of media that no model can use
with series_weeks as (
    select
        series.line_item_id,
        series.geo,
        weeks.*
    from {{ ref('int_mixloop__media_series') }} as series
    inner join {{ ref('int_mixloop__series_weeks') }} as weeks
        on series.series_number = weeks.series_number
),

-- More rows than days: only there can a row be repeated, and only these weeks are read row by row.
crowded_weeks as (
    select
        line_item_id,
        geo,
        week
    from series_weeks
    where week is not null
    group by line_item_id, geo, week, part_start
    having sum(n_rows) > bit_count(bit_or(day_bits))
),

media_rows as (
    select
        media_rows.*,
        hash(
            media_rows.line_item_id, media_rows.activity_date, media_rows.geo, media_rows.currency,
            media_rows.spend, media_rows.impressions, media_rows.clicks
        ) as row_hash
    from {{ ref('int_mixloop__media_rows') }} as media_rows
    semi join crowded_weeks
        on
            media_rows.line_item_id = crowded_weeks.line_item_id
            and media_rows.geo = crowded_weeks.geo
            and media_rows.week = crowded_weeks.week
    where media_rows.spend > 0 or media_rows.impressions > 0
),

repeated_hashes as (
    select
        row_hash,
        min(source_row) as first_row
    from media_rows
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
    where media_rows.source_row > repeated_hashes.first_row
),

last_outcome as (
    select max({{ mixloop.week_start('outcome_date') }}) as week
    from {{ ref('stg_mixloop__outcomes') }}
),

late_media as (
    select
        count(distinct series_weeks.week) as n_weeks,
        min(series_weeks.week) as first_week,
        max(series_weeks.week) as last_week,
        -- media run ahead of outcomes by days or weeks; by half a year and more a date is wrong
        max(series_weeks.week) > max(last_outcome.week) + 182 as is_far,
        coalesce(sum(series_weeks.spend), 0) as spend
    from series_weeks
    inner join last_outcome
        on series_weeks.week > last_outcome.week
),

media_source as (
    select min(source_file) as source_file
    from {{ ref('stg_mixloop__input_columns') }}
    where input_name = 'media'
),

media_after_outcomes as (
    select
        'media_after_outcomes' as check_name,
        case when late_media.is_far then 'warn' else 'info' end as severity,
        'media' as input_name,
        media_source.source_file,
        cast(null as bigint) as source_row,
        'date' as column_name,
        cast(late_media.first_week as varchar) as value,
        concat(
            late_media.n_weeks, ' weeks of media (spend ', cast(late_media.spend as decimal(38, 2)),
            ') lie after the last outcome and are not used for training',
            case
                when late_media.is_far then concat('; the last is that of ', late_media.last_week)
                else ''
            end
        ) as problem,
        case
            when late_media.is_far then 'correct the dates of rows that lie in the future'
            else 'bring the outcomes of these weeks when they are in'
        end as remedy
    from late_media
    cross join media_source
    where late_media.n_weeks > 0
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
