-- one row per measurement of a decision, as the ledger keeps it
{{ config(materialized='view') }}
with measurements as (
    select * from {{ ref('int_mixloop__decision_measurements') }}
),

outcome_records as (
    select
        'outcome' as record_kind,
        concat_ws('/', decision_id, model_id, measured_by, measurement_id) as record_id,
        model_id,
        case measured_by when 'later_model' then source_id end as run_id,
        as_of_week,
        {{ mixloop.record_content({
            'terms_hash': 'terms_hash',
            'channel_id': 'node_id',
            'role': 'role',
            'measured_by': 'measured_by',
            'source_id': 'source_id',
            'start_week': 'start_week',
            'end_week': 'end_week',
            'carryover_weeks_seen': 'carryover_weeks_seen',
            'spend_actual': "format('{:.6f}', spend_actual)",
            'spend_counterfactual': "format('{:.6f}', spend_counterfactual)",
            'effect_mean': "format('{:.6f}', effect_mean)",
            'effect_p05': "format('{:.6f}', effect_p05)",
            'effect_p50': "format('{:.6f}', effect_p50)",
            'effect_p95': "format('{:.6f}', effect_p95)",
            'window_effect_mean': "format('{:.6f}', window_effect_mean)",
            'window_effect_p05': "format('{:.6f}', window_effect_p05)",
            'window_effect_p50': "format('{:.6f}', window_effect_p50)",
            'window_effect_p95': "format('{:.6f}', window_effect_p95)",
            'expected_mean': "format('{:.6f}', expected_mean)",
            'expected_window_mean': "format('{:.6f}', expected_window_mean)",
        }) }} as content
    from measurements
)

select * from outcome_records
