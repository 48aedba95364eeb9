-- one row per prediction, as the ledger keeps it
{{ config(materialized='view') }}
with predictions as (
    select * from {{ ref('int_mixloop__decision_predictions') }}
),

prediction_records as (
    select
        'prediction' as record_kind,
        concat_ws('/', decision_id, model_id, revision) as record_id,
        model_id,
        run_id,
        run_as_of_week as as_of_week,
        {{ mixloop.record_content({
            'terms_hash': 'terms_hash',
            'approved_on': 'approved_on',
            'channel_id': 'node_id',
            'role': 'role',
            'channels': 'channels',
            'geos': 'geos',
            'start_week': 'start_week',
            'end_week': 'end_week',
            'spend_from': "format('{:.6f}', spend_from)",
            'spend_to': "format('{:.6f}', spend_to)",
            'run_basis': 'run_basis',
            'carryover_weeks': 'carryover_weeks',
            'effect_mean': "format('{:.6f}', effect_mean)",
            'effect_p05': "format('{:.6f}', effect_p05)",
            'effect_p50': "format('{:.6f}', effect_p50)",
            'effect_p95': "format('{:.6f}', effect_p95)",
            'window_effect_mean': "format('{:.6f}', window_effect_mean)",
            'window_effect_p05': "format('{:.6f}', window_effect_p05)",
            'window_effect_p50': "format('{:.6f}', window_effect_p50)",
            'window_effect_p95': "format('{:.6f}', window_effect_p95)",
        }) }} as content
    from predictions
)

select * from prediction_records
