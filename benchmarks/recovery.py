"""Fit a client folder with known truth and score the fit against it.

    make bench-recovery FOLDER=path/to/folder OUT=path/to/out (PEERS=path/to/peers.json)

The folder goes through the ordinary build (inputs to posterior) into a warehouse of its own under
OUT, without backtest origins. Then the posterior is compared with `truth.csv` over the training
weeks and, conditional on the folder's plan, with `holdout.csv`. Writes `score.json` and
`draws.npz`: float arrays contrib (S, G, T_train, C), y_train (S, G, T_train) (fitted KPI with
noise), y_test (S, G, T_test); names and weeks beside them, all sorted.

With PEERS the scores have `peers`: the same figures of other libraries on the folder, and the
ratios to them (recovery_peers.py says what the file holds and which peer is the best).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from mixloop.evaluate import fitted_by_geo, media_effects, training_weeks
from mixloop.forecast import predictive_draws, stable_rng
from mixloop.panel import Panel, build_panel
from mixloop.posterior import Posterior, posteriors_from_frame
from mixloop.scores import coverage, crps_from_draws, point_scores
from recovery_peers import compare, runs_of, table

ROOT = Path(__file__).resolve().parent.parent
ONE_FIT = {"mixloop__backtest_origins": 0, "mixloop__first_forecast_weeks_ago": 0}


def build(folder: Path, warehouse: Path) -> None:
    """Run the build up to the posterior for one client folder, from an empty warehouse."""
    for old in warehouse.parent.glob(f"{warehouse.stem}*"):
        old.unlink()
    environment = os.environ | {
        "MIXLOOP_CLIENT": str(folder),
        "MIXLOOP_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(warehouse.parent / "target"),
        "DBT_LOG_PATH": str(warehouse.parent / "logs"),
        "PYTHONPATH": "python",
    }
    dbt = Path(sys.executable).parent / "dbt"
    selected = ["+int_mixloop__posterior", "+int_mixloop__model_plans"]
    command = [dbt, "--quiet", "run", "--vars", json.dumps(ONE_FIT), "--select", *selected]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)


def read(warehouse: Path) -> dict[str, pl.DataFrame]:
    """Return the posterior and the feature tables it was made from."""
    names = ("posterior", "model_outcomes", "model_media", "model_drivers", "model_plans")
    history = warehouse.with_name(f"{warehouse.stem}_history.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(f"attach '{history}' as history (read_only)")
        found = {
            name: f'"{database}"."{schema}"."{name}"'
            for database, schema, name in connection.execute(
                "select database_name, schema_name, table_name from duckdb_tables()"
            ).fetchall()
        }
        return {
            name: connection.sql(f"from {found[f'int_mixloop__{name}']}").pl() for name in names
        }


def truth_of(path: Path, panel: Panel, weeks: np.ndarray) -> np.ndarray:
    """Return every channel's true effect in the training weeks, (J, T, C)."""
    truth = pl.read_csv(path, try_parse_dates=True)
    truth = truth.filter(pl.col("date").is_in(weeks.astype(object).tolist()))
    out = np.zeros((len(panel.geos), len(weeks), len(panel.channels)))
    for c, channel in enumerate(panel.channels):
        own = truth.filter(pl.col("component") == channel).sort("geo", "date")
        out[:, :, c] = own["contribution"].to_numpy().reshape(out.shape[:2])
    return out


def fitted_draws(posterior: Posterior, panel: Panel) -> np.ndarray:
    """Return replicated KPI draws of the training weeks with stationary noise, (S, J, T)."""
    keep = training_weeks(posterior, panel)
    rng = stable_rng(0, posterior.run_id, "in_sample")
    out = []
    for j, fitted in enumerate(fitted_by_geo(posterior, panel, keep)):  # (T, S)
        rho, sigma = posterior.rho[:, j], posterior.sigma[:, j]
        error = rng.standard_normal(fitted.shape) * sigma
        error[0] /= np.sqrt(1.0 - rho**2)
        for t in range(1, len(error)):
            error[t] += rho * error[t - 1]
        out.append(fitted + error * posterior.kpi_scale[j])
    return np.stack(out).transpose(2, 0, 1)


def effect_scores(contrib: np.ndarray, truth: np.ndarray, channels: tuple[str, ...]) -> dict:
    """Score effects (S, J, T, C) against the truth (J, T, C)."""
    totals, true_totals = contrib.sum(axis=(1, 2)), truth.sum(axis=(0, 1))
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    mean = totals.mean(axis=0)
    weekly = crps_from_draws(np.moveaxis(contrib, 0, -1), truth)  # (J, T, C)
    per_channel = {
        name: {
            "true_total": true_totals[c],
            "estimated_total": mean[c],
            "error": (mean[c] - true_totals[c]) / true_totals[c],
            "p05": low[c],
            "p95": high[c],
            "is_in_90_range": bool(low[c] <= true_totals[c] <= high[c]),
        }
        for c, name in enumerate(channels)
    }
    return {
        "channels": per_channel,
        "channel_total_error": float(np.abs(mean - true_totals).sum() / true_totals.sum()),
        "total_error": float((mean.sum() - true_totals.sum()) / true_totals.sum()),
        "channel_coverage_90": coverage(low, high, true_totals),
        "weekly_contribution_error": float(
            np.abs(contrib.mean(axis=0) - truth).sum() / truth.sum()
        ),
        "weekly_crps": float((weekly.mean(axis=1) / truth.mean(axis=1)).mean()),
    }


