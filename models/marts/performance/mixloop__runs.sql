with posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

run_scores as (
    select * from {{ ref('int_mixloop__run_scores') }}
),

-- The live run that today's inputs call for is its model's present answer.
current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
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
        any_value(configuration) as configuration,
        any_value(versions) as versions,
        any_value(dropped) as dropped,
        any_value(fit_seconds) as fit_seconds,
        any_value(peak_memory_mib) as peak_memory_mib
    from posterior
    group by run_id
),

judged as (
    select
        runs.*,
        current_runs.run_id is not null as is_current,
        run_pools.pools,
        in_sample.r2,
        in_sample.nrmse,
        in_sample.mape,
        in_sample.spread_with_level,
        out_of_sample.mape as out_of_sample_mape,
        out_of_sample.skill as out_of_sample_skill,
        out_of_sample.coverage_90 as out_of_sample_coverage_90,
        seasonal_naive.mape as seasonal_naive_mape
    from runs
    left join current_runs
        on runs.run_id = current_runs.run_id
    left join run_pools
        on runs.run_id = run_pools.run_id
    left join run_scores as in_sample
        on
            runs.run_id = in_sample.run_id
            and in_sample.method = 'mixloop'
            and in_sample.sample = 'in_sample'
    left join run_scores as out_of_sample
        on
            runs.run_id = out_of_sample.run_id
            and out_of_sample.method = 'mixloop'
            and out_of_sample.sample = 'out_of_sample'
    left join run_scores as seasonal_naive
        on
            runs.run_id = seasonal_naive.run_id
            and seasonal_naive.method = 'seasonal_naive'
            and seasonal_naive.sample = 'out_of_sample'
),

flagged as (
    select
        *,
        nullif(
            concat_ws(
                '; ',
                case
                    when not is_converged
                        then
                            concat(
                                'not converged: worst R-hat ',
                                coalesce(format('{:.3f}', rhat_max), 'unknown'),
                                ', smallest effective sample ',
                                coalesce(
                                    format('{:.0f}', least(ess_bulk_min, ess_tail_min)), 'unknown'
                                ),
                                '; raise mixloop__max_sweeps'
                            )
                end,
                case
                    when n_training_weeks < {{ var('mixloop__min_history_weeks') }}
                        then
                            concat(
                                'short history: ',
                                n_training_weeks,
                                ' weeks, {{ var('mixloop__min_history_weeks') }} would be enough'
                            )
                end,
                case
                    when out_of_sample_skill <= {{ var('mixloop__min_skill') }}
                        then 'forecasts are no better than the same week of last year'
                end,
                case
                    when out_of_sample_coverage_90 < {{ var('mixloop__coverage_warn') }}
                        then 'ranges are too narrow: held-out weeks fall outside them too often'
                end,
                case
                    when
                        kpi_form = 'additive'
                        and spread_with_level > {{ var('mixloop__spread_warn') }}
                        then
                            'errors grow with the level of the KPI: compare with kpi_form '
                            || 'multiplicative'
                    when
                        kpi_form = 'multiplicative'
                        and spread_with_level < -{{ var('mixloop__spread_warn') }}
                        then
                            'errors shrink with the level of the KPI: compare with kpi_form '
                            || 'additive'
                end
            ),
            ''
        ) as flags
    from judged
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        run_id,
        model_id,
        run_kind,
        is_current,
        kpi,
        kpi_form,
        as_of_week,
        first_training_week,
        n_training_weeks,
        n_geos,
        n_channels,
        n_pooled_channels,
        n_terms,
        is_converged,
        rhat_max,
        ess_bulk_min,
        ess_tail_min,
        r2,
        nrmse,
        mape,
        out_of_sample_mape,
        out_of_sample_skill,
        out_of_sample_coverage_90,
        seasonal_naive_mape,
        flags,
        n_chains,
        n_sweeps,
        n_draws,
        seed,
        data_hash,
        config_hash,
        code_hash,
        configuration,
        versions,
        dropped,
        pools,
        fit_seconds,
        peak_memory_mib,
        case
            when is_current then (select publication.overrides from publication)
        end as overrides
    from flagged
)

select * from final
