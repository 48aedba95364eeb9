-- one row per channel: how a project's own model reads a public table of the package
with performance as (
    select * from {{ ref('mixloop', 'mixloop__channel_performance') }}
),

final as (
    select
        channel_id,
        label,
        spend,
        roi_p05,
        roi_p50,
        roi_p95
    from performance
    where period_id = 'last_52_weeks' and is_estimated
)

select * from final
