with recommendations as (
    select * from {{ ref('int_mixloop__recommendations') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'channel_id']) }} as recommendation_id,
        run_id,
        model_id,
        plan_id,
        plan_source,
        as_of_week,
        first_week,
        last_week,
        horizon_weeks,
        channel_id,
        media_unit,
        spend_now,
        spend_recommended,
        spend_low,
        spend_high,
        change,
        held_by,
        effect_now_mean,
        effect_now_p05,
        effect_now_p50,
        effect_now_p95,
        effect_recommended_mean,
        effect_recommended_p05,
        effect_recommended_p50,
        effect_recommended_p95,
        effect_change_mean,
        effect_change_p05,
        effect_change_p50,
        effect_change_p95,
        gain_mean,
        gain_p05,
        gain_p50,
        gain_p95,
        p_better,
        n_moved,
        (select publication.overrides from publication) as overrides
    from recommendations
)

select * from final
