-- one row per run that still has its draws: what the run says about itself
{{ config(materialized='view') }}
with posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

pools as (
    select
        run_id,
        pool_id,
        list(distinct component_id order by component_id) as channel_ids
    from posterior
    where pool_id is not null
    group by run_id, pool_id
),

run_pools as (
    select
        run_id,
        concat(
            '{',
            string_agg(concat(to_json(pool_id), ': ', to_json(channel_ids)), ', ' order by pool_id),
            '}'
        ) as pools
    from pools
    group by run_id
),

-- One row a run: its facts are the same on all its rows. A term without an R-hat or an effective
-- sample size has not been judged, so the run's worst is unknown, not fine.
runs as (
    select
        run_id,
        any_value(model_id) as model_id,
        any_value(run_kind) as run_kind,
        any_value(kpi) as kpi,
        coalesce(any_value(kpi_form), 'additive') as kpi_form,
        any_value(as_of_week) as as_of_week,
        any_value(first_training_week) as first_training_week,
        any_value(n_training_weeks) as n_training_weeks,
        count(distinct geo) as n_geos,
        count(distinct component_id) filter (where term_type = 'channel') as n_channels,
        count(distinct component_id) filter (where pool_id is not null) as n_pooled_channels,
        count(*) as n_terms,
        case when count(rhat) = count(*) then max(rhat) end as rhat_max,
        case when count(ess_bulk) = count(*) then min(ess_bulk) end as ess_bulk_min,
        case when count(ess_tail) = count(*) then min(ess_tail) end as ess_tail_min,
        any_value(n_chains) as n_chains,
        any_value(n_sweeps) as n_sweeps,
        any_value(n_draws) as n_draws,
        bool_and(is_converged) as is_converged,
        any_value(seed) as seed,
        any_value(data_hash) as data_hash,
        any_value(config_hash) as config_hash,
        any_value(code_hash) as code_hash,
        any_value(draws_hash) as draws_hash,
        any_value(configuration) as configuration,
        any_value(versions) as versions,
        any_value(dropped) as dropped,
        any_value(fit_seconds) as fit_seconds,
        any_value(peak_memory_mib) as peak_memory_mib
    from posterior
    group by run_id
),

facts as (
    select
        runs.*,
        run_pools.pools
    from runs
    left join run_pools
        on runs.run_id = run_pools.run_id
)

select * from facts
