with backtests as (
    select * from {{ ref('int_mixloop__backtests') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'method', 'measure', 'week']) }} as backtest_id,
        run_id,
        model_id,
        origin_week,
        method,
        measure,
        week,
        horizon_weeks,
        actual,
        forecast_mean,
        forecast_p05,
        forecast_p50,
        forecast_p95,
        absolute_error,
        crps,
        is_in_50_range,
        is_in_80_range,
        is_in_90_range,
        (select publication.overrides from publication) as overrides
    from backtests
)

select * from final
