"""Clean rows and seeded defects of the dbt tests of the variance bridge."""

from tests.warehouse.defects import Case, rows

NODES = rows(
    "run_id, plan_id, geo, week, driver_id, driver_type, cause, variance_mean, forecast_mean, "
    "actual_mean",
    "'r', 'p', 'a', date '2024-01-01', 'tv', 'channel', 'spend', -3.0, null, null",
    "'r', 'p', 'a', date '2024-01-01', 'tv', 'channel', 'timing', 1.0, null, null",
    "'r', 'p', 'a', date '2024-01-01', 'tv', 'channel', 'total', -2.0, 9.0, 7.0",
    "'r', 'p', 'a', date '2024-01-01', 'total', 'total', 'total', 5.0, 50.0, 55.0",
)
CAUSES = (
    "spend", "media_price", "timing", "frequency", "context", "event", "restated", "mapping"
)  # fmt: skip


def period(geo: str, kind: str, name: str, week: str, k: float, n_weeks: int) -> str:
    """Return a literal row: forecast 50, actual 55, spend -3, timing 1, unexplained 7; times k."""
    causes = {"spend": -3.0, "timing": 1.0, "unexplained": 7.0}
    values = [str(causes[c] * k) if c in causes else "null" for c in (*CAUSES, "unexplained")]
    return (
        f"'{geo}{kind}{name}', 'r', 'p', '{geo}', 'kpi', '{kind}', '{name}', date '{week}', "
        f"{n_weeks}, {50.0 * k}, {55.0 * k}, {5.0 * k}, " + ", ".join(values)
    )


PERIODS = rows(
    "variance_period_id, run_id, plan_id, geo, node_id, period_type, period_id, first_week, "
    "n_weeks, forecast, actual, variance_mean, "
    + ", ".join(f"{cause}_mean" for cause in (*CAUSES, "unexplained")),
    *(
        row
        for geo, k in (("a", 1.0), ("b", 2.0), ("all", 3.0))
        for row in (
            period(geo, "week", "2024-01-29", "2024-01-29", k, 1),
            period(geo, "week", "2024-02-05", "2024-02-05", k, 1),
            period(geo, "month", "2024-01", "2024-01-29", k, 1),
            period(geo, "month", "2024-02", "2024-02-05", k, 1),
            period(geo, "quarter", "2024-Q1", "2024-01-29", 2 * k, 2),
        )
    ),
)
PERIOD = "{mixloop__variance_periods}"
RESTATEMENTS = rows(
    "run_id, earlier_run_id, component_id, cause, effect_before, effect_after, change",
    *(
        f"'r', 'q', '{name}', '{cause}', {before}, {after}, {change}"
        for name, k in (("tv", 1.0), ("radio", 2.0), ("all_media", 3.0))
        for cause, before, after, change in (
            ("new_weeks", "null", "null", 3.0 * k),
            ("sampler_noise", "null", "null", 0.0),
            ("configuration", "null", "null", -1.0 * k),
            ("total", 10.0 * k, 12.0 * k, 2.0 * k),
        )
    ),
)
RESTATED = "{mixloop__restatements}"
BRIDGE_DEFECTS = {
    "assert_variance_causes_sum_to_nodes": Case(
        tables={"mixloop__forecast_variance": NODES},
        defects={
            "a cause is too large": "update {mixloop__forecast_variance} set variance_mean = -3.1 "
            "where cause = 'spend'",
            "a cause is missing": "delete from {mixloop__forecast_variance} where cause = 'timing'",
            "a cause is null": "update {mixloop__forecast_variance} set variance_mean = null "
            "where cause = 'timing'",
            "no total": "delete from {mixloop__forecast_variance} where driver_id = 'tv' "
            "and cause = 'total'",
            "it does not lead to the effect": "update {mixloop__forecast_variance} "
            "set actual_mean = 7.1 where driver_id = 'tv'",
        },
    ),
    "assert_variance_periods_add_up": Case(
        tables={"mixloop__variance_periods": PERIODS},
        defects={
            "a cause is too large": f"update {PERIOD} set spend_mean = spend_mean - 0.1 "
            "where geo = 'a' and period_type = 'week'",
            "a cause has the other's part": f"update {PERIOD} set spend_mean = spend_mean + 1, "
            "timing_mean = timing_mean - 1 where period_type = 'quarter'",
            "what is unexplained has a cause's part": f"update {PERIOD} "
            "set context_mean = 1, unexplained_mean = unexplained_mean - 1 "
            "where period_type = 'month'",
            "it does not lead to the actual": f"update {PERIOD} set actual = actual + 1 "
            "where geo = 'b'",
            "a week is missing in its month": f"delete from {PERIOD} "
            "where period_id = '2024-02-05' and geo = 'a'",
            "a geo is missing in the whole": f"delete from {PERIOD} where geo = 'b'",
            "the variance is null": f"update {PERIOD} set variance_mean = null where geo = 'a'",
        },
    ),
    "assert_restatements_add_up": Case(
        tables={"mixloop__restatements": RESTATEMENTS},
        defects={
            "a cause is too large": f"update {RESTATED} set change = change + 0.1 "
            "where cause = 'new_weeks'",
            "a cause is missing": f"delete from {RESTATED} where cause = 'configuration'",
            "a total is missing": f"delete from {RESTATED} where cause = 'total' "
            "and component_id = 'tv'",
            "it does not lead to the later number": f"update {RESTATED} "
            "set effect_after = effect_after + 1 where component_id = 'tv'",
            "a channel is missing in the whole": f"delete from {RESTATED} "
            "where component_id = 'radio'",
            "a change is null": f"update {RESTATED} set change = null where cause = 'new_weeks'",
        },
    ),
}
