-- Geo `all` is the sum of the geos, for every run, week and component. Where one geo's outcome is
-- missing, `all` is null as well.
with contributions as (
    select * from {{ ref('mixloop__contributions') }}
),

totals as (
    select
        run_id,
        week,
        component_id,
        count(*) filter (where geo = 'all') as n_all,
        max(contribution_mean) filter (where geo = 'all') as all_geos,
        sum(contribution_mean) filter (where geo != 'all') as geos,
        sum(abs(contribution_mean)) filter (where geo != 'all') as size,
        count(*) filter (where geo != 'all') as n_geos,
        count(*) filter (where geo != 'all' and contribution_mean is null) as n_null,
        count(*) filter (where isnan(contribution_mean)) as n_nan
    from contributions
    group by run_id, week, component_id
),

offenders as (
    select *
    from totals
    where
        n_all != 1
        or n_geos = 0
        or n_nan > 0
        or case
            when n_null > 0 then all_geos is not null
            else not coalesce(abs(all_geos - geos) <= 1e-9 * size, false)
        end
)

select * from offenders
