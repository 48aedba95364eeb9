"""Worlds with two siblings that move together, fitted with and without drawing them together.

    make bench-pooling OUT=path/to/out WORLDS=50

Every world is one geo of 156 weeks with four channels, of which `brand` and `performance` are
siblings; truth is known. Three cases: `equal` (correlation of weekly spend 0.97, equal returns),
`unequal` (0.97, the return of performance is three times that of brand) and `same` (spend in
proportion: the data cannot split it; equal returns). Each world is fitted twice, with the same
chains, sweeps and seed. A world that is in OUT/pooling.jsonl is not fitted again, so the command
can be stopped and goes on where it was. Prints one column a case and method.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

from mixloop.evaluate import media_effects
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.panel import Panel
from mixloop.transforms import adstock, adstock_weights, hill

N_WEEKS = 156
CHANNELS = ("search", "brand", "performance", "tv")
POOLS = {"brand": "social", "performance": "social"}
SHARE = {"search": 0.10, "social": 0.15, "tv": 0.12}  # average share of the KPI, about
CASES = {"equal": (0.97, 1.0), "unequal": (0.97, 3.0), "same": (1.0, 1.0)}  # correlation, ratio
SETTINGS = FitSettings(warmup=250, sweeps=500, max_sweeps=1000, draws=1000)


def follower(rng: np.random.Generator, leader: np.ndarray, correlation: float) -> np.ndarray:
    """Return spend half as large as the leader's with (nearly) the given correlation to it."""
    other = rng.lognormal(0.0, 0.5, len(leader))
    low, high = 0.0, 1.0
    for _ in range(50):
        part = 0.5 * (low + high)
        found = np.corrcoef(leader, (1 - part) * leader + part * other)[0, 1]
        low, high = (part, high) if found > correlation else (low, part)
    part = low if correlation < 1.0 else 0.0
    return 0.5 * ((1 - part) * leader + part * other)


def response(spend: np.ndarray, kernel: str, decay: float, half: float) -> np.ndarray:
    """Return the saturated response of one spend series, mean one."""
    carried = adstock(spend / spend.max(), adstock_weights(kernel, decay, 12))
    out = hill(carried, half, 1.0)
    return out / out.mean()


def world(seed: int, correlation: float, ratio: float) -> tuple[Panel, np.ndarray]:
    """Return a panel and the true weekly effects, (T, C)."""
    rng = np.random.default_rng(seed)
    search, leader, tv = rng.lognormal(0.0, 0.5, (3, N_WEEKS)) * (rng.random((3, N_WEEKS)) < 0.85)
    performance = follower(rng, leader, correlation)
    spend = np.stack([search, leader, performance, tv], axis=1) * 1000.0
    money = np.array([leader.sum(), ratio * performance.sum()])
    brand_share, performance_share = SHARE["social"] * money / money.sum()
    shares = (SHARE["search"], brand_share, performance_share, SHARE["tv"])
    curves = (
        ("geometric", 0.0, 0.8),
        ("geometric", 0.45, 0.8),
        ("geometric", 0.45, 0.8),
        ("delayed", 0.5, 1.4),
    )
    effect = np.stack([s * response(spend[:, c], *curves[c]) for c, s in enumerate(shares)], axis=1)
    error = rng.normal(0.0, 0.02, N_WEEKS)
    for t in range(1, N_WEEKS):
        error[t] += 0.5 * error[t - 1]
    season = 0.05 * np.sin(2 * np.pi * np.arange(N_WEEKS) / 52.18)
    outcome = 1000.0 * (0.7 + season + effect.sum(axis=1) + error)
    panel = Panel(
        geos=("all",),
        weeks=np.datetime64("2022-01-03") + np.timedelta64(7, "D") * np.arange(N_WEEKS),
        channels=CHANNELS,
        drivers=(),
        outcome=outcome[None],
        exposure=spend[None],
        spend=spend[None].copy(),
        driver_values=np.zeros((1, N_WEEKS, 0)),
    )
    return panel, 1000.0 * effect


