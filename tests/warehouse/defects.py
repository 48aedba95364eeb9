"""One entry for every dbt test of the project: rows on which it passes, and ways to break them.

`DEFECTS` maps a test's name (the file in tests/dbt/singular or tests/dbt/generic, without its
ending) to a `Case`. A new test needs a new entry, or test_seeded_defects.py fails. Rows are
made by hand and are the smallest that hold the claim.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Tables on which a test passes and statements after each of which it must not.

    Attributes
    ----------
    tables : dict
        Model or seed name to a query that makes its rows.
    defects : dict
        What is wrong to the statement that makes it so. Table names are written `{model}`.
    attached_to : str
        Generic tests: the model whose instance of the test is run.
    arguments : dict
        Generic tests: choose the instance with these arguments where a model has several.
    """

    tables: dict[str, str]
    defects: dict[str, str]
    attached_to: str = ""
    arguments: dict | None = None


def rows(columns: str, *values: str) -> str:
    """Return a query of literal rows."""
    return f"select * from (values {', '.join(f'({v})' for v in values)}) as t({columns})"


CONTRIBUTIONS = rows(
    "run_id, model_id, geo, week, component_id, component_type, parent_id, is_additive, "
    "contribution_mean",
    *(
        f"'r', 'm', '{geo}', date '2024-01-01', {part}"
        for geo, k in (("a", 1), ("b", 2), ("all", 3))
        for part in (
            f"'media', 'channel', null, false, {3.0 * k}",
            f"'tv', 'channel', 'media', true, {1.0 * k}",
            f"'web', 'channel', 'media', true, {2.0 * k}",
            f"'level', 'level', null, true, {6.0 * k}",
            f"'unexplained', 'unexplained', null, true, {1.0 * k}",
            f"'kpi', 'kpi', null, false, {10.0 * k}",
        )
    ),
    # a week whose outcome is missing in one geo
    *(
        f"'r', 'm', '{geo}', date '2024-01-08', {part}"
        for geo, k, known in (("a", 1, True), ("b", 2, False), ("all", 3, False))
        for part in (
            f"'level', 'level', null, true, {9.0 * k}",
            f"'unexplained', 'unexplained', null, true, {1.0 if known else 'null'}",
            f"'kpi', 'kpi', null, false, {10.0 if known else 'null'}",
        )
    ),
)
OUTCOMES = rows(
    "model_id, geo, week, outcome",
    "'m', 'a', date '2024-01-01', 10.0",
    "'m', 'b', date '2024-01-01', 20.0",
    "'m', 'a', date '2024-01-08', 10.0",
    "'m', 'b', date '2024-01-08', cast(null as double)",
)
FIRST_WEEK = "week = date '2024-01-01'"

HASHED = (
    "run_id, plan_id, revision, geo, week, component_id, planned_value, planned_spend, "
    "forecast_mean, forecast_p05, forecast_p50, forecast_p95"
)
HASH_PARTS = ", ".join(f"coalesce(cast({name} as varchar), '')" for name in HASHED.split(", "))
FORECASTS = rows(
    f"{HASHED}, is_additive",
    "'r', 'p', 1, 'all', date '2024-01-01', 'tv', 5.0, 5.0, 1.0, 0.5, 1.0, 1.5, true",
    "'r', 'p', 1, 'all', date '2024-01-01', 'level', null, null, 9.0, 8.5, 9.0, 9.5, true",
    "'r', 'p', 1, 'all', date '2024-01-01', 'kpi', null, null, 10.0, 8.0, 10.0, 12.0, false",
)
KEPT = (
    f"select *, md5(concat_ws(chr(31), {HASH_PARTS})) as content_hash, "
    f"cast(null as double) as planned_frequency from ({FORECASTS})"
)

LIVE = rows(
    "run_id, plan_id, geo, week, component_id, forecast_mean, forecast_kind",
    "'r', 'p', 'all', date '2024-01-01', 'kpi', 10.0, 'live'",
    "'old', 'p', 'all', date '2023-01-02', 'kpi', 10.0, 'backtest'",
)

VARIANCE = rows(
    "run_id, model_id, plan_id, geo, week, driver_id, is_additive, variance_mean",
    "'r', 'm', 'p', 'a', date '2024-01-01', 'tv', true, -1.0",
    "'r', 'm', 'p', 'a', date '2024-01-01', 'unexplained', true, 3.0",
    "'r', 'm', 'p', 'a', date '2024-01-01', 'total', false, 2.0",
    "'r', 'm', 'p', 'all', date '2024-01-01', 'unexplained', true, 6.0",
    "'r', 'm', 'p', 'all', date '2024-01-01', 'total', false, 6.0",
)
PUBLISHED = rows(
    "run_id, plan_id, geo, week, component_id, forecast_mean",
    "'r', 'p', 'a', date '2024-01-01', 'kpi', 8.0",
    "'r', 'p', 'all', date '2024-01-01', 'kpi', 24.0",
)

