-- one row per check x platform: media against what finance has booked, by month and over all
-- booked months. Platform names are compared in lower case
{%- set tolerance = var('mixloop__finance_tolerance') %}
{%- set blocking_gap = var('mixloop__finance_blocking_gap') %}
with platform_weeks as (
    select
        *,
        lower(platform) as platform_key,
        bit_count(day_bits) > 1 as has_days
    from {{ ref('int_mixloop__platform_weeks') }}
),

-- finance that was loaded again later: the newest load counts
booked_rows as (
    select * from {{ ref('stg_mixloop__finance') }}
    where month is not null and platform is not null and year(month) between 1970 and 2100
    qualify
        rank() over (
            partition by lower(platform), month order by loaded_at desc nulls last
        ) = 1
),

booked_months as (
    select
        lower(platform) as platform_key,
        month,
        coalesce(sum(spend), 0) as booked,
        min(source_row) as source_row,
        min(source_file) as source_file
    from booked_rows
    group by lower(platform), month
),

-- spend that is brought by week is spread over its days; what lies in a week that the month cuts
-- may belong to either month, and is no gap
grains as (
    select
        series,
        not bool_or(has_days) as is_weekly
    from platform_weeks
    group by series
),

weekly_spend as (
    select
        platform_weeks.platform_key,
        platform_weeks.first_date,
        platform_weeks.spend
    from platform_weeks
    inner join grains
        on platform_weeks.series = grains.series
    where grains.is_weekly
),

media_parts as (
    select
        platform_weeks.platform_key,
        platform_weeks.month,
        platform_weeks.spend,
        0 as uncertain
    from platform_weeks
    inner join grains
        on platform_weeks.series = grains.series
    where not grains.is_weekly
    union all
    select
        platform_key,
        cast(date_trunc('month', first_date) as date) as month,
        spend * least(
            cast(last_day(first_date) - first_date as integer) + 1, 7
        ) / 7 as spend,
        case when last_day(first_date) - first_date < 6 then spend else 0 end as uncertain
    from weekly_spend
    union all
    select
        platform_key,
        cast(date_trunc('month', first_date + 6) as date) as month,
        spend * (6 - cast(last_day(first_date) - first_date as integer)) / 7 as spend,
        spend as uncertain
    from weekly_spend
    where last_day(first_date) - first_date < 6
),

media_months as (
    select
        platform_key,
        month,
        -- decimal: a sum of doubles would depend on the order of the rows
        sum(cast(spend as decimal(38, 6))) as spent,
        sum(uncertain) as uncertain
    from media_parts
    group by platform_key, month
),

-- months that the media input covers whole
covered as (
    select
        min(platform_weeks.first_date) as first_date,
        max(platform_weeks.last_date + case when grains.is_weekly then 6 else 0 end) as last_date
    from platform_weeks
    inner join grains
        on platform_weeks.series = grains.series
),

spans as (
    select
        platform_key,
        min(month) as first_month,
        max(month) as last_month
    from booked_months
    group by platform_key
),

months as (
    select
        platform_key,
        month
    from booked_months
    union all
    select
        media_months.platform_key,
        media_months.month
    from media_months
    inner join spans
        on
            media_months.platform_key = spans.platform_key
            and media_months.month between spans.first_month and spans.last_month
),

compared as (
    select
        months.platform_key,
        months.month,
        min(coalesce(booked_months.booked, 0)) as booked,
        min(coalesce(media_months.spent, 0)) as spent,
        min(coalesce(media_months.uncertain, 0)) as uncertain,
        min(booked_months.source_row) as source_row,
        min(booked_months.source_file) as source_file
    from months
    cross join covered
    left join booked_months
        on
            months.platform_key = booked_months.platform_key
            and months.month = booked_months.month
    left join media_months
        on
            months.platform_key = media_months.platform_key
            and months.month = media_months.month
    where covered.first_date <= months.month and covered.last_date >= last_day(months.month)
    group by months.platform_key, months.month
),

measured as (
    select
        *,
        cast(spent - booked as double) as gap,
        greatest(
            abs(cast(spent - booked as double)) - cast(uncertain as double), 0
        ) as sure_gap,
        greatest(abs(cast(booked as double)), 0.005) as size
    from compared
),

month_gaps as (
    select
        *,
        sure_gap > {{ tolerance }} * size as is_gap
    from measured
),

