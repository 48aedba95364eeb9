"""Print the README's result tables, as markdown, from the demo warehouse and the demo's truth.

make build && .venv/bin/python benchmarks/demo_results.py
"""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
TRUTH = ROOT / "data" / "demo" / "truth_revenue.parquet"
TOP_CAUSES = 6

CHANNELS = """
select
    performance.label,
    performance.spend,
    performance.roi_p05,
    performance.roi_mean,
    performance.roi_p95,
    true_effect / performance.spend as true_roi,
    performance.p_marginal_roi_above_hurdle as p_more_pays
from main_mixloop.mixloop__channel_performance as performance
inner join truth on performance.channel_id = truth.component_id
where performance.model_id = 'revenue' and performance.period_id = 'training'
order by performance.spend desc
"""
VARIANCE = """
select
    concat_ws(', ', driver_label, nullif(cause, driver_label)) as driver,
    sum(planned_value) as planned,
    sum(actual_value) as actual,
    sum(variance_mean) as variance
from main_mixloop.mixloop__forecast_variance
where model_id = 'revenue' and geo = 'all' and (is_additive or driver_type = 'total')
group by driver_label, cause
order by cause = 'total' desc, abs(variance) desc
"""


def thousands(value: float) -> str:
    """Return a number in thousands with its sign where it is a difference."""
    return f"{value / 1e3:,.0f}"


def main() -> int:
    """Print both tables and what they were made with."""
    warehouse = Path(os.environ.get("MIXLOOP_WAREHOUSE") or "warehouse/mixloop_demo.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(
            "create temp table truth as select component_id, sum(effect) as true_effect "
            f"from read_parquet('{TRUTH}') group by component_id"
        )
        print("| channel | spend (k) | ROI, 90% range | true ROI | next unit pays, probability |")
        print("|---|---:|---|---:|---:|")
        for label, spend, low, mean, high, true, pays in connection.execute(CHANNELS).fetchall():
            cells = f"{mean:.1f} ({low:.1f} to {high:.1f}) | {true:.1f} | {pays:.0%}"
            print(f"| {label} | {thousands(spend)} | {cells} |")
        print("\n| cause | planned | actual | part of the miss (k) |")
        print("|---|---:|---:|---:|")
        for driver, planned, actual, variance in connection.execute(VARIANCE).fetchmany(TOP_CAUSES):
            amounts = ["" if v is None else f"{v:,.0f}" for v in (planned, actual)]
            print(f"| {driver} | {' | '.join(amounts)} | {variance / 1e3:+,.0f} |")
        (versions,) = connection.execute(
            "select versions from main_mixloop.mixloop__runs where is_current limit 1"
        ).fetchone()
    found = ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())
    print(f"\nMade with {found} on {platform.machine()}, {os.cpu_count()} cores.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
