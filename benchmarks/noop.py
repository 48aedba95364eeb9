"""What a build with nothing new costs, against a dbt project of as many nodes that do nothing.

    make bench-noop MODELS=20 WEEKS=52

Makes a client with MODELS models in a temporary folder, builds it with a short fit, writes WEEKS
weeks of live runs and forecasts into the history (copies of the first ones, each a week earlier,
under names of their own), builds once more so that they are entered everywhere, and then times a
third `dbt build`, in which nothing is new. The other project has as many tables (`select 1`) and as
many tests (that find nothing), the same profile and the same threads, on the same machine right
after. Prints both times, their ratio (wall clock and CPU), and where the time goes, as JSON.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
FIRST_WEEK, TRAINING_WEEKS, HORIZON = date(2022, 1, 3), 104, 13
CHANNELS = ("tv", "search", "social", "radio")
KEYS = {"mixloop__forecasts": "forecast_id"}
KEYS["mixloop__published_contributions"] = "published_contribution_id"
# Enough of a fit to fill every table, with as many draws as a real one: evaluating them counts.
FIT = {"mixloop__chains": 2, "mixloop__warmup": 20, "mixloop__sweeps": 500}
FIT |= {"mixloop__max_sweeps": 500, "mixloop__draws": 1000, "mixloop__fit_jobs": 2}
FIT |= {"mixloop__backtest_origins": 1}


def client_tables(n_models: int, n_weeks: int) -> dict[str, list[dict[str, object]]]:
    """Return the client's tables: one KPI a model, four channels, one variable, a plan."""
    rng = np.random.default_rng(1)
    weeks = [(FIRST_WEEK + timedelta(weeks=i)).isoformat() for i in range(n_weeks + HORIZON)]
    past, future = weeks[:n_weeks], weeks[n_weeks:]
    spend = {
        name: np.round(rng.gamma(4.0, 250.0, n_weeks) * (rng.random(n_weeks) < 0.8), 2)
        for name in CHANNELS
    }
    kpis = [f"kpi_{k:03d}" for k in range(n_models)]
    return {
        "media": [
            {"date": week, "platform": name, "campaign": name, "spend": spend[name][i]}
            for i, week in enumerate(past)
            for name in CHANNELS
        ],
        "outcomes": [
            {
                "date": week,
                "kpi": kpi,
                "value": round(
                    10_000 + sum(rng.uniform(0.5, 1.5) * spend[name][i] for name in CHANNELS), 2
                ),
            }
            for kpi in kpis
            for i, week in enumerate(past)
        ],
        "context": [
            {"date": week, "variable": "price", "value": 10 + (i % 9) / 10}
            for i, week in enumerate(past)
        ],
        "plan": [
            {"plan_id": "base", "week": week, "channel_id": name, "planned_spend": 900}
            for week in future
            for name in CHANNELS
        ],
        "channel_hierarchy": [
            {"channel_id": "media", "parent_id": "", "label": "Media", "is_modelled": "false"},
            *(
                {"channel_id": name, "parent_id": "media", "label": name, "is_modelled": "true"}
                for name in CHANNELS
            ),
        ],
        "channel_mapping": [
            {
                "priority": 10 * i + 10,
                "match_field": "platform",
                "match_type": "exact",
                "pattern": name,
                "channel_id": name,
            }
            for i, name in enumerate(CHANNELS)
        ],
        "model_definitions": [
            {
                "model_id": kpi.replace("kpi", "model"),
                "kpi": kpi,
                "training_weeks": TRAINING_WEEKS,
                "forecast_horizon_weeks": HORIZON,
            }
            for kpi in kpis
        ],
    }


def write_client(folder: Path, n_models: int, n_weeks: int) -> None:
    """Write the client folder."""
    folder.mkdir()
    for name, rows in client_tables(n_models, n_weeks).items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def run_dbt(project: Path, folder: Path, *arguments: str) -> dict[str, float]:
    """Run dbt of a project on the folder's warehouse; return wall and CPU seconds."""
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MIXLOOP_", "DBT_"))},
        "DBT_PROFILES_DIR": str(ROOT),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MIXLOOP_WAREHOUSE": str(folder / "wh.duckdb"),
        "MIXLOOP_CLIENT": str(folder / "client"),
        "PYTHONPATH": str(ROOT / "python"),
    }
    command = [str(Path(sys.executable).with_name("dbt")), "--quiet", *arguments]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}


def nodes(folder: Path) -> list[tuple[str, str, float]]:
    """Return kind, name and seconds of every node of the last build, the longest first."""
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    manifest = json.loads((folder / "target" / "manifest.json").read_text())["nodes"]
    out = []
    for result in results:
        node = manifest.get(result["unique_id"], {"resource_type": "unit_test", "name": "unit"})
        kind = node["resource_type"]
        if kind == "model":
            kind = f"{node['language']} {node['config']['materialized']}"
        out.append((kind, node["name"], result["execution_time"]))
    return sorted(out, key=lambda row: -row[2])


