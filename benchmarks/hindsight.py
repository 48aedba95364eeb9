"""Decision backtests on worlds whose curves are known: whether advice and its range are good.

    python benchmarks/hindsight.py --worlds 10 --first-seed 0 --out file.ndjson

Each world is one geo, six channels and 156 weeks, with a trend, seasons, context and noise. At four
origins the model is fitted as a backtest is, its advice is taken, and the newest run says what it
would have brought (`mixloop.planning.hindsight`). The truth is what the planted curves say of the
same two spends, over the window and the known weeks after it. Written: one row per world and
origin; printed: how often the advice was ahead in truth, how often the truth lies in the range that
the newest run gave, and what was expected against what was so.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from mixloop.fit import FitSettings, FitTask, fit, settings_of
from mixloop.panel import Panel
from mixloop.planning.hindsight import Terms, advice_at, followed, hindsight_row
from mixloop.posterior import Posterior
from worlds import FIRST_WEEK, YEAR, Recipe, _ar, _carried, _saturated, _spend

WEEKS, CHANNELS = 156, 6
ORIGINS = (13, 26, 39, 52)  # weeks before the newest one
TERMS = Terms(horizon_weeks=13, change_max=0.2, step=0.001)
Truth = Callable[[np.ndarray], np.ndarray]


def world(seed: int, share_of_kpi: float, noise_sd: float) -> tuple[Panel, Truth]:
    """Return a panel, and the planted effect (T, C) of any spend (T, C) in its weeks.

    Parameters
    ----------
    share_of_kpi : float
        Media's share of the KPI, all channels together.
    noise_sd : float
        Standard deviation of the error as a share of the KPI.
    """
    rng = np.random.default_rng([7, seed])
    recipe = Recipe(channels=CHANNELS, weeks=WEEKS, share=share_of_kpi)
    spend = _spend(rng, recipe, WEEKS, np.zeros((1, WEEKS)))[0]
    decay, half = rng.uniform(0.1, 0.8, CHANNELS), rng.uniform(0.6, 2.5, CHANNELS)
    slope = rng.uniform(0.8, 2.0, CHANNELS)
    share = rng.dirichlet(np.full(CHANNELS, 3.0)) * recipe.share

    def carried(money: np.ndarray, c: int) -> np.ndarray:
        return _carried(money[None, :, c], "geometric", decay[c])[0]

    unit = [carried(spend, c).mean() for c in range(CHANNELS)]
    height = [
        _saturated(carried(spend, c) / unit[c], "hill", half[c], slope[c]).mean()
        for c in range(CHANNELS)
    ]

    def effect(money: np.ndarray) -> np.ndarray:
        out = np.empty_like(money)
        for c in range(CHANNELS):
            u = carried(money, c) / unit[c]
            out[:, c] = 1000.0 * share[c] * _saturated(u, "hill", half[c], slope[c]) / height[c]
        return out

    t = np.arange(WEEKS)
    context = _ar(rng, (2, WEEKS), 0.8).T
    season = 0.06 * np.sin(2 * np.pi * t / YEAR + rng.uniform(0, 6))
    baseline = 1 - recipe.share + rng.normal(0, 0.1) * t / WEEKS + season
    baseline = baseline + context @ np.array([0.03, -0.02])
    noise = noise_sd * _ar(rng, (WEEKS,), 0.3)
    return Panel(
        geos=("g",),
        weeks=FIRST_WEEK + 7 * t,
        channels=tuple(f"c{c}" for c in range(CHANNELS)),
        drivers=("context:x0", "context:x1"),
        outcome=(1000.0 * (baseline + noise) + effect(spend).sum(axis=1))[None],
        exposure=spend[None],
        spend=spend[None],
        driver_values=context[None],
    ), effect


def run_of(panel: Panel, end: int, kind: str, settings: FitSettings) -> Posterior:
    """Return the fit to all but the last `end` weeks."""
    known = panel.until(panel.weeks[-1 - end])
    task = FitTask(
        run_id=f"{kind}_{end}",
        run_kind=kind,
        model_id="m",
        kpi="kpi",
        panel=known,
        n_training=len(known.weeks),
        media_units=dict.fromkeys(panel.channels, "spend"),
        share_of_kpi={},
    )
    return fit(task, settings_of(kind, settings)).posterior


def true_gain(run: Posterior, newest: Posterior, panel: Panel, effect: Truth) -> float:
    """Return what following a run's advice would have brought by the planted curves."""
    advice = advice_at(run, panel, TERMS)
    end = run.last_week + np.timedelta64(7 * TERMS.horizon_weeks, "D")
    window = (panel.weeks > run.last_week) & (panel.weeks <= end)
    factor = dict(zip(run.channels, advice.factor, strict=True))
    wanted = np.array([factor.get(c, np.nan) for c in newest.channels])
    then = panel.spend[0].copy()
    then[window] *= followed(wanted, then[window].sum(axis=0))
    return float((effect(then) - effect(panel.spend[0])).sum())


def score(seed: int, settings: FitSettings, share_of_kpi: float, noise_sd: float) -> list[dict]:
    """Return one row per origin of a world."""
    panel, effect = world(seed, share_of_kpi, noise_sd)
    newest = run_of(panel, 0, "live", settings)
    rows = []
    for end in ORIGINS:
        run = run_of(panel, end, "backtest", settings)
        row = hindsight_row(run, newest, panel, TERMS)
        rows.append(
            {"seed": seed, "origin": end, "true_gain": true_gain(run, newest, panel, effect)}
            | {name: row[name] for name in ("expected_gain_mean", "p_better_then", "p_gain")}
            | {name: row[name] for name in ("gain_mean", "gain_p05", "gain_p95", "actual_kpi")}
        )
    return rows


def summary(rows: list[dict]) -> dict[str, float]:
    """Return what the rows say together; gains in percent of the window's KPI."""
    frame = pl.DataFrame(rows)
    truth, kpi = frame["true_gain"], frame["actual_kpi"]
    sure = frame.filter(pl.col("p_gain") >= 0.9)
    behind = frame.filter(pl.col("p_gain") <= 0.1)
    return {
        "worlds": frame["seed"].n_unique(),
        "advice": len(frame),
        "true_gain_percent": float((100 * truth / kpi).mean()),
        "said_by_newest_percent": float((100 * frame["gain_mean"] / kpi).mean()),
        "expected_then_percent": float((100 * frame["expected_gain_mean"] / kpi).mean()),
        "ahead_in_truth": float((truth > 0).mean()),
        "truth_in_90_range": float(truth.is_between(frame["gain_p05"], frame["gain_p95"]).mean()),
        "said_ahead": len(sure),
        "ahead_in_truth_where_said": float((sure["true_gain"] > 0).mean() or 0.0),
        "said_behind": len(behind),
    }


def main() -> int:
    """Run the worlds, write a line each origin, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--worlds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.25, help="media's share of the KPI")
    parser.add_argument("--noise", type=float, default=0.03, help="error, as a share of the KPI")
    parser.add_argument("--settings", type=json.loads, default={}, help="FitSettings as JSON")
    arguments = parser.parse_args()
    settings = replace(FitSettings(), **arguments.settings)
    with arguments.out.open("a") as file:
        for seed in range(arguments.first_seed, arguments.first_seed + arguments.worlds):
            for row in score(seed, settings, arguments.share, arguments.noise):
                file.write(json.dumps(row) + "\n")
            file.flush()
    rows = [json.loads(line) for line in arguments.out.read_text().splitlines()]
    for name, value in summary(rows).items():
        print(f"{name:28} {value:.3g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
