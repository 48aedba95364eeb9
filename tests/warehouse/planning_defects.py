"""Clean rows and seeded defects of the dbt tests of recommendations and decision backtests."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

RECOMMENDATIONS = rows(
    "run_id, channel_id, spend_now, spend_recommended, spend_low, spend_high, p_better, n_moved",
    "'r', 'tv', 100.0, 90.0, 80.0, 120.0, 0.8, 2",
    "'r', 'search', 50.0, 60.0, 40.0, 60.0, 0.8, 2",
    "'r', 'radio', 0.0, 0.0, 0.0, 0.0, 0.8, 2",
    "'still', 'tv', 100.0, 100.0, 100.0, 100.0, cast(null as double), 0",
)
DECISIONS = rows(
    "decision_backtest_id, budget, moved_spend, n_moved, gain_mean, gain_in_window_mean, "
    "gain_after_mean, p_gain, actual_kpi, kpi_if_followed_mean",
    "'a', 1000.0, 80.0, 3, 12.0, 10.0, 2.0, 0.8, 500.0, 510.0",
    "'unknown', 1000.0, 80.0, 3, -12.0, -10.0, -2.0, 0.1, null, null",
    "'still', 1000.0, 0.0, 0, 0.0, 0.0, 0.0, null, 500.0, 500.0",
)
ADVICE = "update {mixloop__recommendations} set "
HINDSIGHT = "update {mixloop__decision_backtests} set "

PLANNING_DEFECTS = {
    "assert_recommendations_keep_the_budget": Case(
        tables={"mixloop__recommendations": RECOMMENDATIONS},
        defects={
            "money that is not in the plan": (
                f"{ADVICE}spend_recommended = 100.0 where channel_id = 'tv'"
            ),
            "above the upper bound": f"{ADVICE}spend_high = 59.0 where channel_id = 'search'",
            "below the lower bound": (
                f"{ADVICE}spend_low = 95.0 where channel_id = 'tv' and run_id = 'r'"
            ),
            "bounds without the plan": f"{ADVICE}spend_low = 101.0, spend_recommended = 101.0, "
            "spend_high = 120.0, spend_now = 100.0 where run_id = 'still'",
            "a move without a probability": f"{ADVICE}p_better = null where run_id = 'r'",
            "a probability without a move": f"{ADVICE}p_better = 0.5 where run_id = 'still'",
            "a probability above one": f"{ADVICE}p_better = 1.5 where run_id = 'r'",
        },
    ),
    "assert_decision_backtests_close": Case(
        tables={"mixloop__decision_backtests": DECISIONS},
        defects={
            "a gain of neither weeks": f"{HINDSIGHT}gain_mean = 13.0 "
            "where decision_backtest_id = 'a'",
            "another KPI than came": f"{HINDSIGHT}kpi_if_followed_mean = 511.0 "
            "where decision_backtest_id = 'a'",
            "a KPI from an unknown one": f"{HINDSIGHT}kpi_if_followed_mean = 511.0 "
            "where decision_backtest_id = 'unknown'",
            "a gain from nothing": f"{HINDSIGHT}gain_mean = 1.0, gain_in_window_mean = 1.0, "
            "kpi_if_followed_mean = 501.0 where decision_backtest_id = 'still'",
            "money moved by nothing": f"{HINDSIGHT}moved_spend = 1.0 "
            "where decision_backtest_id = 'still'",
            "a chance without a move": f"{HINDSIGHT}p_gain = 0.5 "
            "where decision_backtest_id = 'still'",
            "more moved than there was": f"{HINDSIGHT}moved_spend = 1001.0 "
            "where decision_backtest_id = 'a'",
        },
    ),
}
