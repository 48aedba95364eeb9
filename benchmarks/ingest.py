"""Time the mapping and weekly sum of many raw rows, against a query written by hand.

    make bench-ingest ROWS=10000000

Makes a raw table and 200 rules in a temporary warehouse, runs the hand-written query
(ingest_by_hand.sql) and dbt up to the weekly media, compares both to the cent, and prints
seconds, ratios and peak memory as JSON. Three times are taken of mixloop:

- `path_sql`: only the SQL of the models from raw rows to weekly sums, in one connection, as the
  hand-written query runs. This is what the ratio is about.
- `path_in_dbt`: the same models within dbt, which compiles, logs and commits each of them.
- `dbt_run`: the whole `dbt run --select +int_mixloop__media_weekly`: start-up and every check of
  the inputs before the gate included.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from benchmarks.ingest_data import SOURCES, make_warehouse  # noqa: E402

BY_HAND = ROOT / "benchmarks" / "ingest_by_hand.sql"
TARGET = "int_mixloop__media_weekly"
# From raw rows to weekly sums; what else dbt runs before the target are checks and the calendar.
PATH = (
    "int_mixloop__media_facts",
    "int_mixloop__media_values",
    "int_mixloop__media_series",
    "int_mixloop__rule_conditions",
    "int_mixloop__mapping_rules",
    "int_mixloop__media_days",
    "int_mixloop__series_weeks",
    "int_mixloop__line_items",
    "int_mixloop__rule_matches",
    "int_mixloop__line_item_segments",
    "int_mixloop__channel_weeks",
    "int_mixloop__media_weekly",
)
COMPARED = """
with ours as (
    select week, geo, channel_id, spend, impressions, clicks
    from main_intermediate.int_mixloop__media_weekly
),
by_hand as (
    select week, geo, channel_id, spend, impressions, clicks from bench.by_hand
),
ours_only as (select * from ours except all select * from by_hand),
by_hand_only as (select * from by_hand except all select * from ours)
select
    (select count(*) from ours),
    (select count(*) from ours_only) + (select count(*) from by_hand_only),
    (select sum(spend) from ours),
    (select sum(spend) from raw.media),
    (select sum(spend) from ours where channel_id = 'unmapped')
"""


def measured(command: list[str], environment: dict[str, str]) -> tuple[str, dict]:
    """Run a command in a process of its own; return its output, its seconds and its memory."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    said = process.stdout.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[:3])} failed:\n{said}")
    return said, {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(usage.ru_maxrss / 1024),
    }


def run_statements(warehouse: Path, statements: Path, threads: int) -> dict:
    """Run a list of statements in one connection; return [seconds, CPU seconds] by name."""
    spent = {}
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(f"set threads = {threads}")
        for name, sql in json.loads(statements.read_text()):
            start, cpu = time.perf_counter(), time.process_time()
            connection.execute(sql)
            seconds = (time.perf_counter() - start, time.process_time() - cpu)
            spent[name] = [round(value, 3) for value in seconds]
    return spent


def timed_sql(folder: Path, statements: list[tuple[str, str]], arguments) -> dict:
    """Run statements in children of their own; return the quickest of the repeats."""
    file = folder / "statements.json"
    file.write_text(json.dumps(statements))
    command = [sys.executable, __file__, "--child", str(folder / "wh.duckdb"), str(file)]
    command += ["--threads", str(arguments.threads)]
    runs = []
    for _ in range(arguments.repeats):
        said, spent = measured(command, dict(os.environ))
        steps = json.loads(said)
        totals = [round(sum(values), 3) for values in zip(*steps.values(), strict=True)]
        runs.append(
            {
                "seconds": totals[0],
                "cpu_seconds": totals[1],
                "peak_mib": spent["peak_mib"],
                "steps": {name: values[0] for name, values in steps.items()},
            }
        )
    return min(runs, key=lambda run: run["seconds"])


