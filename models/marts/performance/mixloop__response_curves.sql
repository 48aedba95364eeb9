with response_curves as (
    select * from {{ ref('int_mixloop__response_curves') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'response_curves.channel_id', 'point']) }}
            as response_curve_id,
        response_curves.run_id,
        response_curves.model_id,
        response_curves.channel_id,
        channel_tree.label,
        response_curves.point,
        response_curves.media_unit,
        response_curves.is_pooled,
        response_curves.weekly_exposure,
        response_curves.weekly_spend,
        response_curves.weekly_frequency,
        response_curves.response_mean,
        response_curves.response_p05,
        response_curves.response_p50,
        response_curves.response_p95,
        response_curves.marginal_response_mean,
        response_curves.marginal_response_p05,
        response_curves.marginal_response_p50,
        response_curves.marginal_response_p95,
        response_curves.current_weekly_exposure,
        response_curves.planned_weekly_exposure,
        response_curves.observed_max_exposure,
        response_curves.is_in_observed_range,
        (select publication.overrides from publication) as overrides
    from response_curves
    left join channel_tree
        on response_curves.channel_id = channel_tree.channel_id
)

select * from final