RECONCILIATION = rows(
    "check_name, expected, actual, difference, is_within",
    "'levels', 10.00::decimal(18, 6), 10.00::decimal(18, 6), 0::decimal(18, 6), true",
    "'children', 7.00, 7.00, 0.00, true",
    "'finance', 10.00, 12.00, 2.00, false",
)

PERFORMANCE = rows(
    "run_id, model_id, period_id, period_start, period_end, channel_id, is_estimated, "
    "is_additive, spend, effect_mean, effect_p05, effect_p95",
    "'r', 'm', 'all', date '2024-01-01', date '2024-01-08', 'tv', true, true, 7.0, 2.0, 1.0, 3.0",
    "'r', 'm', 'all', date '2024-01-01', date '2024-01-08', 'off', true, true, 0.0, 0.0, 0.0, 0.0",
    "'r', 'm', 'all', date '2024-01-01', date '2024-01-08', 'top', true, false, 7.0, 2.0, 1.0, 3.0",
    "'r', 'm', 'all', date '2024-01-01', date '2024-01-08', 'unmapped', false, true, 3.0, null, "
    "null, null",
)
MEDIA = rows(
    "week, geo, channel_id, spend",
    "date '2024-01-01', 'a', 'tv', 7.00",
    "date '2024-01-08', 'a', 'unmapped', 3.00",
    "date '2024-01-15', 'a', 'tv', 100.00",
    "date '2024-01-08', 'elsewhere', 'tv', 100.00",
)

RANGED = {
    "mixloop__contributions": ["contribution"],
    "mixloop__channel_performance": [
        "effect",
        "share_of_effect",
        "share_of_kpi",
        "roi",
        "marginal_roi",
        "cost_per_outcome",
        "saturation",
        "half_life_weeks",
        "headroom_spend",
    ],
    "mixloop__response_curves": ["response", "marginal_response"],
    "mixloop__backtests": ["forecast"],
    "mixloop__forecasts": ["forecast"],
    "mixloop__forecast_variance": ["variance"],
    "mixloop__run_scores": ["rssd"],
    "mixloop__channel_plausibility": ["share_of_effect", "share_of_kpi", "roi"],
    "mixloop__variable_selection": ["share_of_kpi"],
    "mixloop__specifications": ["effect", "roi"],
    "mixloop__recommendations": ["effect_now", "effect_recommended", "effect_change", "gain"],
    "mixloop__decision_backtests": [
        *("expected_gain", "gain", "gain_in_window", "kpi_if_followed", "gain_share"),
    ],
}


def ranged(stems: list[str]) -> str:
    """Return a row with ordered ranges, one with points, and one without any."""
    columns = "run_id, " + ", ".join(f"{s}_{p}" for s in stems for p in ("p05", "p50", "p95"))
    some = [", ".join([triple] * len(stems)) for triple in ("1.0, 2.0, 3.0", "2.0, 2.0, 2.0")]
    none = ", ".join(["null"] * 3 * len(stems))
    return rows(columns, *(f"'r', {values}" for values in (*some, none)))


def range_defects() -> dict[str, str]:
    """Return a crossing and a half-missing range for every published range."""
    found = {}
    for mart, stems in RANGED.items():
        for stem in stems:
            update = f"update {{{mart}}} set {stem}"
            found[f"{mart} {stem} crosses"] = f"{update}_p95 = 1.5 where {stem}_p50 = 2.0"
            found[f"{mart} {stem} is not a number"] = f"{update}_p95 = 'nan' where {stem}_p50 = 2.0"
            found[f"{mart} {stem} has no p05"] = f"{update}_p05 = null where {stem}_p50 = 2.0"
    return found


