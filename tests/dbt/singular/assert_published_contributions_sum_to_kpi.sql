-- What was published about a week adds up to its KPI, under every mapping version.
with published as (
    select * from {{ ref('mixloop__published_contributions') }}
),

sums as (
    select
        run_id,
        mapping_version,
        week,
        sum(contribution_mean) filter (where is_additive) as parts,
        count(*) filter (where is_additive and contribution_mean is null) as n_unknown,
        any_value(contribution_mean) filter (where component_id = 'kpi') as kpi
    from published
    group by run_id, mapping_version, week
)

select *
from sums
where
    (kpi is not null and not coalesce(abs(parts - kpi) <= 1e-6 * greatest(1, abs(kpi)), false))
    or (kpi is not null and n_unknown > 0)
    or (kpi is null and n_unknown = 0)
