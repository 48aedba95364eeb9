-- A warning: the newest run's channels, or the KPI, keep missing on the same side.
{{ config(severity='warn') }}

with staleness as (
    select * from {{ ref('mixloop__staleness') }}
),

offenders as (
    select
        run_id,
        model_id,
        channel_id,
        signal,
        measured,
        threshold,
        sentence,
        remedy
    from staleness
    where
        is_newest
        and signal in ('misses')
        and coalesce(is_triggered, true)
)

select * from offenders
