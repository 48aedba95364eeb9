-- one row per measure x series x week: how far the week is from the weeks around it, and how far
-- the weeks after it are from those before. Medians, so that one week moves nothing; logarithms,
-- so that a distance is a ratio; plain_z beside robust_z, because a logarithm makes much of values
-- near zero
with series_values as (
    select * from {{ ref('int_mixloop__series_values') }}
),

local_levels as (
    select
        *,
        median(log_value) over around as level_around,
        lag(week) over weeks as previous_week,
        lead(week) over weeks as next_week,
        count(*) over (partition by measure, series) as n_weeks
    from series_values
    window
        weeks as (partition by measure, series order by week),
        around as (
            partition by measure, series order by week rows between 6 preceding and 6 following
        )
),

spreads as (
    select
        measure,
        series,
        greatest(1.4826 * mad(log_value - level_around), 0.01) as spread,
        greatest(1.4826 * mad(exp(log_value - level_around)), 0.01) as plain_spread
    from local_levels
    group by measure, series
),

-- weeks of an event say nothing about a level
steps as (
    select
        measure,
        series,
        week,
        log_value - lag(log_value) over weeks as step,
        median(log_value) over four_after - median(log_value) over four_before as short_shift,
        median(log_value) over all_after - median(log_value) over all_before as long_shift,
        count(*) over all_before as n_before,
        count(*) over all_after as n_after
    from series_values
    where not is_event
    window
        weeks as (partition by measure, series order by week),
        four_before as (
            partition by measure, series order by week rows between 4 preceding and 1 preceding
        ),
        four_after as (
            partition by measure, series order by week rows between current row and 3 following
        ),
        all_before as (
            partition by measure, series order by week rows between 13 preceding and 1 preceding
        ),
        all_after as (
            partition by measure, series order by week rows between current row and 12 following
        )
),

levels as (
    select
        local_levels.*,
        spreads.spread,
        local_levels.log_value - local_levels.level_around as distance,
        (local_levels.log_value - local_levels.level_around) / spreads.spread as robust_z,
        (exp(local_levels.log_value - local_levels.level_around) - 1) / spreads.plain_spread
            as plain_z,
        coalesce(local_levels.week - local_levels.previous_week = 7, false)
        and coalesce(local_levels.next_week - local_levels.week = 7, false) as is_inside,
        steps.step,
        steps.short_shift,
        steps.long_shift,
        steps.n_before,
        steps.n_after
    from local_levels
    inner join spreads
        on
            local_levels.measure = spreads.measure
            and local_levels.series = spreads.series
    left join steps
        on
            local_levels.measure = steps.measure
            and local_levels.series = steps.series
            and local_levels.week = steps.week
)

select * from levels
