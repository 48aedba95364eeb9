-- one row per measure x series x week: price of impressions and clicks per impression against what
-- is usual, as logarithms. Taken within placements, so that a shift of budget from dear to cheap
-- ones is no change of price; names that differ in digits only (quarters, versions) are one
-- placement
with series as (
    select
        series_number,
        concat(coalesce(platform, '(no platform)'), ' in ', geo) as series,
        regexp_replace(
            concat_ws(chr(31), account, campaign, ad_group, line_item), '[0-9]+', '', 'g'
        ) as placement
    from {{ ref('int_mixloop__media_series') }}
),

placements as (
    select
        series_number,
        series,
        dense_rank() over (order by series, placement) as placement_number
    from series
),

placement_weeks as (
    select
        placements.series,
        placements.placement_number,
        weeks.week,
        cast(sum(weeks.spend) as double) as spend,
        cast(sum(weeks.impressions) as double) as impressions,
        cast(sum(weeks.clicks) as double) as clicks
    from {{ ref('int_mixloop__series_weeks') }} as weeks
    inner join placements
        on weeks.series_number = placements.series_number
    where weeks.week is not null
    group by placements.series, placements.placement_number, weeks.week
    having sum(weeks.impressions) > 0
),

measured as (
    select
        'media_price' as measure,
        series,
        placement_number,
        week,
        ln(spend / impressions) as log_rate,
        spend as weight
    from placement_weeks
    where spend > 0
    union all
    select
        'media_click_rate' as measure,
        series,
        placement_number,
        week,
        ln(clicks / impressions) as log_rate,
        impressions as weight
    from placement_weeks
    where clicks > 0
),

-- placements that are too young have no usual rate
usual as (
    select
        *,
        log_rate - median(log_rate) over (partition by measure, placement_number) as distance
    from measured
    qualify count(*) over (partition by measure, placement_number) >= 26
),

media_rates as (
    select
        measure,
        series,
        week,
        sum(weight * distance order by placement_number) / sum(weight order by placement_number)
            as log_value
    from usual
    group by measure, series, week
)

select * from media_rates
