-- one row per run, channel and revision of what was said of it
{{ config(materialized='view') }}
with published as (
    select * from {{ ref('int_mixloop__published_hypotheses') }}
),

final as (
    select
        'hypothesis' as record_kind,
        concat_ws('/', run_id, channel_id, revision) as record_id,
        model_id,
        run_id,
        as_of_week,
        {{ mixloop.record_content({
            'channel_id': 'channel_id',
            'revision': 'revision',
            'direction': 'direction',
            'p_over': "format('{:.6e}', p_over)",
            'hurdle_roi': "format('{:.6e}', hurdle_roi)",
            'weekly_spend': "format('{:.6e}', weekly_spend)",
            'best_weekly_spend': "format('{:.6e}', best_weekly_spend)",
            'marginal_roi_mean': "format('{:.6e}', marginal_roi_mean)",
            'marginal_roi_p05': "format('{:.6e}', marginal_roi_p05)",
            'marginal_roi_p95': "format('{:.6e}', marginal_roi_p95)",
            'movable_spend_mean': "format('{:.6e}', movable_spend_mean)",
            'movable_spend_p05': "format('{:.6e}', movable_spend_p05)",
            'movable_spend_p95': "format('{:.6e}', movable_spend_p95)",
            'gain_mean': "format('{:.6e}', gain_mean)",
            'gain_p05': "format('{:.6e}', gain_p05)",
            'gain_p95': "format('{:.6e}', gain_p95)",
        }) }} as content
    from published
)

select * from final