def kpi_scores(draws: np.ndarray, actual: np.ndarray) -> dict:
    """Score KPI draws (S, J, T) against the actuals (J, T), all geo-weeks alike."""
    flat = draws.reshape(len(draws), -1)
    known = ~np.isnan(actual.ravel())
    flat, values = flat[:, known], actual.ravel()[known]
    low, high = np.quantile(flat, [0.05, 0.95], axis=0)
    return point_scores(values, flat.mean(axis=0)) | {
        "crps": float(crps_from_draws(flat.T, values).mean() / values.mean()),
        "coverage_90": coverage(low, high, values),
    }


def score(folder: Path, out: Path, peers: list[dict] | None = None) -> dict:
    """Build, score, and write `score.json` and `draws.npz`; return the scores.

    `peers` are other libraries' runs on the same folder to set beside them.
    """
    out.mkdir(parents=True, exist_ok=True)
    warehouse = out.resolve() / "warehouse.duckdb"
    build(folder.resolve(), warehouse)
    tables = read(warehouse)
    frame = tables["posterior"]
    posterior = posteriors_from_frame(frame)[0]
    features = [tables[f"model_{name}"] for name in ("outcomes", "media", "drivers")]
    panel = build_panel(posterior.model_id, *features)
    future = build_panel(posterior.model_id, *features, plan=tables["model_plans"])
    training = training_weeks(posterior, panel)
    contrib = media_effects(posterior, panel)[:, :, training]
    weeks = panel.weeks[training]
    truth = truth_of(folder / "truth.csv", panel.select_channels(posterior.channels), weeks)
    holdout = pl.read_csv(folder / "holdout.csv", try_parse_dates=True).sort("geo", "date")
    y_train = fitted_draws(posterior, panel)
    y_test = predictive_draws(posterior, future, stable_rng(0, posterior.run_id, "holdout"))
    actual = holdout["value"].to_numpy().reshape(len(panel.geos), -1)
    y_test = y_test[:, :, : actual.shape[1]]
    seconds, memory = frame["fit_seconds"][0], frame["peak_memory_mib"][0]
    scores = {
        "folder": folder.name,
        **effect_scores(contrib, truth, posterior.channels),
        "held_out": kpi_scores(y_test, actual),
        "in_sample": kpi_scores(y_train, panel.outcome[:, training]),
        "rhat_max": frame["rhat"].max(),
        "ess_bulk_min": frame["ess_bulk"].min(),
        "ess_tail_min": frame["ess_tail"].min(),
        "fit_seconds": seconds,
        "peak_memory_mib": memory,
        "draws": len(contrib),
        "versions": json.loads(frame["versions"][0]),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
    }
    if peers:
        scores["peers"] = compare(scores, peers)
    (out / "score.json").write_text(json.dumps(scores, indent=2) + "\n")
    np.savez_compressed(
        out / "draws.npz",
        contrib=contrib,
        y_train=y_train,
        y_test=y_test,
        geos=np.array(posterior.geos),
        channels=np.array(posterior.channels),
        weeks_train=weeks.astype(str),
        weeks_test=np.unique(holdout["date"].cast(pl.String).to_numpy().astype(str)),
    )
    return scores


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--peers", type=Path, help="what other libraries reached on the folder")
    arguments = parser.parse_args()
    if str(arguments.folder) in ("", ".") or str(arguments.out) in ("", "."):
        parser.error("name both: make bench-recovery FOLDER=path/to/folder OUT=path/to/out")
    for name in ("truth.csv", "holdout.csv", "plan.csv"):
        if not (arguments.folder / name).exists():
            parser.error(f"{arguments.folder / name} is missing: the folder needs known truth")
    peers = None
    if arguments.peers:
        try:
            peers = runs_of(arguments.peers, arguments.folder.resolve().name)
        except (OSError, ValueError) as wrong:
            parser.error(str(wrong))
    scores = score(arguments.folder, arguments.out, peers)
    held_out = scores["held_out"]
    print(
        f"{scores['folder']}: channel totals {scores['channel_total_error']:.3f}, "
        f"weekly effects {scores['weekly_contribution_error']:.3f} (CRPS "
        f"{scores['weekly_crps']:.3f}), 90% ranges hold {scores['channel_coverage_90']:.0%} | "
        f"held out: MAPE {held_out['mape']:.2%}, CRPS {held_out['crps']:.4f}, "
        f"90% ranges hold {held_out['coverage_90']:.0%} | R-hat {scores['rhat_max']:.4f}, ESS "
        f"{scores['ess_bulk_min']:.0f}, {scores['fit_seconds']:.1f} s, "
        f"{scores['peak_memory_mib']:.0f} MiB"
    )
    if peers:
        print(table(scores["folder"], scores["peers"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
