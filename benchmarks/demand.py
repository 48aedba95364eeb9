"""Spend that follows demand: how far off its channel is, and what helps.

    make bench-demand OUT=path/to/out WORLDS=24

Every world is one geo of 156 weeks with three channels; truth is known. Demand is a slow random
series that moves the KPI by a standard deviation of 5% of it, and the budget of `search` follows it
(correlation of log spend and demand about 0.8). Each world is fitted four times: with neither help,
with the demand as a context series (observed with an error of a third of its spread), with one lift
test of eight weeks against no spend (standard error 15% of the lift), and with both. `conflicts` is
the share of worlds in which the lift test is said to contradict the model. A world that is in
OUT/demand_*.jsonl is not fitted again, so the command can be stopped and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

from mixloop.evaluate import media_effects
from mixloop.experiments import LiftTest
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.panel import Panel
from mixloop.transforms import adstock, adstock_weights, hill

N_WEEKS = 156
CHANNELS = ("search", "social", "tv")
CURVES = ((0.2, 0.8), (0.45, 0.8), (0.6, 1.4))  # decay, half
SHARES = (0.10, 0.08, 0.12)  # average share of the KPI, about
DEMAND_EFFECT, FOLLOWS = 0.05, 0.4  # share of the KPI, and log spend, for a deviation of one
TEST = slice(140, 148)
HELPS = ("neither", "context", "lift test", "both")
SETTINGS = FitSettings(warmup=250, sweeps=500, max_sweeps=1500, draws=1000)


def slow(rng: np.random.Generator, rho: float) -> np.ndarray:
    """Return a stationary AR(1) series of standard deviation one."""
    out = rng.standard_normal(N_WEEKS)
    for t in range(1, N_WEEKS):
        out[t] = rho * out[t - 1] + np.sqrt(1.0 - rho**2) * out[t]
    return out


def response(spend: np.ndarray, scale: float, decay: float, half: float) -> np.ndarray:
    """Return the saturated response of one spend series."""
    return hill(adstock(spend / scale, adstock_weights("geometric", decay, 12)), half, 1.0)


def world(seed: int, follows: float = FOLLOWS) -> tuple[Panel, np.ndarray, LiftTest]:
    """Return a panel with the demand as its driver, the true weekly effects (T, C) and a test."""
    rng = np.random.default_rng(seed)
    demand = slow(rng, 0.8)
    log_spend = rng.normal(0.0, 0.3, (N_WEEKS, 3))
    log_spend[:, 0] += follows * demand
    spend = 1000.0 * np.exp(log_spend)
    spend[:, 1] *= rng.random(N_WEEKS) < 0.85
    spend[:, 2] *= (np.arange(N_WEEKS) // 5) % 2
    scale = spend.max(axis=0)
    curves = [response(spend[:, c], scale[c], *CURVES[c]) for c in range(3)]
    size = [share / curve.mean() for share, curve in zip(SHARES, curves, strict=True)]
    effect = 1000.0 * np.stack(curves, axis=1) * size
    season = 0.05 * np.sin(2 * np.pi * np.arange(N_WEEKS) / 52.18)
    base = 0.7 + season + DEMAND_EFFECT * demand + 0.015 * slow(rng, 0.3)
    panel = Panel(
        geos=("all",),
        weeks=np.datetime64("2022-01-03") + np.timedelta64(7, "D") * np.arange(N_WEEKS),
        channels=CHANNELS,
        drivers=("context:demand",),
        outcome=(1000.0 * base + effect.sum(axis=1))[None],
        exposure=spend[None],
        spend=spend[None].copy(),
        driver_values=(demand + rng.normal(0.0, 1 / 3, N_WEEKS))[None, :, None],
    )
    without = spend[:, 0].copy()
    without[TEST] = 0.0
    lost = curves[0] - response(without, scale[0], *CURVES[0])
    lift = 1000.0 * size[0] * lost[TEST].sum()
    weeks = panel.weeks[TEST]
    test = LiftTest(
        evidence_id="test",
        channel_id="search",
        geos=(),
        start_week=str(weeks[0]),
        end_week=str(weeks[-1]),
        spend_actual=float(spend[TEST, 0].sum()),
        spend_counterfactual=0.0,
        lift=float(lift * (1.0 + 0.15 * rng.standard_normal())),
        standard_error=float(0.15 * lift),
    )
    return panel, effect, test


def score(seed: int, help_: str, follows: float = FOLLOWS) -> dict:
    """Fit one world and return how far off search and the other channels are."""
    panel, effect, test = world(seed, follows)
    if help_ in ("neither", "lift test"):
        panel = Panel(**vars(panel) | {"drivers": (), "driver_values": np.zeros((1, N_WEEKS, 0))})
    tests = (test,) if help_ in ("lift test", "both") else ()
    units = dict.fromkeys(CHANNELS, "spend")
    start = process_time()
    task = FitTask("", "live", "bench", "kpi", panel, N_WEEKS, units, {}, lift_tests=tests)
    result = fit(task, SETTINGS)
    totals = media_effects(result.posterior, panel).sum(axis=(1, 2))  # (S, C)
    error = totals / effect.sum(axis=0) - 1.0
    low, high = np.quantile(error, [0.05, 0.95], axis=0)
    out = {"seed": seed, "help": help_, "seconds": process_time() - start}
    out["z_score"] = result.evidence[0]["z_score"] if tests else None
    for c, name in enumerate(CHANNELS):
        out[f"{name}_error"] = float(error[:, c].mean())
        out[f"{name}_width"] = float(high[c] - low[c])
        out[f"{name}_covered"] = bool(low[c] <= 0.0 <= high[c])
    return out


def summary(rows: list[dict]) -> pl.DataFrame:
    """Return means over worlds, one row for each kind of help."""
    others = (pl.col("social_error").abs() + pl.col("tv_error").abs()) / 2
    found = (
        pl.DataFrame(rows, infer_schema_length=None)
        .group_by("help")
        .agg(
            worlds=pl.len(),
            bias=pl.col("search_error").mean(),
            error=pl.col("search_error").abs().mean(),
            width=pl.col("search_width").mean(),
            coverage=pl.col("search_covered").mean(),
            others_error=others.mean(),
            conflicts=(pl.col("z_score").abs() >= 2.0).mean(),
            seconds=pl.col("seconds").mean(),
        )
    )
    order = {name: n for n, name in enumerate(HELPS)}
    return found.sort(pl.col("help").replace_strict(order, return_dtype=pl.Int64))


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for demand_*.jsonl")
    parser.add_argument("--worlds", type=int, default=24)
    parser.add_argument("--follows", type=float, default=FOLLOWS, help="0: it does not follow")
    arguments = parser.parse_args()
    if str(arguments.out) in ("", "."):
        parser.error("name a folder: make bench-demand OUT=path/to/out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / f"demand_{arguments.follows:g}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {(row["seed"], row["help"]) for row in rows}
    with file.open("a") as kept:
        for seed in range(arguments.worlds):
            for help_ in HELPS:
                if (seed, help_) not in done:
                    rows.append(score(seed, help_, arguments.follows))
                    kept.write(json.dumps(rows[-1]) + "\n")
                    kept.flush()
    found = summary([row for row in rows if row["seed"] < arguments.worlds])
    for name, values in found.to_dict(as_series=False).items():
        cells = [f"{v:.3f}" if isinstance(v, float) else str(v) for v in values]
        print(f"{name:14}" + "".join(f"{cell:>12}" for cell in cells))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
