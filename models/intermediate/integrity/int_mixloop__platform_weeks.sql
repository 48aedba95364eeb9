-- one row per platform x geo x currency x week x month: media summed. The integrity checks of
-- media are made from it. Not behind the gate
with weeks as (
    select * from {{ ref('int_mixloop__series_weeks') }}
    where week is not null
),

series as (
    select * from {{ ref('int_mixloop__media_series') }}
),

platform_weeks as (
    select
        concat(coalesce(series.platform, '(no platform)'), ' in ', series.geo) as series,
        coalesce(series.platform, '(no platform)') as platform,
        series.geo,
        series.currency,
        weeks.week,
        cast(date_trunc('month', weeks.first_date) as date) as month,
        min(weeks.first_date) as first_date,
        max(weeks.last_date) as last_date,
        -- bit n is set when the n-th day of the week has a row
        bit_or(weeks.day_bits) as day_bits,
        cast(sum(weeks.n_rows) as bigint) as n_rows,
        cast(sum(weeks.n_bad_rows) as bigint) as n_bad_rows,
        coalesce(sum(weeks.spend), 0) as spend,
        coalesce(sum(weeks.impressions), 0) as impressions,
        coalesce(sum(weeks.clicks), 0) as clicks,
        cast(sum(weeks.n_spend_only) as bigint) as n_spend_only,
        cast(sum(weeks.n_impressions_only) as bigint) as n_impressions_only
    from weeks
    inner join series
        on weeks.series_number = series.series_number
    group by
        coalesce(series.platform, '(no platform)'),
        series.geo,
        series.currency,
        weeks.week,
        cast(date_trunc('month', weeks.first_date) as date)
)

select * from platform_weeks
