-- one row per check x series of the checks whether media is complete in time
{%- set min_weeks = 26 %}
with media_weeks as (
    select
        *,
        impressions_sum > 0 or value_sum > 0 as is_active
    from {{ ref('int_mixloop__input_weeks') }}
    where input_name = 'media'
),

active_weeks as (
    select
        *,
        lag(week) over (partition by series order by week) as previous_week,
        lead(week) over (partition by series order by week) as next_week
    from media_weeks
    where is_active
),

bounds as (
    select
        max(week) filter (where input_name = 'media') as last_media_week,
        max(week) filter (where input_name = 'outcomes' and is_complete) as last_outcome_week,
        min(source_file) filter (where input_name = 'media') as source_file
    from {{ ref('int_mixloop__input_weeks') }}
),

series as (
    select
        series,
        min(source_file) as source_file,
        bool_or(is_daily) as is_daily,
        min(week) as first_week,
        max(week) as last_week,
        count(*) as n_active,
        cast(max(week) - min(week) as integer) // 7 + 1 as n_weeks,
        count(*) filter (where week - previous_week > 7) as n_gaps
    from active_weeks
    group by series
),

-- on air nearly all the time, with few interruptions: not a channel that comes in flights
always_on as (
    select *
    from series
    where
        n_weeks >= {{ min_weeks }}
        and n_active >= 0.8 * n_weeks
        and (n_gaps <= 3 or n_active >= 0.95 * n_weeks)
),

-- weeks missing
missing_weeks as (
    select
        active_weeks.series,
        cast(
            unnest(
                generate_series(
                    active_weeks.previous_week + 7, active_weeks.week - 7, interval 7 day
                )
            ) as date
        ) as week
    from active_weeks
    inner join always_on
        on active_weeks.series = always_on.series
    where active_weeks.week - active_weeks.previous_week > 7
),

-- a pause at the same time of another year is a habit
unusual_weeks as (
    select
        missing_weeks.series,
        missing_weeks.week,
        bool_or(others.week is not null) as is_habit
    from missing_weeks
    left join missing_weeks as others
        on
            missing_weeks.series = others.series
            and abs(abs(missing_weeks.week - others.week) - 364) <= 7
    group by missing_weeks.series, missing_weeks.week
),

week_gaps as (
    select
        series,
        count(*) filter (where not is_habit) as n_found,
        min(week) filter (where not is_habit) as first_week,
        max(week) filter (where not is_habit) as last_week,
        array_to_string(list(week order by week) filter (where not is_habit)[:5], ', ') as weeks
    from unusual_weeks
    group by series
),

week_checks as (
    select
        'media_weeks_missing' as check_name,
        always_on.series,
        case when week_gaps.n_found > 0 then 'warn' else 'pass' end as severity,
        always_on.n_active / always_on.n_weeks as measured,
        1.0 as threshold,
        coalesce(week_gaps.n_found, 0) as n_found,
        week_gaps.first_week,
        week_gaps.last_week,
        always_on.source_file,
        cast(null as varchar) as source_rows,
        concat(
            week_gaps.n_found, ' week(s) without media between the first and the last, in a series',
            ' that else always has some: ', week_gaps.weeks,
            case when week_gaps.n_found > 5 then ', ...' else '' end
        ) as problem,
        'bring the missing weeks; until then they count as no media' as remedy
    from always_on
    left join week_gaps
        on always_on.series = week_gaps.series
),

-- days missing: weekdays on which the series has rows in nine weeks of ten
days as (
    select unnest(range(7)) as number
),

weekdays as (
    select
        active_weeks.series,
        days.number,
        count(*) as n_weeks,
        count(*) filter (where (active_weeks.day_bits >> days.number) & 1 = 1) as n_active
    from active_weeks
    cross join days
    group by active_weeks.series, days.number
),

normal_days as (
    select
        series,
        bit_or(1 << cast(number as integer)) as day_mask,
        count(*) as n_days
    from weekdays
    where n_active >= 0.9 * n_weeks and n_weeks >= {{ min_weeks }}
    group by series
    having count(*) >= 2
),

