with backtests as (
    select * from {{ ref('int_mixloop__backtests') }}
),

live_runs as (
    select
        run_id,
        model_id
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

-- the naive methods' scores beside every other's of the same weeks
naive as (
    select
        run_id as backtest_run_id,
        measure,
        week,
        max(crps) filter (where method = 'seasonal_naive') as seasonal_naive_crps,
        max(crps) filter (where method = 'drift') as drift_crps,
        max(crps) filter (where method = 'last_value') as last_value_crps
    from backtests
    group by run_id, measure, week
),

compared as (
    select
        backtests.*,
        naive.seasonal_naive_crps,
        naive.drift_crps,
        naive.last_value_crps
    from backtests
    inner join naive
        on
            backtests.run_id = naive.backtest_run_id
            and backtests.measure = naive.measure
            and backtests.week = naive.week
),

by_horizon as (
    select
        *,
        'all_weeks' as horizon
    from compared
    where measure = 'week'
    union all
    select
        *,
        concat(measure, '_', horizon_weeks) as horizon
    from compared
    where horizon_weeks in (1, 4, 13)
),

added as (
    select
        model_id,
        method,
        horizon,
        any_value(measure) as measure,
        max(horizon_weeks) as horizon_weeks,
        count(distinct run_id) as n_origins,
        min(origin_week) as first_origin_week,
        max(origin_week) as last_origin_week,
        count(*) as n_values,
        sum(actual order by origin_week, week) as actual,
        sum(abs(actual) order by origin_week, week) as size,
        sum(forecast_mean order by origin_week, week) as forecast,
        sum(absolute_error order by origin_week, week) as absolute_error,
        sum(
            absolute_error / abs(actual)
            order by origin_week, week
        ) filter (where actual != 0) as relative_error,
        count(*) filter (where actual != 0) as n_nonzero,
        sum(crps order by origin_week, week) as crps,
        count(*) filter (where is_in_50_range) as n_in_50_range,
        count(*) filter (where is_in_80_range) as n_in_80_range,
        count(*) filter (where is_in_90_range) as n_in_90_range,
        count(is_in_90_range) as n_ranges,
        sum(
            crps order by origin_week, week
        ) filter (where seasonal_naive_crps is not null) as crps_beside_seasonal_naive,
        sum(
            crps order by origin_week, week
        ) filter (where drift_crps is not null) as crps_beside_drift,
        sum(
            crps order by origin_week, week
        ) filter (where last_value_crps is not null) as crps_beside_last_value,
        sum(seasonal_naive_crps order by origin_week, week) as seasonal_naive_crps,
        sum(drift_crps order by origin_week, week) as drift_crps,
        sum(last_value_crps order by origin_week, week) as last_value_crps
    from by_horizon
    group by model_id, method, horizon
),

final as (
    select
        {{ mixloop.surrogate_key(['live_runs.run_id', 'added.method', 'added.horizon']) }}
            as backtest_score_id,
        live_runs.run_id,
        added.model_id,
        added.method,
        added.horizon,
        added.measure,
        added.horizon_weeks,
        added.n_origins,
        added.first_origin_week,
        added.last_origin_week,
        added.n_values,
        added.relative_error / nullif(added.n_nonzero, 0) as mape,
        added.absolute_error / nullif(added.size, 0) as wmape,
        (added.forecast - added.actual) / nullif(added.size, 0) as bias,
        added.crps / nullif(added.size, 0) as crps,
        added.n_in_50_range / nullif(added.n_ranges, 0) as coverage_50,
        added.n_in_80_range / nullif(added.n_ranges, 0) as coverage_80,
        added.n_in_90_range / nullif(added.n_ranges, 0) as coverage_90,
        1 - added.crps_beside_seasonal_naive / nullif(added.seasonal_naive_crps, 0)
            as skill_seasonal_naive,
        1 - added.crps_beside_drift / nullif(added.drift_crps, 0) as skill_drift,
        1 - added.crps_beside_last_value / nullif(added.last_value_crps, 0) as skill_last_value,
        (select publication.overrides from publication) as overrides
    from added
    inner join live_runs
        on added.model_id = live_runs.model_id
)

select * from final
