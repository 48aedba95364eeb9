"""Fit a folder with known truth with mixloop and with pymc-marketing (nutpie), and compare.

    make bench-peers FOLDER=path/to/folder OUT=path/to/out

Needs a package index and some minutes. The peer is installed into OUT/.venv-peers
(benchmarks/peers-requirements.txt), never into the project's environment. mixloop goes through the
ordinary build (as in bench-recovery); then each configuration of the peer (see peer_fit.py) is
fitted to the same weekly numbers in a process of its own, one after another, so let nothing else
run. Both are scored by the same functions. Prints a table with ratios and writes OUT/peers.json.

- sampling seconds: warm-up and draws, for the peer without compilation; fit seconds: the call that
  fits, for the peer with the compilation that it always needs. mixloop compiles nothing, runs its
  chains in one thread and is all that its fit seconds say, preparation and diagnostics included;
- the smallest effective sample size (bulk or tail) of any parameter, per second of either. For
  mixloop these are the terms of the ledger, for the peer its free variables;
- memory: peak of the process; for mixloop that of the whole dbt build;
- error of channel totals: sum of absolute errors over the sum of true effects;
- weekly CRPS, held-out CRPS, coverage: as in bench-recovery.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from mixloop.evaluate import training_weeks
from mixloop.panel import build_panel
from mixloop.posterior import posteriors_from_frame
from recovery import effect_scores, kpi_scores, read, score, truth_of

HERE = Path(__file__).resolve().parent
CONFIGURATIONS = ("default", "documented")
ROWS = {
    "sampling_seconds": "sampling, seconds",
    "fit_seconds": "fit, seconds",
    "process_seconds": "everything, seconds",
    "peak_memory_mib": "peak memory, MiB",
    "ess_min": "smallest effective sample size",
    "ess_per_sampling_second": "... per second of sampling",
    "ess_per_second": "... per second of fit",
    "rhat_max": "largest R-hat",
    "channel_total_error": "error of channel totals",
    "weekly_crps": "weekly CRPS of effects",
    "channel_coverage_90": "90% ranges of totals hold",
    "held_out_crps": "held-out CRPS",
    "held_out_coverage_90": "90% ranges held out hold",
}
MORE_IS_BETTER = {"ess_min", "ess_per_second", "ess_per_sampling_second"}
WITHOUT_RATIO = {"rhat_max", "channel_coverage_90", "held_out_coverage_90"}


def environment(path: Path) -> Path:
    """Return the Python of the peer's environment, made and filled when it is not there."""
    python = path / "bin" / "python"
    done = path / ".installed"
    if not done.exists():
        print(f"installing the peer into {path}: some minutes", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(path)], check=True)
        wanted = HERE / "peers-requirements.txt"
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, "-r", wanted], check=True)
        done.touch()
    return python


def weekly_numbers(folder: Path, warehouse: Path) -> dict[str, np.ndarray]:
    """Return what both fit and what they are judged by, from mixloop's own feature tables.

    y (J, T), spend (J, T, C), controls (J, T, D), the same for the future, truth (J, T, C) and the
    held-out KPI (J, H).
    """
    tables = read(warehouse)
    posterior = posteriors_from_frame(tables["posterior"])[0]
    features = [tables[f"model_{name}"] for name in ("outcomes", "media", "drivers")]
    panel = build_panel(posterior.model_id, *features).select_channels(posterior.channels)
    future = build_panel(posterior.model_id, *features, plan=tables["model_plans"])
    future = future.select_channels(posterior.channels)
    train, test = training_weeks(posterior, panel), future.weeks > posterior.last_week
    holdout = pl.read_csv(folder / "holdout.csv", try_parse_dates=True).sort("geo", "date")
    actual = holdout["value"].to_numpy().reshape(len(panel.geos), -1)
    test &= np.cumsum(test) <= actual.shape[1]
    context = [d for d, name in enumerate(panel.drivers) if name.startswith("context:")]
    weeks = panel.weeks[train]
    return {
        "y": panel.outcome[:, train],
        "spend": panel.exposure[:, train],
        "controls": panel.driver_values[:, train][:, :, context],
        "spend_future": future.exposure[:, test],
        "controls_future": future.driver_values[:, test][:, :, context],
        "geos": np.array(panel.geos),
        "channels": np.array(panel.channels),
        "weeks": weeks.astype(str),
        "weeks_future": future.weeks[test].astype(str),
        "truth": truth_of(folder / "truth.csv", panel, weeks),
        "holdout": actual,
    }


