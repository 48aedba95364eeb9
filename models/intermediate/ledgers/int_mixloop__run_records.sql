-- one row per run that still has its draws: what the ledger keeps of it; seconds and memory differ
-- from machine to machine and are left out
{{ config(materialized='view') }}
with facts as (
    select * from {{ ref('int_mixloop__run_facts') }}
),

final as (
    select
        'run' as record_kind,
        run_id as record_id,
        model_id,
        run_id,
        as_of_week,
        {{ mixloop.record_content({
            'run_kind': 'run_kind',
            'kpi': 'kpi',
            'kpi_form': 'kpi_form',
            'first_training_week': 'first_training_week',
            'n_training_weeks': 'n_training_weeks',
            'n_geos': 'n_geos',
            'n_channels': 'n_channels',
            'n_terms': 'n_terms',
            'pools': 'pools',
            'rhat_max': "format('{:.4f}', rhat_max)",
            'ess_bulk_min': "format('{:.1f}', ess_bulk_min)",
            'ess_tail_min': "format('{:.1f}', ess_tail_min)",
            'is_converged': 'is_converged',
            'n_chains': 'n_chains',
            'n_sweeps': 'n_sweeps',
            'n_draws': 'n_draws',
            'seed': 'seed',
            'data_hash': 'data_hash',
            'config_hash': 'config_hash',
            'code_hash': 'code_hash',
            'draws_hash': 'draws_hash',
            'configuration': 'configuration',
            'versions': 'versions',
            'dropped': 'dropped',
        }) }} as content
    from facts
)

select * from final
