-- Additive components add up to the KPI in every run, geo and week, and the KPI is the outcome
-- that was observed. A week without an outcome has neither `kpi` nor `unexplained`; any other
-- null fails.
with contributions as (
    select * from {{ ref('mixloop__contributions') }}
),

model_outcomes as (
    select * from {{ ref('int_mixloop__model_outcomes') }}
),

observed as (
    select
        model_id,
        geo,
        week,
        outcome
    from model_outcomes
    union all
    select
        model_id,
        'all' as geo,
        week,
        case when count(outcome) = count(*) then sum(outcome) end as outcome
    from model_outcomes
    group by model_id, week
),

totals as (
    select
        run_id,
        model_id,
        geo,
        week,
        count(*) filter (where component_id = 'kpi') as n_kpi,
        max(contribution_mean) filter (where component_id = 'kpi') as kpi,
        sum(contribution_mean) filter (where is_additive) as parts,
        sum(abs(contribution_mean)) filter (where is_additive) as size,
        count(*) filter (where contribution_mean is null) as n_null,
        count(*) filter (where not coalesce(isfinite(contribution_mean), false)) as n_bad
    from contributions
    group by run_id, model_id, geo, week
),

compared as (
    select
        totals.*,
        observed.outcome
    from totals
    left join observed
        on
            totals.model_id = observed.model_id
            and totals.geo = observed.geo
            and totals.week = observed.week
),

offenders as (
    select *
    from compared
    where
        n_kpi != 1
        or case
            when outcome is null
                then not coalesce(kpi is null and n_null = 2 and n_bad = 2, false)
            else
                n_bad > 0
                or not coalesce(abs(parts - kpi) <= 1e-9 * (size + abs(kpi)), false)
                or not coalesce(abs(kpi - outcome) <= 1e-9 * abs(outcome), false)
        end
)

select * from offenders
