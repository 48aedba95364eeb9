-- A warning, not an error: a run that has not converged is published with its flag, so that a build
-- over night still brings the other tables. Raise mixloop__warmup and mixloop__max_sweeps.
{{ config(severity='warn') }}

with runs as (
    select * from {{ ref('mixloop__runs') }}
),

offenders as (
    select
        run_id,
        model_id,
        run_kind,
        as_of_week,
        rhat_max,
        ess_bulk_min,
        ess_tail_min,
        flags
    from runs
    where
        not coalesce(
            is_converged
            and not isnan(rhat_max)
            and (
                run_kind in ('backtest', 'specification')
                or (rhat_max < 1.01 and ess_bulk_min >= 400 and ess_tail_min >= 400)
            ),
            false
        )
)

select * from offenders
