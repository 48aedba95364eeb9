with run_facts as (
    select * from {{ ref('int_mixloop__run_facts') }}
    where {{ mixloop.is_run_known('as_of_week') }}
),

pruned_runs as (
    select * from {{ ref('int_mixloop__runs_without_draws') }}
    where {{ mixloop.is_run_known('as_of_week') }}
),

run_scores as (
    select * from {{ ref('int_mixloop__run_scores') }}
),

-- The live run that today's inputs call for is its model's present answer.
current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

-- a run outlives its draws
runs as (
    select
        run_id,
        model_id,
        run_kind,
        kpi,
        kpi_form,
        as_of_week,
        first_training_week,
        n_training_weeks,
        n_geos,
        n_channels,
        n_pooled_channels,
        n_terms,
        rhat_max,
        ess_bulk_min,
        ess_tail_min,
        n_chains,
        n_sweeps,
        n_draws,
        is_converged,
        seed,
        data_hash,
        config_hash,
        code_hash,
        configuration,
        versions,
        dropped,
        fit_seconds,
        peak_memory_mib,
        pools,
        false as is_pruned
    from run_facts
    union all
    select
        run_id,
        model_id,
        run_kind,
        kpi,
        kpi_form,
        as_of_week,
        first_training_week,
        n_training_weeks,
        n_geos,
        n_channels,
        n_pooled_channels,
        n_terms,
        rhat_max,
        ess_bulk_min,
        ess_tail_min,
        n_chains,
        n_sweeps,
        n_draws,
        is_converged,
        seed,
        data_hash,
        config_hash,
        code_hash,
        configuration,
        versions,
        dropped,
        fit_seconds,
        peak_memory_mib,
        pools,
        true as is_pruned
    from pruned_runs
),

judged as (
    select
        runs.*,
        current_runs.run_id is not null as is_current,
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
        is_pruned,
        case
            when is_current then (select publication.overrides from publication)
        end as overrides
    from flagged
)

select * from final