def dbt_run(folder: Path, source: str, threads: int) -> dict:
    """Run dbt up to the weekly media; return its times, memory and the path's SQL."""
    profile = (ROOT / "profiles.example.yml").read_text()
    (folder / "profiles.yml").write_text(profile.replace("threads: 2", f"threads: {threads}"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MIXLOOP_", "DBT_"))}
    environment |= {
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "MIXLOOP_WAREHOUSE": str(folder / "wh.duckdb"),
    }
    if source == "folder":
        environment["MIXLOOP_CLIENT"] = str(folder / "client")
    dbt = str(Path(sys.executable).with_name("dbt"))
    command = [dbt, "--no-use-colors", "run", "--select", f"+{TARGET}"]
    _, spent = measured(command, environment)
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    found = {result["unique_id"].split(".")[-1]: result for result in results}
    nodes = {node["name"]: node for node in manifest["nodes"].values()}
    path_sql = [
        (
            name,
            f"create or replace {nodes[name]['config']['materialized']} "
            f"{nodes[name]['relation_name']} as {found[name]['compiled_code']}",
        )
        for name in PATH
    ]
    slowest = sorted(found.values(), key=lambda result: -result["execution_time"])[:8]
    return {
        **spent,
        "models": len(found),
        "seconds_of_models": round(sum(r["execution_time"] for r in results), 2),
        "seconds_of_path": round(sum(found[name]["execution_time"] for name in PATH), 2),
        "slowest": {r["unique_id"].split(".")[-1]: round(r["execution_time"], 2) for r in slowest},
        "path_sql": path_sql,
    }


def bench(folder: Path, arguments) -> dict:
    """Make the data, run all ways, compare; return the report."""
    warehouse = folder / "wh.duckdb"
    make = [sys.executable, __file__, "--make", str(folder), "--source", arguments.source]
    said, made = measured([*make, "--rows", str(arguments.rows)], dict(os.environ))
    by_hand = timed_sql(folder, [("by_hand", BY_HAND.read_text())], arguments)
    dbt = dbt_run(folder, arguments.source, arguments.threads)
    path = timed_sql(folder, dbt.pop("path_sql"), arguments)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        n_sums, n_different, ours, raw, unmapped = connection.execute(COMPARED).fetchone()
    if n_different or ours != raw:
        raise RuntimeError(f"{n_different} weekly sums differ; {ours} of {raw} spent is there")
    checks = {
        "weekly_sums": n_sums,
        "weekly_sums_that_differ": n_different,
        "spend": str(ours),
        "unmapped_share": round(float(unmapped or 0) / float(raw), 4),
    }
    return {
        "data": {**json.loads(said), "source": arguments.source, "made_in": made["seconds"]},
        "checks": checks,
        "by_hand": by_hand,
        "path_sql": path,
        "dbt_run": dbt,
        "ratios": {
            "path_sql": round(path["seconds"] / by_hand["seconds"], 2),
            "path_sql_cpu": round(path["cpu_seconds"] / by_hand["cpu_seconds"], 2),
            "path_in_dbt": round(dbt["seconds_of_path"] / by_hand["seconds"], 2),
            "dbt_run": round(dbt["seconds"] / by_hand["seconds"], 2),
        },
        "machine": {
            "cores": os.cpu_count(),
            "threads": arguments.threads,
            "processor": platform.machine(),
            "python": platform.python_version(),
            "duckdb": duckdb.__version__,
            "load_before": round(os.getloadavg()[0], 2),
        },
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--source", choices=SOURCES, default="table")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="of the SQL; the quickest counts")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    # the halves that run in processes of their own, so that each one's memory is its own
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(run_statements(*arguments.child, arguments.threads)))
        return 0
    if arguments.make:
        print(json.dumps(make_warehouse(arguments.make, arguments.rows, arguments.source)))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder, prefix="bench_ingest_") as folder:
        report = bench(Path(folder), arguments)
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
