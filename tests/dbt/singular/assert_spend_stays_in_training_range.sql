-- A warning: weeks since training or a plan are beyond all the newest run was trained on.
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
        and signal in ('spend_range', 'carryover_range', 'budget_range')
        and coalesce(is_triggered, true)
)

select * from offenders
