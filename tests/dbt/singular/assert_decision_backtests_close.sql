-- What would have come is what came and the gain in the window; the whole gain is that and what is
-- carried over; and where nothing is moved there is none.
with decision_backtests as (
    select * from {{ ref('mixloop__decision_backtests') }}
),

gaps as (
    select
        decision_backtest_id,
        abs(gain_mean - gain_in_window_mean - gain_after_mean)
        > 1e-9 * (abs(gain_in_window_mean) + abs(gain_after_mean)) as is_gain_open,
        abs(kpi_if_followed_mean - actual_kpi - gain_in_window_mean)
        > 1e-9 * (abs(actual_kpi) + abs(gain_in_window_mean)) as is_kpi_open,
        (actual_kpi is null) != (kpi_if_followed_mean is null) as is_kpi_alone,
        n_moved = 0 and (gain_mean != 0 or moved_spend != 0) as is_from_nothing,
        (p_gain is null) != (n_moved = 0) as is_chance_wrong,
        moved_spend > budget as is_too_much
    from decision_backtests
),

offenders as (
    select *
    from gaps
    where
        is_gain_open
        or is_kpi_open
        or is_kpi_alone
        or is_from_nothing
        or is_chance_wrong
        or is_too_much
)

select * from offenders
