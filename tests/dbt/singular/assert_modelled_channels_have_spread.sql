-- An estimate without a range is not an estimate: every modelled channel that had any exposure in
-- the period has 5% and 95% bounds that differ.
with channel_performance as (
    select * from {{ ref('mixloop__channel_performance') }}
    where is_estimated and is_additive
),

offenders as (
    select *
    from channel_performance
    where
        not coalesce(effect_p05 < effect_p95 and isfinite(effect_p95), false)
        and effect_mean is distinct from 0
)

select * from offenders
