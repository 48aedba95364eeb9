-- one row per model x geo x week x event that touches it, history and future. National events and
-- holidays hold in every geo; where a geo has the event too, the longer cover counts
with model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

events as (
    select * from {{ ref('int_mixloop__events_weekly') }}
),

holiday_weeks as (
    select * from {{ ref('int_mixloop__holiday_weeks') }}
),

model_holidays as (
    select * from {{ ref('int_mixloop__model_holidays') }}
    where treatment in ('own_column', 'grouped')
),

client_events as (
    select
        model_geos.model_id,
        model_geos.geo,
        events.week,
        events.event_id,
        events.value
    from model_geos
    inner join events
        on events.geo in (model_geos.geo, 'national')
),

-- days of different holidays add up; two on one day are one day
holidays as (
    select
        holiday_weeks.model_id,
        holiday_weeks.week,
        model_holidays.column_event_id as event_id,
        least(sum(holiday_weeks.value order by holiday_weeks.event_id), 1.0) as value
    from holiday_weeks
    inner join model_holidays
        on
            holiday_weeks.model_id = model_holidays.model_id
            and holiday_weeks.event_id = model_holidays.event_id
    group by holiday_weeks.model_id, holiday_weeks.week, model_holidays.column_event_id
),

all_events as (
    select * from client_events
    union all
    select
        model_geos.model_id,
        model_geos.geo,
        holidays.week,
        holidays.event_id,
        holidays.value
    from model_geos
    inner join holidays
        on model_geos.model_id = holidays.model_id
),

model_events as (
    select
        model_id,
        geo,
        week,
        event_id,
        max(value) as value
    from all_events
    group by model_id, geo, week, event_id
)

select * from model_events
