-- one row per check x series of the checks whether outcomes can be what they say: zeros, values
-- that repeat, spend without any outcome
{%- set min_rows = 26 %}
with outcomes as (
    select
        concat(coalesce(kpi, '(no name)'), ' in ', geo) as series,
        geo,
        outcome_date as date,
        {{ mixloop.week_start('outcome_date') }} as week,
        outcome as value,
        source_file,
        source_row
    from {{ ref('stg_mixloop__outcomes') }}
    where year(outcome_date) between 1970 and 2100 and outcome is not null
    qualify row_number() over (
        partition by kpi, geo, outcome_date order by loaded_at desc nulls last, source_row desc
    ) = 1
),

windows as (
    select * from {{ ref('int_mixloop__event_windows') }}
),

series as (
    select
        series,
        count(*) as n_rows,
        min(date) filter (where value != 0) as first_date,
        max(date) filter (where value != 0) as last_date,
        min(source_file) as source_file
    from outcomes
    group by series
    having count(*) >= {{ min_rows }}
),

-- zeros in the middle, where the series hardly ever is zero
zeros as (
    select
        outcomes.series,
        outcomes.date,
        outcomes.week,
        outcomes.source_row,
        bool_or(windows.event_id is not null) as is_event
    from outcomes
    inner join series
        on
            outcomes.series = series.series
            and outcomes.date between series.first_date and series.last_date
    left join windows
        on
            outcomes.date between windows.first_date and windows.last_date
            and windows.geo in ('national', outcomes.geo)
    where outcomes.value = 0
    group by outcomes.series, outcomes.date, outcomes.week, outcomes.source_row
),

zero_series as (
    select
        series,
        count(*) as n_found,
        bool_and(is_event) as is_event,
        min(week) as first_week,
        max(week) as last_week,
        array_to_string(list(date order by date)[:5], ', ') as dates,
        array_to_string(list(source_row order by date)[:5], ', ') as source_rows
    from zeros
    group by series
),

zero_checks as (
    select
        'outcome_zero' as check_name,
        series.series,
        case
            when coalesce(zero_series.n_found, 0) = 0 then 'pass'
            when zero_series.n_found > 0.05 * series.n_rows then 'pass'
            when zero_series.is_event then 'info'
            else 'warn'
        end as severity,
        coalesce(zero_series.n_found, 0) / series.n_rows as measured,
        0.05 as threshold,
        coalesce(zero_series.n_found, 0) as n_found,
        zero_series.first_week,
        zero_series.last_week,
        series.source_file,
        zero_series.source_rows,
        concat(
            'the KPI is zero ', zero_series.n_found, ' time(s) between its first and its last',
            ' value, and hardly ever else: ', zero_series.dates,
            case when zero_series.n_found > 5 then ', ...' else '' end
        ) as problem,
        'delete the rows if the values are unknown; a zero counts as no sales at all' as remedy
    from series
    left join zero_series
        on series.series = zero_series.series
),

-- the same value again and again, where neighbours are hardly ever equal
neighbours as (
    select
        *,
        coalesce(value = lag(value) over (partition by series order by date), false) as is_same
    from outcomes
),

islands as (
    select
        *,
        sum(case when is_same then 0 else 1 end) over (
            partition by series order by date rows unbounded preceding
        ) as island
    from neighbours
),

runs as (
    select
        series,
        island,
        min(value) as value,
        count(*) as n_same,
        min(date) as first_date,
        min(week) as first_week,
        max(week) as last_week,
        list(source_row order by date)[:5] as source_rows,
        sum(count(*) - 1) over (partition by series) as n_same_in_series
    from islands
    group by series, island
),

-- how many runs of this length chance would make, were neighbours equal as often as elsewhere
stuck as (
    select runs.*
    from runs
    inner join series
        on runs.series = series.series
    where
        runs.n_same >= 3
        and runs.value != 0
        and series.n_rows * power(
            (runs.n_same_in_series - runs.n_same + 2) / series.n_rows, runs.n_same - 1
        ) < 0.02
),

stuck_series as (
    select
        series,
        sum(n_same) as n_found,
        max(n_same) as longest,
        arg_max(first_date, n_same) as longest_date,
        arg_max(cast(value as double), n_same) as longest_value,
        min(first_week) as first_week,
        max(last_week) as last_week,
        array_to_string(flatten(list(source_rows order by first_date))[:5], ', ') as source_rows
    from stuck
    group by series
),

stuck_checks as (
    select
        'outcome_stuck' as check_name,
        series.series,
        case when stuck_series.series is not null then 'warn' else 'pass' end as severity,
        cast(stuck_series.longest as double) as measured,
        3.0 as threshold,
        coalesce(stuck_series.n_found, 0) as n_found,
        stuck_series.first_week,
        stuck_series.last_week,
        series.source_file,
        stuck_series.source_rows,
        concat(
            'the KPI has exactly the same value (', stuck_series.longest_value, ') ',
            stuck_series.longest, ' times in a row from ', stuck_series.longest_date
        ) as problem,
        'check the export: a value carried forward is not an observation' as remedy
    from series
    left join stuck_series
        on series.series = stuck_series.series
),

-- weeks in which a geo has spend and not one KPI
geo_weeks as (
    select
        input_name,
        geo,
        week,
        bool_or(value_sum > 0) as has_value,
        min(source_file) as source_file
    from {{ ref('int_mixloop__input_weeks') }}
    where input_name in ('media', 'outcomes')
    group by input_name, geo, week
),

geos as (
    select
        geo,
        min(week) as first_week,
        max(week) as last_week,
        min(source_file) as source_file
    from geo_weeks
    where input_name = 'outcomes'
    group by geo
),

bare_weeks as (
    select
        media.geo,
        media.week
    from geo_weeks as media
    inner join geos
        on
            media.geo = geos.geo
            and media.week between geos.first_week and geos.last_week
    left join geo_weeks as outcomes
        on
            outcomes.input_name = 'outcomes'
            and media.geo = outcomes.geo
            and media.week = outcomes.week
    where media.input_name = 'media' and media.has_value and not coalesce(outcomes.has_value, false)
),

bare_geos as (
    select
        geo,
        count(*) as n_found,
        min(week) as first_week,
        max(week) as last_week,
        array_to_string(list(week order by week)[:5], ', ') as weeks
    from bare_weeks
    group by geo
),

bare_checks as (
    select
        'spend_without_outcome' as check_name,
        geos.geo as series,
        case when bare_geos.geo is not null then 'warn' else 'pass' end as severity,
        cast(bare_geos.n_found as double) as measured,
        0.0 as threshold,
        coalesce(bare_geos.n_found, 0) as n_found,
        bare_geos.first_week,
        bare_geos.last_week,
        geos.source_file,
        cast(null as varchar) as source_rows,
        concat(
            bare_geos.n_found, ' week(s) with spend and no outcome of any KPI: ', bare_geos.weeks,
            case when bare_geos.n_found > 5 then ', ...' else '' end
        ) as problem,
        'bring the outcomes of these weeks' as remedy
    from geos
    left join bare_geos
        on geos.geo = bare_geos.geo
),

checks as (
    select * from zero_checks
    union all
    select * from stuck_checks
    union all
    select * from bare_checks
),

outcome_checks as (
    select
        *,
        'outcomes' as input_name
    from checks
)

select * from outcome_checks
