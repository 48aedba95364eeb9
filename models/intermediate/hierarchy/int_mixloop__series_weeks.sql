-- one row per media series x part of a week: media summed. The one pass over all rows that every
-- later sum is made from. Not behind the gate
with media_values as (
    select * from {{ ref('int_mixloop__media_values') }}
),

series as (
    select * from {{ ref('int_mixloop__media_series') }}
),

days as (
    select * from {{ ref('int_mixloop__media_days') }}
),

parts as (
    select
        series.series_number,
        -- rows whose date cannot be read have no week; they are blocking findings
        coalesce(days.part_start, date '0001-01-01') as part_start,
        min(days.activity_date) as first_date,
        max(days.activity_date) as last_date,
        bit_or(days.day_bit) as day_bits,
        count(*) as n_rows,
        count(*) filter (where not media_values.are_values_fine) as n_bad_rows,
        sum(media_values.spend) as spend,
        cast(sum(media_values.impressions) as decimal(38, 10)) as impressions,
        cast(sum(media_values.clicks) as decimal(38, 10)) as clicks,
        count(*) filter (
            where media_values.spend > 0 and coalesce(media_values.impressions, 0) = 0
        ) as n_spend_only,
        count(*) filter (
            where media_values.impressions > 0 and coalesce(media_values.spend, 0) = 0
        ) as n_impressions_only
    from media_values
    inner join series
        on media_values.series_hash = series.series_hash
    left join days
        on media_values.activity_date = days.activity_date
    group by series.series_number, coalesce(days.part_start, date '0001-01-01')
),

series_weeks as (
    select
        series_number,
        part_start,
        case
            when first_date is not null then {{ mixloop.week_start('part_start') }}
        end as week,
        first_date,
        last_date,
        day_bits,
        n_rows,
        n_bad_rows,
        spend,
        impressions,
        clicks,
        n_spend_only,
        n_impressions_only
    from parts
)

select * from series_weeks
