-- Every channel that today's runs fitted and that had money in the last year has a hypothesis, and
-- no hypothesis is without a range.
with hypotheses as (
    select * from {{ ref('mixloop__hypotheses') }}
),

performance as (
    select
        run_id,
        channel_id
    from {{ ref('mixloop__channel_performance') }}
    where
        period_id = 'last_52_weeks'
        and is_additive
        and effect_mean is not null  -- unmapped spend has none
        and spend > 0
),

offenders as (
    select
        coalesce(performance.run_id, hypotheses.run_id) as run_id,
        coalesce(performance.channel_id, hypotheses.channel_id) as channel_id,
        hypotheses.p_over,
        hypotheses.marginal_roi_p05,
        hypotheses.marginal_roi_p95
    from performance
    full join hypotheses
        on
            performance.run_id = hypotheses.run_id
            and performance.channel_id = hypotheses.channel_id
    where
        not coalesce(
            hypotheses.marginal_roi_p95 > hypotheses.marginal_roi_p05
            and hypotheses.movable_spend_p95 >= hypotheses.movable_spend_p05
            and hypotheses.gain_p95 >= hypotheses.gain_p05
            and isfinite(hypotheses.gain_mean),
            false
        )
)

select * from offenders
