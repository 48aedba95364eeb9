-- A warning: money has moved to other channels since the newest run was trained, or will.
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
        and signal in ('mix_shift', 'new_channel', 'dropped_channel')
        and coalesce(is_triggered, true)
)

select * from offenders
