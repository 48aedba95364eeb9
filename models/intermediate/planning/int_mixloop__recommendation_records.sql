-- one row per recommendation of a current run, as the ledger keeps it
{{ config(materialized='view') }}
with recommendations as (
    select * from {{ ref('int_mixloop__recommendations') }}
),

channels as (
    select
        *,
        [
            channel_id,
            format('{:.2f}', spend_now),
            format('{:.2f}', spend_recommended),
            format('{:.2f}', spend_low),
            format('{:.2f}', spend_high),
            format('{:.2f}', effect_change_mean),
            format('{:.2f}', effect_change_p05),
            format('{:.2f}', effect_change_p95)
        ] as cells
    from recommendations
),

plans as (
    select
        run_id,
        plan_id,
        any_value(model_id) as model_id,
        any_value(plan_source) as plan_source,
        any_value(as_of_week) as as_of_week,
        any_value(first_week) as first_week,
        any_value(last_week) as last_week,
        any_value(format('{:.2f}', gain_mean)) as gain_mean,
        any_value(format('{:.2f}', gain_p05)) as gain_p05,
        any_value(format('{:.2f}', gain_p95)) as gain_p95,
        any_value(format('{:.3f}', p_better)) as p_better,
        list(cells order by channel_id) as channel_rows
    from channels
    group by run_id, plan_id
),

final as (
    select
        'recommendation' as record_kind,
        concat_ws('/', run_id, plan_id) as record_id,
        model_id,
        run_id,
        as_of_week,
        {{ mixloop.record_content(
            {
                'plan_id': 'plan_id',
                'plan_source': 'plan_source',
                'first_week': 'first_week',
                'last_week': 'last_week',
                'gain_mean': 'gain_mean',
                'gain_p05': 'gain_p05',
                'gain_p95': 'gain_p95',
                'p_better': 'p_better',
                'columns': "'channel_id, spend_now, spend_recommended, spend_low, spend_high, "
                    ~ "effect_change_mean, effect_change_p05, effect_change_p95'",
            },
            lists={'rows': 'channel_rows'},
        ) }} as content
    from plans
)

select * from final
