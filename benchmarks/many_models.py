"""Fit many small national models the way a build does: models per minute, memory along the way.

    make bench-many MODELS=1000 JOBS=2 OUT=path/to/out

Every model is one geo of 104 weeks with four channels (random carry-over, saturation and return),
a season, a price and autocorrelated errors, from a seed of its own. `mixloop.runs.fit_runs` makes
the tasks from long tables, fits them with the project's default settings on JOBS processes and
returns the ledger's rows. These are live runs, whose draws become published ranges: R-hat below
1.01 and 400 effective draws of every term, or `max_sweeps`. Prints and writes OUT/many_models.json:

- models per minute of wall clock, everything included;
- seconds of a fit (median, 90th percentile), sweeps, share that met the bar;
- the part of the workers' time that was not a fit (sending, rows, waiting);
- the largest memory of any worker after 1%, 10%, 50% and all of the models, and of this process.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import polars as pl

from mixloop.convergence import CONVERGED
from mixloop.fit import FitSettings
from mixloop.runs import fit_runs
from mixloop.transforms import adstock, adstock_weights, hill

N_WEEKS = 104
CHANNELS = ("search", "social", "tv", "video")
FIRST_WEEK = np.datetime64("2022-01-03")
MARKS = (0.01, 0.1, 0.5, 1.0)


def model_frames(seed: int) -> dict[str, pl.DataFrame]:
    """Return one model's long tables, as the warehouse hands them over."""
    rng = np.random.default_rng(seed)
    weeks = (FIRST_WEEK + 7 * np.arange(N_WEEKS)).astype("datetime64[D]")
    spend = rng.lognormal(0.0, 0.6, (N_WEEKS, 4)) * (rng.random((N_WEEKS, 4)) < 0.8) * 1000.0
    price = rng.normal(10.0, 1.0, N_WEEKS)
    kpi = 0.7 + 0.05 * np.sin(2 * np.pi * np.arange(N_WEEKS) / 52.18) - 0.01 * (price - 10.0)
    for c in range(4):
        weights = adstock_weights("geometric", rng.uniform(0.0, 0.7), 12)
        response = hill(
            adstock(spend[:, c] / spend[:, c].max(), weights), rng.uniform(0.3, 1.5), 1.0
        )
        kpi += rng.uniform(0.03, 0.15) * response / response.mean()
    error = rng.normal(0.0, 0.02, N_WEEKS)
    for t in range(1, N_WEEKS):
        error[t] += 0.4 * error[t - 1]
    key = {"model_id": f"model {seed:05d}", "geo": "national"}
    media = pl.DataFrame({"week": weeks} | {c: spend[:, k] for k, c in enumerate(CHANNELS)})
    media = media.unpivot(list(CHANNELS), index="week", variable_name="channel_id")
    frames = {
        "models": pl.DataFrame({"kpi": ["revenue"], "n_training_weeks": [N_WEEKS]}),
        "outcomes": pl.DataFrame({"week": weeks, "outcome": 1000.0 * (kpi + error)}),
        "media": media.select("week", "channel_id", spend="value", exposure="value"),
        "drivers": pl.DataFrame({"week": weeks, "driver_id": "context:price", "value": price}),
        "channels": pl.DataFrame({"channel_id": CHANNELS, "media_unit": "spend"}).with_columns(
            share_of_kpi=pl.lit(None, pl.Float64), pool_id=pl.lit(None, pl.String)
        ),
    }
    return {
        name: frame.with_columns(pl.lit(value).alias(column) for column, value in key.items())
        for name, frame in frames.items()
    }


def measure(n_models: int, jobs: int) -> dict:
    """Fit the models and return the figures."""
    each = [model_frames(seed) for seed in range(n_models)]
    tables = {name: pl.concat(frames[name] for frames in each) for name in each[0]}
    del each
    settings = {name: getattr(FitSettings(), name) for name in FitSettings.__annotations__}
    settings |= {"backtest_origins": 0, "backtest_step_weeks": 6, "backtest_horizon_weeks": 13}
    settings |= {"first_forecast_weeks_ago": 0}
    settings["fit_jobs"] = jobs
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    start = perf_counter()
    rows = fit_runs(**tables, existing=[], settings=settings, clock=perf_counter)
    wall = perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0  # judging below takes more
    one = rows.unique("run_id", maintain_order=True)
    seconds, memory = one["fit_seconds"].to_numpy(), one["peak_memory_mib"].to_numpy()
    marks = sorted({max(1, round(n_models * mark)) for mark in MARKS})
    max_rhat, min_ess = CONVERGED["live"]
    judged = rows.group_by("run_id").agg(
        pl.col("rhat").max(), pl.min_horizontal("ess_bulk", "ess_tail").min().alias("ess")
    )
    met = judged.select(((pl.col("rhat") < max_rhat) & (pl.col("ess") >= min_ess)).mean()).item()
    return {
        "models": n_models,
        "jobs": jobs,
        "bar": f"live: R-hat below {max_rhat}, ESS {min_ess:.0f}",
        "models_per_minute": 60.0 * n_models / wall,
        "wall_seconds": wall,
        "fit_seconds_median": float(np.median(seconds)),
        "fit_seconds_p90": float(np.quantile(seconds, 0.9)),
        "sweeps_median": float(one["n_sweeps"].median()),
        "share_that_met_the_bar": met,
        "share_not_fitting": float(1.0 - seconds.sum() / (wall * jobs)),
        "worker_memory_mib": {str(mark): float(memory[:mark].max()) for mark in marks},
        "main_memory_mib_before": before,
        "main_memory_mib": after,
        "ledger_kib_per_model": rows.estimated_size("kb") / n_models,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}",
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.models, arguments.jobs)
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.out:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "many_models.json").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