month_checks as (
    select
        'finance_month_gap' as check_name,
        platform_key as series,
        case when count(*) filter (where is_gap) > 0 then 'warn' else 'pass' end as severity,
        max(sure_gap / size) as measured,
        {{ tolerance }} as threshold,
        count(*) filter (where is_gap) as n_found,
        min(month) filter (where is_gap) as first_week,
        max(month) filter (where is_gap) as last_week,
        min(source_file) as source_file,
        array_to_string((list(source_row order by month) filter (where is_gap))[:5], ', ')
            as source_rows,
        concat(
            'media and finance differ in ', count(*) filter (where is_gap), ' of ', count(*),
            ' month(s): ',
            array_to_string(
                (
                    list(
                        concat(
                            strftime(month, '%Y-%m'), ' media ', cast(spent as decimal(38, 2)),
                            ', booked ', cast(booked as decimal(38, 2))
                        )
                        order by abs(gap) desc, month
                    ) filter (where is_gap)
                )[:3],
                '; '
            )
        ) as problem,
        'ask finance for open or late invoices, and the platform for its billing report' as remedy
    from month_gaps
    group by platform_key
),

-- in a booked month all money counts, in either direction
totals as (
    select
        platform_key,
        sum(cast(spent as double) order by month) as spent,
        sum(cast(booked as double) order by month) as booked,
        max(cast(uncertain as double)) as uncertain,
        min(month) as first_month,
        max(month) as last_month,
        count(*) as n_months,
        min(source_file) as source_file,
        array_to_string(list(source_row order by month)[:5], ', ') as source_rows
    from measured
    where source_row is not null
    group by platform_key
),

total_gaps as (
    select
        *,
        greatest(abs(spent - booked) - uncertain, 0) / greatest(abs(booked), 0.005) as gap
    from totals
),

total_checks as (
    select
        'finance_gap' as check_name,
        platform_key as series,
        case when gap > {{ blocking_gap }} then 'blocking' else 'pass' end as severity,
        gap as measured,
        {{ blocking_gap }} as threshold,
        case when gap > {{ blocking_gap }} then n_months else 0 end as n_found,
        first_month as first_week,
        last_month as last_week,
        source_file,
        source_rows,
        concat(
            'over ', n_months, ' booked month(s) media has ', cast(spent as decimal(38, 2)),
            ' and finance ', cast(booked as decimal(38, 2)), ' (',
            printf('%+.1f', 100 * (spent - booked) / greatest(abs(booked), 0.005)), '%)'
        ) as problem,
        case
            when spent = 0
                then 'use the platform names of media in finance, or bring this platform in media'
            else 'find the missing accounts or invoices; check currency, fees and taxes'
        end as remedy
    from total_gaps
),

-- a platform without any booking can be compared with nothing
bookings as (
    select count(*) as n_bookings
    from booked_months
),

media_source as (
    select min(source_file) as source_file
    from {{ ref('stg_mixloop__input_columns') }}
    where input_name = 'media'
),

media_platforms as (
    select
        platform_weeks.platform_key,
        sum(platform_weeks.spend) as spend,
        any_value(media_source.source_file) as source_file
    from platform_weeks
    cross join media_source
    group by platform_weeks.platform_key
),

unbooked as (
    select
        'finance_not_booked' as check_name,
        media_platforms.platform_key as series,
        case when spans.platform_key is null then 'info' else 'pass' end as severity,
        cast(null as double) as measured,
        cast(null as double) as threshold,
        case when spans.platform_key is null then 1 else 0 end as n_found,
        cast(null as date) as first_week,
        cast(null as date) as last_week,
        media_platforms.source_file,
        cast(null as varchar) as source_rows,
        concat(
            'finance has no booking of this platform: its spend (',
            cast(media_platforms.spend as decimal(38, 2)), ') was compared with nothing'
        ) as problem,
        'bring its bookings in finance, under the platform name of media' as remedy
    from media_platforms
    cross join bookings
    left join spans
        on media_platforms.platform_key = spans.platform_key
    where media_platforms.spend > 0 and bookings.n_bookings > 0
),

checks as (
    select * from month_checks
    union all
    select * from total_checks
    union all
    select * from unbooked
),

finance_checks as (
    select
        *,
        'finance' as input_name
    from checks
)

select * from finance_checks
