-- A warning: weeks or prices have moved on since the newest run was trained.
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
        and signal in ('age', 'media_price')
        and coalesce(is_triggered, true)
)

select * from offenders
