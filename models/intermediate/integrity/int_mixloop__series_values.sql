-- one row per measure x series x week whose size is checked: logarithms, because what is checked
-- are ratios. Weeks that still grow and values that are not above zero are left out
with weeks as (
    select * from {{ ref('int_mixloop__input_weeks') }}
    where is_complete
),

event_weeks as (
    select
        weeks.input_name,
        weeks.series,
        weeks.week
    from weeks
    inner join {{ ref('int_mixloop__event_windows') }} as windows
        on
            weeks.week <= windows.last_date
            and weeks.week + 6 >= windows.first_date
            and windows.geo in ('national', weeks.geo)
    group by weeks.input_name, weeks.series, weeks.week
),

measured as (
    select
        *,
        'media_spend' as measure,
        cast(value_sum as double) as value
    from weeks
    where input_name = 'media'
    union all
    select
        *,
        'media_impressions' as measure,
        cast(impressions_sum as double) as value
    from weeks
    where input_name = 'media'
    union all
    select
        *,
        input_name as measure,
        cast(value_sum as double) / case input_name when 'context' then n_rows else 1 end as value
    from weeks
    where input_name in ('outcomes', 'context')
),

-- a variable that is often zero (a promotion, a campaign switch) has no level to be far from
flags as (
    select
        input_name,
        series
    from weeks
    where input_name = 'context' and value_sum <= 0
    group by input_name, series
),

sizes as (
    select
        measured.measure,
        measured.input_name,
        measured.series,
        measured.week,
        ln(measured.value) as log_value,
        event_weeks.week is not null as is_event,
        measured.first_rows,
        measured.source_file
    from measured
    left join event_weeks
        on
            measured.input_name = event_weeks.input_name
            and measured.series = event_weeks.series
            and measured.week = event_weeks.week
    left join flags
        on
            measured.input_name = flags.input_name
            and measured.series = flags.series
    where measured.value > 0 and flags.series is null
),

-- prices and click rates, for the weeks that are checked
rates as (
    select
        rates.measure,
        weeks.input_name,
        weeks.series,
        weeks.week,
        rates.log_value,
        event_weeks.week is not null as is_event,
        weeks.first_rows,
        weeks.source_file
    from {{ ref('int_mixloop__media_rates') }} as rates
    inner join weeks
        on
            weeks.input_name = 'media'
            and rates.series = weeks.series
            and rates.week = weeks.week
    left join event_weeks
        on
            weeks.input_name = event_weeks.input_name
            and weeks.series = event_weeks.series
            and weeks.week = event_weeks.week
),

series_values as (
    select * from sizes
    union all
    select * from rates
)

select * from series_values
