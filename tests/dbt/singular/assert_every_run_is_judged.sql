-- Every current live run has one verdict, made of every check, and the worst check decides.
with runs as (
    select * from {{ ref('mixloop__runs') }}
    where is_current
),

health as (
    select * from {{ ref('mixloop__model_health') }}
),

checks as (
    select
        run_id,
        count(*) as n_checks,
        count(distinct check_name) as n_names,
        coalesce(bool_or(status = 'fail'), false) as has_failed,
        coalesce(bool_or(status = 'care'), false) as needs_care
    from {{ ref('mixloop__health_checks') }}
    group by run_id
),

offenders as (
    select
        coalesce(runs.run_id, health.run_id) as run_id,
        health.verdict,
        checks.n_checks
    from runs
    full join health
        on runs.run_id = health.run_id
    left join checks
        on health.run_id = checks.run_id
    where
        not coalesce(
            runs.run_id is not null
            and checks.n_names = 12
            and checks.n_checks = 12
            and health.verdict = case
                when checks.has_failed then 'not for decisions'
                when checks.needs_care then 'usable with care'
                else 'sound'
            end,
            false
        )
)

select * from offenders