def figures_of(scores: dict) -> dict[str, float]:
    """Return the figures of `ROWS` from a fit's scores."""
    flat = scores | {f"held_out_{name}": value for name, value in scores["held_out"].items()}
    flat["ess_min"] = min(scores["ess_bulk_min"], scores["ess_tail_min"])
    flat.setdefault("sampling_seconds", scores["fit_seconds"])
    flat["ess_per_sampling_second"] = flat["ess_min"] / flat["sampling_seconds"]
    flat["ess_per_second"] = flat["ess_min"] / scores["fit_seconds"]
    return {name: float(flat[name]) for name in ROWS}


def peer(python: Path, out: Path, configuration: str, numbers: dict, how: list[str]) -> dict:
    """Fit one configuration of the peer in a process of its own and score it."""
    stored = out / f"{configuration}.npz"
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python, HERE / "peer_fit.py", out / "inputs.npz", stored]
    command += ["--configuration", configuration, *how]
    with (out / f"{configuration}.log").open("w") as log:
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=log)
    with np.load(stored) as found:
        effects = effect_scores(found["contrib"], numbers["truth"], tuple(numbers["channels"]))
        return (
            json.loads(str(found["figures"]))
            | effects
            | {
                "held_out": kpi_scores(found["y_test"], numbers["holdout"]),
                "in_sample": kpi_scores(found["y_train"], numbers["y"]),
            }
        )


def ratio(name: str, ours: float, theirs: float) -> str:
    """Say how many times better ours is: above one is better."""
    if name in WITHOUT_RATIO:
        return ""
    return f"{ours / theirs if name in MORE_IS_BETTER else theirs / ours:.3g}x"


def table(found: dict[str, dict]) -> str:
    """Return the comparison as text; ratios say how many times better mixloop is."""
    figures = {name: figures_of(scores) for name, scores in found.items()}
    others = [name for name in figures if name != "mixloop"]
    head = f"{'':32}{'mixloop':>12}" + "".join(f"{name:>14}{'ratio':>9}" for name in others)
    lines = [head]
    for key, label in ROWS.items():
        ours = figures["mixloop"][key]
        line = f"{label:32}{ours:12.4g}"
        for name in others:
            theirs = figures[name][key]
            line += f"{theirs:14.4g}{ratio(key, ours, theirs):>9}"
        lines.append(line)
    return "\n".join(lines)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--environment", type=Path, help="default: OUT/.venv-peers")
    parser.add_argument("--tune", default="1000")
    parser.add_argument("--draws", default="1000")
    arguments = parser.parse_args()
    if str(arguments.folder) in ("", ".") or str(arguments.out) in ("", "."):
        parser.error("name both: make bench-peers FOLDER=path/to/folder OUT=path/to/out")
    folder, out = arguments.folder.resolve(), arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    python = environment((arguments.environment or out / ".venv-peers").resolve())
    start = perf_counter()
    found = {"mixloop": score(folder, out)}
    found["mixloop"]["process_seconds"] = perf_counter() - start
    numbers = weekly_numbers(folder, out / "warehouse.duckdb")
    np.savez(out / "inputs.npz", **numbers)
    how = ["--tune", arguments.tune, "--draws", arguments.draws]
    for configuration in CONFIGURATIONS:
        print(f"fitting pymc-marketing, {configuration}: some minutes", flush=True)
        found[configuration] = peer(python, out, configuration, numbers, how)
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores"
    (out / "peers.json").write_text(json.dumps(found, indent=2) + "\n")
    del found["machine"]
    print(f"\n{folder.name}; ratios say how many times better mixloop is")
    print(table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