def fill_history(folder: Path, n_weeks: int, content_hash: str) -> int:
    """Copy every live run's rows once for each of `n_weeks` weeks before; return the new runs.

    A copy's dates lie k weeks earlier, and its names are hashes of the original's and k.
    """
    with duckdb.connect(str(folder / "wh_history.duckdb")) as connection:
        live = (
            "select distinct run_id from main_intermediate.int_mixloop__posterior "
            "where run_kind = 'live'"
        )
        connection.execute(f"create temp table live as {live}")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() where table_name in "
            "('int_mixloop__posterior', 'int_mixloop__run_panels', 'mixloop__forecasts', "
            "'mixloop__published_contributions') order by all"
        ).fetchall()
        for schema, table in tables:
            columns = connection.execute(
                "select column_name, data_type from duckdb_columns() "
                "where schema_name = ? and table_name = ?",
                [schema, table],
            ).fetchall()
            changes = [f'"{name}" - 7 * k as "{name}"' for name, kind in columns if kind == "DATE"]
            changes.append("md5(concat(run_id, '/', k)) as run_id")
            keys = [KEYS[table]] if table in KEYS else []
            keys += [name for name, _ in columns if name.endswith("_panel_id")]
            changes += [f"md5(concat({key}, '/', k)) as {key}" for key in keys]
            connection.execute(
                f"insert into {schema}.{table} select t.* replace ({', '.join(changes)}) "
                f"from {schema}.{table} as t, (select unnest(range(1, {n_weeks + 1}))::int as k) "
                "where run_id in (select run_id from live)"
            )
        connection.execute(
            f"update main_mixloop.mixloop__forecasts set content_hash = {content_hash}"
        )
        (count,) = connection.execute("select count(*) from live").fetchone()
    return count * n_weeks


def content_hash(folder: Path) -> str:
    """Return the SQL of a forecast row's fingerprint, from the compiled model."""
    manifest = json.loads((folder / "target" / "manifest.json").read_text())["nodes"]
    code = manifest["model.mixloop.mixloop__forecasts"]["compiled_code"]
    end = code.index("as content_hash")
    return code[code.rindex("forecast_p95,\n", 0, end) + len("forecast_p95,\n") : end]


def write_idle_project(folder: Path, n_models: int, n_tests: int) -> None:
    """Write a dbt project whose tables hold a 1 and whose tests look for nothing."""
    for name in ("models", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(
        "name: idle\nversion: '1.0'\nprofile: mixloop\n"
        "models:\n  idle:\n    +materialized: table\n"
        "flags:\n  send_anonymous_usage_stats: false\n"
    )
    for i in range(n_models):
        (folder / "models" / f"idle_{i}.sql").write_text("select 1 as x\n")
    for i in range(n_tests):
        on = f"select x from {{{{ ref('idle_{i % n_models}') }}}} where false\n"
        (folder / "tests" / f"assert_idle_{i}.sql").write_text(on)


def summed(found: list[tuple[str, str, float]]) -> dict[str, dict[str, float]]:
    """Return nodes and seconds by kind of node."""
    out: dict[str, list[float]] = defaultdict(list)
    for kind, _, seconds in found:
        out[kind].append(seconds)
    return {
        kind: {"nodes": len(times), "seconds": round(sum(times), 1)}
        for kind, times in sorted(out.items(), key=lambda item: -sum(item[1]))
    }


def measure(folder: Path, n_models: int, n_weeks: int) -> dict[str, object]:
    """Build, fill the history, build with nothing new, build what does nothing."""
    ours, idle = folder / "ours", folder / "idle"
    ours.mkdir()
    write_client(ours / "client", n_models, TRAINING_WEEKS + n_weeks + HORIZON)
    given = ("build", "--vars", json.dumps(FIT))
    first = run_dbt(ROOT, ours, *given)
    n_runs = fill_history(ours, n_weeks, content_hash(ours))
    filled = run_dbt(ROOT, ours, *given)
    again = run_dbt(ROOT, ours, *given)
    found = nodes(ours)
    tests = sum(kind in ("test", "unit_test") for kind, *_ in found)
    idle.mkdir()
    write_idle_project(idle / "project", len(found) - tests, tests)
    run_dbt(idle / "project", idle, "build")
    nothing = run_dbt(idle / "project", idle, "build")
    return {
        "models": n_models,
        "weeks": n_weeks,
        "runs_in_history": n_runs,
        "first_build": first,
        "build_after_filling": filled,
        "build_with_nothing_new": again,
        "idle_build": nothing,
        "ratio_wall": round(again["wall_seconds"] / nothing["wall_seconds"], 2),
        "ratio_cpu": round(again["cpu_seconds"] / nothing["cpu_seconds"], 2),
        "nodes": summed(found),
        "longest": [[name, round(seconds, 2)] for _, name, seconds in found[:25]],
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--weeks", type=int, default=52)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--folder", type=Path, help="where to leave the projects")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(measure(folder, asked.models, asked.weeks), indent=1)
    print(text)
    if asked.out:
        asked.out.write_text(text + "\n")


if __name__ == "__main__":
    main()