DEFECTS: dict[str, Case] = {
    "assert_contributions_sum_to_kpi": Case(
        tables={"mixloop__contributions": CONTRIBUTIONS, "int_mixloop__model_outcomes": OUTCOMES},
        defects={
            "a part is too large": "update {mixloop__contributions} set contribution_mean = 1.001 "
            f"where component_id = 'tv' and geo = 'a' and {FIRST_WEEK}",
            "a part is null": "update {mixloop__contributions} set contribution_mean = null "
            f"where component_id = 'tv' and geo = 'a' and {FIRST_WEEK}",
            "a part is not a number": "update {mixloop__contributions} "
            f"set contribution_mean = 'nan' where component_id = 'tv' and {FIRST_WEEK}",
            "a subtotal is counted": "update {mixloop__contributions} set is_additive = true "
            "where component_id = 'media'",
            "no kpi row": "delete from {mixloop__contributions} "
            f"where component_id = 'kpi' and geo = 'b' and {FIRST_WEEK}",
            "kpi is null where the outcome is known": "update {mixloop__contributions} "
            "set contribution_mean = null where geo = 'a' and week = date '2024-01-08' "
            "and component_id in ('kpi', 'unexplained')",
            "kpi is not the outcome": "update {int_mixloop__model_outcomes} set outcome = 11 "
            f"where geo = 'a' and {FIRST_WEEK}",
        },
    ),
    "assert_contribution_geos_sum_to_all": Case(
        tables={"mixloop__contributions": CONTRIBUTIONS},
        defects={
            "all is not the sum": "update {mixloop__contributions} set contribution_mean = 3.1 "
            "where component_id = 'tv' and geo = 'all'",
            "all is null": "update {mixloop__contributions} set contribution_mean = null "
            "where component_id = 'tv' and geo = 'all'",
            "a value is not a number": "update {mixloop__contributions} "
            "set contribution_mean = 'nan' where component_id = 'tv'",
            "all is missing": "delete from {mixloop__contributions} "
            "where component_id = 'tv' and geo = 'all'",
            "all is known though a geo is not": "update {mixloop__contributions} "
            "set contribution_mean = 10 where component_id = 'kpi' and geo = 'all' "
            "and week = date '2024-01-08'",
            "only all": "delete from {mixloop__contributions} where geo != 'all'",
        },
    ),
    "assert_forecasts_sum_to_kpi": Case(
        tables={"mixloop__forecasts": FORECASTS},
        defects={
            "a part is too large": "update {mixloop__forecasts} set forecast_mean = 1.001 "
            "where component_id = 'tv'",
            "a part is null": "update {mixloop__forecasts} set forecast_mean = null "
            "where component_id = 'tv'",
            "a value is not a number": "update {mixloop__forecasts} "
            "set forecast_mean = 'nan' where true",
            "no kpi row": "delete from {mixloop__forecasts} where component_id = 'kpi'",
        },
    ),
    "assert_forecasts_kept_as_made": Case(
        tables={"mixloop__forecasts": KEPT},
        defects={
            "a forecast was changed": "update {mixloop__forecasts} set forecast_mean = 1.2 "
            "where component_id = 'tv'",
            "a plan was changed": "update {mixloop__forecasts} set planned_spend = 6 "
            "where component_id = 'tv'",
            "a planned frequency was changed": "update {mixloop__forecasts} "
            "set planned_frequency = 2 where component_id = 'tv'",
            "the hash is gone": "update {mixloop__forecasts} set content_hash = null",
        },
    ),
    "assert_live_forecasts_are_published": Case(
        tables={
            "int_mixloop__forecasts": LIVE,
            "int_mixloop__published_forecasts": f"select * from ({LIVE}) where run_id = 'r'",
        },
        defects={
            "a row was not published": "delete from {int_mixloop__published_forecasts}",
            "another value was published": "update {int_mixloop__published_forecasts} "
            "set forecast_mean = 10.1",
            "both are not numbers": "update {int_mixloop__published_forecasts} "
            "set forecast_mean = 'nan'",
            "the forecast is null": "update {int_mixloop__forecasts} set forecast_mean = null "
            "where forecast_kind = 'live'",
        },
    ),
    "assert_variance_sums_to_gap": Case(
        tables={
            "mixloop__forecast_variance": VARIANCE,
            "int_mixloop__published_forecasts": PUBLISHED,
            "int_mixloop__model_outcomes": OUTCOMES,
        },
        defects={
            "causes do not add up": "update {mixloop__forecast_variance} set variance_mean = -1.1 "
            "where driver_id = 'tv'",
            "a cause is null": "update {mixloop__forecast_variance} set variance_mean = null "
            "where driver_id = 'tv'",
            "a value is not a number": "update {mixloop__forecast_variance} "
            "set variance_mean = 'nan' where true",
            "no total": "delete from {mixloop__forecast_variance} "
            "where driver_id = 'total' and geo = 'a'",
            "the total is not the gap": "update {mixloop__forecast_variance} "
            "set variance_mean = variance_mean + 1 where geo = 'a' "
            "and driver_id in ('unexplained', 'total')",
            "the forecast was never published": "delete from {int_mixloop__published_forecasts} "
            "where geo = 'all'",
            "the outcome is unknown": "update {int_mixloop__model_outcomes} set outcome = null",
        },
    ),
    "assert_reconciliation_levels_exact": Case(
        tables={"mixloop__reconciliation": RECONCILIATION},
        defects={
            "a cent is missing": "update {mixloop__reconciliation} "
            "set actual = 9.99, difference = -0.01 where check_name = 'levels'",
            "a child is missing": "update {mixloop__reconciliation} "
            "set actual = 6.99, difference = -0.01 where check_name = 'children'",
            "the difference is null": "update {mixloop__reconciliation} set difference = null "
            "where check_name = 'levels'",
            "the check has no name": "update {mixloop__reconciliation} "
            "set check_name = null, difference = 1 where check_name = 'levels'",
        },
    ),
    "assert_unmapped_media_is_unmapped_spend": Case(
        tables={
            "mixloop__unmapped_media": rows("line_item_id, spend", "'x', 1.00", "'y', 2.00"),
            "mixloop__media_weekly": MEDIA,
        },
        defects={
            "a line item is not listed": "delete from {mixloop__unmapped_media} "
            "where line_item_id = 'x'",
            "spend is null": "update {mixloop__unmapped_media} set spend = null "
            "where line_item_id = 'x'",
            "spend was dropped": "delete from {mixloop__media_weekly} "
            "where channel_id = 'unmapped'",
        },
    ),
    "assert_modelled_channels_have_spread": Case(
        tables={"mixloop__channel_performance": PERFORMANCE},
        defects={
            "no width": "update {mixloop__channel_performance} "
            "set effect_p05 = 2.0, effect_p95 = 2.0 where channel_id = 'tv'",
            "a value is not a number": "update {mixloop__channel_performance} "
            "set effect_p95 = 'nan' where channel_id = 'tv'",
            "no bound": "update {mixloop__channel_performance} set effect_p05 = null "
            "where channel_id = 'tv'",
            "no effect at all": "update {mixloop__channel_performance} "
            "set effect_mean = null, effect_p05 = null, effect_p95 = null where channel_id = 'tv'",
        },
    ),
    "assert_performance_spend_is_all_spend": Case(
        tables={
            "mixloop__channel_performance": PERFORMANCE,
            "mixloop__media_weekly": MEDIA,
            "int_mixloop__model_geos": rows("model_id, geo", "'m', 'a'"),
        },
        defects={
            "unmapped spend is left out": "delete from {mixloop__channel_performance} "
            "where channel_id = 'unmapped'",
            "a subtotal is counted": "update {mixloop__channel_performance} "
            "set is_additive = true where channel_id = 'top'",
            "spend is null": "update {mixloop__channel_performance} set spend = null "
            "where channel_id = 'off'",
            "the geo is gone": "delete from {int_mixloop__model_geos}",
        },
    ),
    "assert_every_run_converged": Case(
        tables={
            "mixloop__runs": rows(
                "run_id, model_id, run_kind, as_of_week, is_converged, rhat_max, ess_bulk_min, "
                "ess_tail_min, flags",
                "'r', 'm', 'live', date '2024-01-01', true, 1.009, 400.0, 400.0, "
                "cast(null as varchar)",
            )
        },
        defects={
            "R-hat at the limit": "update {mixloop__runs} set rhat_max = 1.01",
            "R-hat unknown": "update {mixloop__runs} set rhat_max = null",
            "R-hat not a number": "update {mixloop__runs} set rhat_max = 'nan'",
            "too small a sample": "update {mixloop__runs} set ess_bulk_min = 399.9",
            "too small a sample in the tails": "update {mixloop__runs} set ess_tail_min = 399.9",
            "sample in the tails unknown": "update {mixloop__runs} set ess_tail_min = null",
            "not judged": "update {mixloop__runs} set is_converged = null",
            "a backtest below its own bar": "update {mixloop__runs} set run_kind = 'backtest', "
            "is_converged = false",
            "a specification below its own bar": "update {mixloop__runs} "
            "set run_kind = 'specification', is_converged = false",
        },
    ),
    "assert_ranges_are_ordered": Case(
        tables={mart: ranged(stems) for mart, stems in RANGED.items()},
        defects=range_defects(),
    ),
    "unique_grain": Case(
        attached_to="mixloop__run_scores",
        tables={
            "mixloop__run_scores": rows(
                "run_id, method, sample",
                "'r', 'ridge', 'in_sample'",
                "'r', 'ridge', 'out_of_sample'",
                "'s', 'ridge', 'in_sample'",
            )
        },
        defects={
            "twice the same": "insert into {mixloop__run_scores} values "
            "('s', 'ridge', 'in_sample')",
            "first column null": "update {mixloop__run_scores} set run_id = null "
            "where run_id = 's'",
            "last column null": "update {mixloop__run_scores} set sample = null where run_id = 's'",
        },
    ),
}
