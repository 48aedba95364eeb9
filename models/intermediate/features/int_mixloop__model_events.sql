-- one row per model x geo x week x event that touches it, history and future.
-- National events hold in every geo; where a geo has the event too, the longer cover counts.
with model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

events as (
    select * from {{ ref('int_mixloop__events_weekly') }}
),

model_events as (
    select
        model_geos.model_id,
        model_geos.geo,
        events.week,
        events.event_id,
        max(events.value) as value
    from model_geos
    inner join events
        on events.geo in (model_geos.geo, 'national')
    group by model_geos.model_id, model_geos.geo, events.week, events.event_id
)

select * from model_events
