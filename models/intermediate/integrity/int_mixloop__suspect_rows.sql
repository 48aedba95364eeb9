-- one row per check x series of media with rows to show: how many, what they hold, the first of
-- them. Only the weeks in question are read row by row
with platform_weeks as (
    select * from {{ ref('int_mixloop__platform_weeks') }}
),

series as (
    select
        series_hash,
        concat(coalesce(platform, '(no platform)'), ' in ', geo) as series,
        currency
    from {{ ref('int_mixloop__media_series') }}
),

one_sided_weeks as (
    select
        platform_weeks.series,
        platform_weeks.week,
        sum(platform_weeks.n_spend_only) as n_spend_only,
        sum(platform_weeks.n_impressions_only) as n_impressions_only
    from platform_weeks
    semi join {{ ref('int_mixloop__paired_series') }} as paired
        on platform_weeks.series = paired.series
    group by platform_weeks.series, platform_weeks.week
),

main_currency as (
    select currency
    from platform_weeks
    where currency is not null
    group by currency
    qualify row_number() over (order by sum(n_rows) desc, currency asc) = 1
),

flagged_weeks as (
    select
        'spend_without_impressions' as check_name,
        series,
        week
    from one_sided_weeks
    where n_spend_only > 0
    union all
    select
        'impressions_without_spend' as check_name,
        series,
        week
    from one_sided_weeks
    where n_impressions_only > 0
    union all
    select
        check_name,
        series,
        week
    from {{ ref('int_mixloop__unusual_weeks') }}
    where starts_with(check_name, 'media_')
    group by check_name, series, week
    union all
    select
        'currency_mix' as check_name,
        platform_weeks.series,
        platform_weeks.week
    from platform_weeks
    cross join main_currency
    where platform_weeks.currency != main_currency.currency
    group by platform_weeks.series, platform_weeks.week
),

flagged as (
    select
        flagged_weeks.check_name,
        case flagged_weeks.check_name when 'currency_mix' then 'all media' else series.series end
            as series,
        series.series_hash,
        flagged_weeks.week
    from flagged_weeks
    inner join series
        on flagged_weeks.series = series.series
    left join main_currency
        on series.currency = main_currency.currency
    where
        flagged_weeks.check_name != 'currency_mix'
        or (series.currency is not null and main_currency.currency is null)
),

suspect_rows as (
    select
        flagged.check_name,
        flagged.series,
        count(*) as n_rows,
        cast(coalesce(sum(facts.spend), 0) as double) as spend,
        cast(coalesce(sum(facts.impressions), 0) as double) as impressions,
        min(facts.source_row, 5) as first_rows
    from {{ ref('int_mixloop__media_facts') }} as facts
    inner join flagged
        on
            facts.series_hash = flagged.series_hash
            and {{ mixloop.week_start('facts.activity_date') }} = flagged.week
    where
        case flagged.check_name
            when 'spend_without_impressions'
                then facts.spend > 0 and coalesce(facts.impressions, 0) = 0
            when 'impressions_without_spend'
                then facts.impressions > 0 and coalesce(facts.spend, 0) = 0
            else true
        end
    group by flagged.check_name, flagged.series
)

select * from suspect_rows
