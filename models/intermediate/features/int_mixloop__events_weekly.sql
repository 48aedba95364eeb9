-- one row per event x geo x week that the event touches, history and future
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with events as (
    select * from {{ ref('stg_mixloop__events') }}
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

-- a window may reach over the new year, so one more year at both ends
spine_years as (
    select unnest(generate_series(year(min(week)) - 1, year(max(week_end)) + 1)) as calendar_year
    from weeks
),

occurrences as (
    select
        event_id,
        geo,
        event_date,
        days_before,
        days_after
    from events
    where recurs = 'none'
    union all
    -- the 29th of February falls on the 28th in other years
    select
        events.event_id,
        events.geo,
        cast(
            events.event_date
            + to_years(cast(spine_years.calendar_year - year(events.event_date) as integer))
            as date
        ) as event_date,
        events.days_before,
        events.days_after
    from events
    cross join spine_years
    where events.recurs = 'yearly'
),

window_days as (
    select
        event_id,
        geo,
        cast(
            unnest(
                generate_series(
                    event_date - cast(days_before as integer),
                    event_date + cast(days_after as integer),
                    interval 1 day
                )
            ) as date
        ) as covered_date
    from occurrences
),

-- windows of one event may overlap: a day counts once
covered_days as (
    select
        event_id,
        geo,
        covered_date,
        {{ mixloop.week_start('covered_date') }} as week
    from window_days
    group by event_id, geo, covered_date
),

labels as (
    select
        event_id,
        min(label) as label
    from events
    group by event_id
),

events_weekly as (
    select
        covered_days.event_id,
        covered_days.geo,
        covered_days.week,
        cast(count(*) as double) / 7 as value,
        labels.label
    from covered_days
    inner join weeks
        on covered_days.week = weeks.week
    inner join labels
        on covered_days.event_id = labels.event_id
    group by covered_days.event_id, covered_days.geo, covered_days.week, labels.label
)

select * from events_weekly
