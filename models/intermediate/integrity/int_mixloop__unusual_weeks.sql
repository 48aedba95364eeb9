-- one row per check x series x week: outliers, lasting changes of level, price jumps, and what may
-- explain them
{%- set jump = var('mixloop__jump_ratio') %}
{%- set outlier_z = var('mixloop__outlier_z') %}
{%- set min_weeks = 26 %}
with levels as (
    select * from {{ ref('int_mixloop__series_levels') }}
),

-- spend moves by decision, so it must be further away before it looks like a mistake
outliers as (
    select *
    from levels
    where
        measure not in ('media_click_rate', 'media_impressions')
        and n_weeks >= {{ min_weeks }}
        and abs(robust_z) >= {{ outlier_z }}
        and abs(plain_z) >= {{ outlier_z }}
        and abs(distance) >= ln({{ jump }}) * case measure when 'media_spend' then 2 else 1 end
        and (distance > 0 or is_inside)
),

-- what comes again at the same time of another year is a season
seasonal_outliers as (
    select
        outliers.measure,
        outliers.series,
        outliers.week
    from outliers
    inner join levels as others
        on
            outliers.measure = others.measure
            and outliers.series = others.series
            and abs(abs(outliers.week - others.week) - 364) <= 7
            and sign(outliers.distance) = sign(others.distance)
            and abs(others.distance) >= abs(outliers.distance) / 2
    group by outliers.measure, outliers.series, outliers.week
),

-- spend that bought as many more impressions is a campaign and no slip of the pen
moved as (
    select
        series,
        week,
        distance
    from levels
    where measure = 'media_impressions'
),

judged_outliers as (
    select
        outliers.measure,
        outliers.series,
        outliers.week,
        outliers.distance as change,
        outliers.first_rows,
        'is far from the weeks around it' as what,
        case
            when outliers.is_event then 'an event'
            when seasonal_outliers.week is not null then 'the same in another year'
            when moved.week is not null then 'and impressions with it'
        end as reason
    from outliers
    left join seasonal_outliers
        on
            outliers.measure = seasonal_outliers.measure
            and outliers.series = seasonal_outliers.series
            and outliers.week = seasonal_outliers.week
    left join moved
        on
            outliers.measure = 'media_spend'
            and outliers.series = moved.series
            and outliers.week = moved.week
            and sign(outliers.distance) = sign(moved.distance)
            and abs(moved.distance) >= abs(outliers.distance) / 2
),

shifts as (
    select
        *,
        abs(short_shift + step) as clearness
    from levels
    where
        measure in ('outcomes', 'media_price', 'media_click_rate')
        and n_weeks >= {{ min_weeks }}
        and n_before >= 7
        and n_after >= 7
        and sign(short_shift) = sign(long_shift)
        and abs(short_shift) >= ln({{ jump }})
        and abs(long_shift) >= ln({{ jump }})
        and abs(short_shift) >= {{ outlier_z }} * spread
),

-- of the weeks around one change the one where the step is
clearest_shifts as (
    select *
    from shifts
    qualify clearness = max(clearness) over (
        partition by measure, series order by week
        range between interval 42 day preceding and interval 42 day following
    )
),

seasonal_shifts as (
    select
        shifts.measure,
        shifts.series,
        shifts.week
    from clearest_shifts as shifts
    inner join levels as others
        on
            shifts.measure = others.measure
            and shifts.series = others.series
            and abs(abs(shifts.week - others.week) - 364) <= 21
            and sign(shifts.short_shift) = sign(others.short_shift)
            and abs(others.short_shift) >= abs(shifts.short_shift) / 2
    group by shifts.measure, shifts.series, shifts.week
),

judged_shifts as (
    select
        shifts.measure,
        shifts.series,
        shifts.week,
        shifts.long_shift as change,
        shifts.first_rows,
        'begins a new level' as what,
        case when seasonal_shifts.week is not null then 'the same in another year' end as reason
    from clearest_shifts as shifts
    left join seasonal_shifts
        on
            shifts.measure = seasonal_shifts.measure
            and shifts.series = seasonal_shifts.series
            and shifts.week = seasonal_shifts.week
),

unusual_weeks as (
    select
        case measure
            when 'outcomes' then 'outcome_outlier'
            when 'context' then 'context_outlier'
            when 'media_spend' then 'media_outlier'
            else 'media_price_jump'
        end as check_name,
        *
    from judged_outliers
    union all
    select
        case measure
            when 'outcomes' then 'outcome_level_shift'
            when 'media_click_rate' then 'media_click_rate_shift'
            else 'media_price_jump'
        end as check_name,
        *
    from judged_shifts
)

select * from unusual_weeks