-- weeks at the ends of a flight may be short
day_gaps as (
    select
        active_weeks.series,
        active_weeks.week,
        bit_count(normal_days.day_mask & ~active_weeks.day_bits) as n_missing
    from active_weeks
    inner join normal_days
        on active_weeks.series = normal_days.series
    where
        active_weeks.week - active_weeks.previous_week = 7
        and active_weeks.next_week - active_weeks.week = 7
        and normal_days.day_mask & ~active_weeks.day_bits != 0
),

day_gap_series as (
    select
        series,
        sum(n_missing) as n_found,
        min(week) as first_week,
        max(week) as last_week,
        count(*) as n_gap_weeks,
        array_to_string(list(week order by week)[:5], ', ') as weeks
    from day_gaps
    group by series
),

day_checks as (
    select
        'media_days_missing' as check_name,
        normal_days.series,
        case when day_gap_series.n_found > 0 then 'warn' else 'pass' end as severity,
        cast(day_gap_series.n_found as double) as measured,
        0.0 as threshold,
        coalesce(day_gap_series.n_found, 0) as n_found,
        day_gap_series.first_week,
        day_gap_series.last_week,
        series.source_file,
        cast(null as varchar) as source_rows,
        concat(
            day_gap_series.n_found, ' day(s) without media on weekdays that the series else has,',
            ' in the week(s) of ', day_gap_series.weeks,
            case when day_gap_series.n_gap_weeks > 5 then ', ...' else '' end
        ) as problem,
        'bring the missing days; until then they count as no media' as remedy
    from normal_days
    inner join series
        on normal_days.series = series.series
    left join day_gap_series
        on normal_days.series = day_gap_series.series
),

-- a series that ends before the others: a feed that broke, or media that was stopped
stop_checks as (
    select
        'media_stops_early' as check_name,
        always_on.series,
        case
            when bounds.last_media_week - always_on.last_week between 14 and 182 then 'warn'
            when bounds.last_media_week > always_on.last_week then 'info'
            else 'pass'
        end as severity,
        cast(bounds.last_media_week - always_on.last_week as integer) / 7 as measured,
        2.0 as threshold,
        cast(bounds.last_media_week - always_on.last_week as integer) // 7 as n_found,
        case when bounds.last_media_week > always_on.last_week then always_on.last_week + 7 end
            as first_week,
        case when bounds.last_media_week > always_on.last_week then bounds.last_media_week end
            as last_week,
        always_on.source_file,
        cast(null as varchar) as source_rows,
        concat(
            'a series that was always on ends with the week of ', always_on.last_week,
            '; other media go on to the week of ', bounds.last_media_week
        ) as problem,
        'bring the missing weeks; nothing to do if it was stopped on purpose' as remedy
    from always_on
    cross join bounds
),

end_checks as (
    select
        'media_ends_before_outcomes' as check_name,
        'all media' as series,
        case when last_outcome_week > last_media_week then 'warn' else 'pass' end as severity,
        greatest(cast(last_outcome_week - last_media_week as integer) / 7, 0) as measured,
        0.0 as threshold,
        greatest(cast(last_outcome_week - last_media_week as integer) // 7, 0) as n_found,
        case when last_outcome_week > last_media_week then last_media_week + 7 end as first_week,
        case when last_outcome_week > last_media_week then last_outcome_week end as last_week,
        source_file,
        cast(null as varchar) as source_rows,
        concat(
            'media end with the week of ', last_media_week, ', outcomes with that of ',
            last_outcome_week, ': the weeks between look like weeks without media'
        ) as problem,
        'bring media up to the last outcome, or leave these outcomes out' as remedy
    from bounds
    where last_media_week is not null and last_outcome_week is not null
),

checks as (
    select * from week_checks
    union all
    select * from day_checks
    union all
    select * from stop_checks
    union all
    select * from end_checks
),

media_gap_checks as (
    select
        *,
        'media' as input_name
    from checks
)

select * from media_gap_checks
