-- one row per event x geo x occurrence: first and last day it touches. Not behind the gate
{{ config(materialized='view') }}
with events as (
    select * from {{ ref('stg_mixloop__events') }}
    where event_date is not null
),

-- a window may reach over the new year, so one more year at both ends
years as (
    select unnest(generate_series(year(min(week)) - 1, year(max(week)) + 1)) as calendar_year
    from {{ ref('int_mixloop__input_weeks') }}
),

occurrences as (
    select
        event_id,
        geo,
        event_date,
        days_before,
        days_after
    from events
    where recurs != 'yearly'
    union all
    select
        events.event_id,
        events.geo,
        cast(
            events.event_date
            + to_years(cast(years.calendar_year - year(events.event_date) as integer))
            as date
        ) as event_date,
        events.days_before,
        events.days_after
    from events
    cross join years
    where events.recurs = 'yearly'
),

event_windows as (
    select
        event_id,
        geo,
        event_date - cast(days_before as integer) as first_date,
        event_date + cast(days_after as integer) as last_date
    from occurrences
)

select * from event_windows