def score(seed: int, case: str, method: str) -> dict:
    """Fit one world and return the siblings' and their parent's figures, relative to the truth."""
    panel, effect = world(seed, *CASES[case])
    pools = POOLS if method == "pooled" else {}
    units = dict.fromkeys(CHANNELS, "spend")
    task = FitTask("", "live", "bench", "kpi", panel, N_WEEKS, units, {}, pools)
    start = process_time()
    result = fit(task, SETTINGS)
    seconds = process_time() - start
    totals = media_effects(result.posterior, panel).sum(axis=(1, 2))[:, 1:3]  # (S, 2)
    truth = effect.sum(axis=0)[1:3]
    out = {"case": case, "seed": seed, "method": method, "seconds": seconds}
    out["sweeps"] = result.n_sweeps
    figures = [result.diagnostics[f"channel:{name}"] for name in POOLS]
    out["rhat"] = float(np.max([f[:, 0] for f in figures]))
    out["ess"] = float(np.min([f[:, 1:] for f in figures]))
    for name, draws, true in (
        ("brand", totals[:, 0], truth[0]),
        ("performance", totals[:, 1], truth[1]),
        ("parent", totals.sum(axis=1), truth.sum()),
    ):
        low, high = np.quantile(draws, [0.05, 0.95])
        out[f"{name}_error"] = float(draws.mean() / true - 1.0)
        out[f"{name}_width"] = float((high - low) / true)
        out[f"{name}_covered"] = bool(low <= true <= high)
    out["split"] = float((totals[:, 0] / totals.sum(axis=1)).mean())
    out["true_split"] = float(truth[0] / truth.sum())
    return out


def summary(rows: list[dict]) -> pl.DataFrame:
    """Return means over worlds, one row a case and method."""
    frame = pl.DataFrame(rows).with_columns(
        child_error=(pl.col("brand_error").abs() + pl.col("performance_error").abs()) / 2,
        child_width=(pl.col("brand_width") + pl.col("performance_width")) / 2,
    )
    ready = (pl.col("rhat") < 1.01) & (pl.col("ess") >= 400)
    return frame.group_by("case", "method", maintain_order=True).agg(
        worlds=pl.len(),
        child_error=pl.col("child_error").mean(),
        child_width=pl.col("child_width").mean(),
        brand_coverage=pl.col("brand_covered").mean(),
        performance_coverage=pl.col("performance_covered").mean(),
        parent_error=pl.col("parent_error").abs().mean(),
        parent_bias=pl.col("parent_error").mean(),
        parent_width=pl.col("parent_width").mean(),
        parent_coverage=pl.col("parent_covered").mean(),
        split=pl.col("split").mean(),
        true_split=pl.col("true_split").mean(),
        converged=ready.mean(),
        rhat_worst=pl.col("rhat").max(),
        ess_per_second=(pl.col("ess") / pl.col("seconds")).median(),
        milliseconds_per_sweep=(
            1000 * pl.col("seconds") / (pl.col("sweeps") + SETTINGS.warmup)
        ).median(),
    )


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", type=int, default=50)
    arguments = parser.parse_args()
    if str(arguments.out) in ("", "."):
        parser.error("name a folder: make bench-pooling OUT=path/to/out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "pooling.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = {(row["case"], row["seed"], row["method"]) for row in rows}
    for seed in range(arguments.worlds):
        for case in CASES:
            for method in ("alone", "pooled"):
                if (case, seed, method) not in done:
                    rows.append(score(seed, case, method))
                    with path.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
    rows = [row for row in rows if row["seed"] < arguments.worlds]
    for name, values in summary(rows).to_dict(as_series=False).items():
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
        print(f"{name:24}" + "".join(f"{cell:>10}" for cell in cells))
    print(f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
