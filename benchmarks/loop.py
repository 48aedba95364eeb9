"""Five years of a simulated client, with the loop and without it.

    make bench-loop OUT=path/to/out WORLDS=12

Every world is one geo with five channels and known truth. Demand is a slow random series that
nobody sees; it moves the KPI by a standard deviation of 4% of it, and the budgets of `search` and
`retargeting` follow it (correlation of log spend and demand about 0.7). The model is fitted again
at the end of each of five years to all weeks until then.

With the loop, two channels are tested each year from the second on: those whose effect over the
last year the model is least sure of in money (widest 90% range). A test is a hold-out of eight
weeks: what the channel brought in them, give or take twice the noise of the KPI's weeks; it moves
no spend, so that both arms see the same budget and the same data. With the loop the outcomes are
evidence for all later fits, as `experiments` are; without it they are thrown away.

All fits are scored on the same 26 weeks of the sixth year. In the first 13 the budget goes on as
before, with demand. In the last 13 it is moved on purpose: it does not follow demand, and every
channel has 2.7 times its usual money or a 2.7th of it, by the toss of a coin. `usual` and `moved`
are the CRPS of the forecast KPI over its mean, the media of all weeks given; `effect` the sum of
the channels' absolute errors of what they bring in the 26 weeks, over what all bring; `coverage`
the share of channels whose 90% range holds the truth. A world that is in OUT/loop.jsonl is not
fitted again, so the command can be stopped and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import numpy as np
import polars as pl

from mixloop.evaluate import media_effects
from mixloop.experiments import LiftTest
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import predictive_draws, stable_rng
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.scores import crps_from_draws
from mixloop.transforms import adstock, adstock_weights, hill

YEAR, N_YEARS, HALF = 52, 5, 13
N_TEST = 2 * HALF
N_TRAINED = N_YEARS * YEAR
N_WEEKS = N_TRAINED + N_TEST
CHANNELS = ("display", "retargeting", "search", "tv", "video")
CURVES = ((0.4, 0.6), (0.2, 0.8), (0.2, 0.8), (0.65, 1.2), (0.5, 0.6))  # decay, half
SHARES = (0.05, 0.06, 0.10, 0.10, 0.06)  # average share of the KPI over the five years
FOLLOWS = (0.0, 0.4, 0.4, 0.0, 0.0)  # log spend for a deviation of one of demand
DEMAND_EFFECT, NOISE = 0.04, 0.02  # shares of the KPI
LEVEL = 1000.0
TESTS_A_YEAR, TEST_WEEKS = 2, 8
SETTINGS = FitSettings(warmup=250, sweeps=500, max_sweeps=1500, draws=1000)
ARMS = ("without", "with")


@dataclass(frozen=True)
class Client:
    """A simulated client.

    Attributes
    ----------
    panel : Panel
        Five years and the test weeks, all outcomes known.
    effect : ndarray, (T, C)
        What each channel brings in each week.
    size, scale : ndarray, (C,)
        The channels' curves: size x hill(adstock(spend / scale)).
    """

    panel: Panel
    effect: np.ndarray
    size: np.ndarray
    scale: np.ndarray


def slow(rng: np.random.Generator, rho: float, n: int = N_WEEKS) -> np.ndarray:
    """Return a stationary AR(1) series of standard deviation one."""
    out = rng.standard_normal(n)
    for t in range(1, n):
        out[t] = rho * out[t - 1] + np.sqrt(1.0 - rho**2) * out[t]
    return out


def response(spend: np.ndarray, c: int, scale: float) -> np.ndarray:
    """Return the saturated response of a channel's spend."""
    decay, half = CURVES[c]
    return hill(adstock(spend / scale, adstock_weights("geometric", decay, 12)), half, 1.0)


def client(seed: int) -> Client:
    """Return a simulated client; the same seed gives the same one."""
    rng = np.random.default_rng([5, seed])
    demand = slow(rng, 0.8)
    budget = np.repeat(rng.normal(0.0, 0.25, (N_YEARS * 4, len(CHANNELS))), 13, axis=0)
    usual, moved = np.zeros(len(CHANNELS)), rng.choice((-1.0, 1.0), len(CHANNELS))
    budget = np.concatenate([budget, np.repeat([usual, moved], HALF, axis=0)])
    log_spend = budget + rng.normal(0.0, 0.25, (N_WEEKS, len(CHANNELS)))
    follows = np.outer(demand, FOLLOWS)
    follows[-HALF:] = 0.0
    spend = 1000.0 * np.exp(log_spend + follows)
    on_air = (np.arange(N_WEEKS) // 5) % 2 == 0
    spend[:, CHANNELS.index("tv")] *= on_air
    scale = spend[:N_TRAINED].max(axis=0)
    curves = np.stack([response(spend[:, c], c, scale[c]) for c in range(len(CHANNELS))], axis=1)
    size = LEVEL * np.array(SHARES) / curves[:N_TRAINED].mean(axis=0)
    effect = curves * size
    angle = 2 * np.pi * np.arange(N_WEEKS) / 52.18
    base = 1.0 - sum(SHARES) + 0.05 * np.sin(angle) + 0.02 * np.cos(2 * angle)
    noise = DEMAND_EFFECT * demand + NOISE * rng.standard_normal(N_WEEKS)
    panel = Panel(
        geos=("all",),
        weeks=np.datetime64("2020-01-06") + np.timedelta64(7, "D") * np.arange(N_WEEKS),
        channels=CHANNELS,
        drivers=(),
        outcome=(LEVEL * (base + noise) + effect.sum(axis=1))[None],
        exposure=spend[None],
        spend=spend[None].copy(),
        driver_values=np.zeros((1, N_WEEKS, 0)),
    )
    return Client(panel, effect, size, scale)


def hold_out(world: Client, channel: int, year: int, seed: int) -> LiftTest:
    """Return the outcome of a test in a year (0, 1, ...): eight weeks without the channel."""
    rng = np.random.default_rng([7, seed, channel, year])
    start = year * YEAR + int(rng.integers(0, YEAR - TEST_WEEKS))
    at = slice(start, start + TEST_WEEKS)
    spend = world.panel.spend[0, :, channel]
    if not spend[at].any():  # off air: on air five weeks later
        at = slice(at.start - 5, at.stop - 5)
    without = spend.copy()
    without[at] = 0.0
    lost = response(spend, channel, world.scale[channel]) - response(
        without, channel, world.scale[channel]
    )
    error = 2.0 * NOISE * LEVEL * np.sqrt(TEST_WEEKS)
    weeks = world.panel.weeks[at]
    return LiftTest(
        evidence_id=f"{CHANNELS[channel]}_{year}",
        channel_id=CHANNELS[channel],
        geos=(),
        start_week=str(weeks[0]),
        end_week=str(weeks[-1]),
        spend_actual=float(spend[at].sum()),
        spend_counterfactual=0.0,
        lift=float(world.size[channel] * lost[at].sum() + error * rng.standard_normal()),
        standard_error=float(error),
    )


def fitted(world: Client, years: int, tests: list[LiftTest]) -> Posterior:
    """Return the model of the first years, with tests as evidence."""
    known = world.panel.until(world.panel.weeks[years * YEAR - 1])
    task = FitTask(
        run_id=f"year_{years}",
        run_kind="backtest",
        model_id="client",
        kpi="kpi",
        panel=known,
        n_training=years * YEAR,
        media_units=dict.fromkeys(CHANNELS, "spend"),
        share_of_kpi={},
        lift_tests=tuple(sorted(tests, key=lambda test: test.evidence_id)),
    )
    return fit(task, SETTINGS).posterior


def least_sure(posterior: Posterior, world: Client, years: int) -> list[int]:
    """Return the channels whose effect over the last year has the widest 90% range."""
    last = slice((years - 1) * YEAR, years * YEAR)
    totals = media_effects(posterior, world.panel)[:, 0, last].sum(axis=1)  # (S, C)
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    place = {name: n for n, name in enumerate(CHANNELS)}
    order = np.argsort(low - high, kind="stable")
    return [place[posterior.channels[c]] for c in order[:TESTS_A_YEAR]]


def scores(posterior: Posterior, world: Client) -> dict[str, float]:
    """Return the scores on the test weeks."""
    outcome = world.panel.outcome.copy()
    outcome[:, world.panel.weeks > posterior.last_week] = np.nan
    future = Panel(**vars(world.panel) | {"outcome": outcome})
    draws = predictive_draws(posterior, future, stable_rng(0, posterior.run_id))[:, 0, -N_TEST:]
    actual = world.panel.outcome[0, -N_TEST:]
    totals = media_effects(posterior, world.panel)[:, 0, -N_TEST:].sum(axis=1)
    truth = world.effect[-N_TEST:].sum(axis=0)
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    crps = crps_from_draws(draws.T, actual) / actual.mean()
    return {
        "usual": float(crps[:HALF].mean()),
        "moved": float(crps[HALF:].mean()),
        "effect": float(np.abs(totals.mean(axis=0) - truth).sum() / truth.sum()),
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
    }


def five_years(seed: int) -> list[dict]:
    """Return the scores of one world, a row for each year and arm."""
    world = client(seed)
    rows, tests = [], []
    for years in range(1, N_YEARS + 1):
        start = process_time()
        with_loop = fitted(world, years, tests)
        without = fitted(world, years, []) if tests else with_loop
        for arm, posterior in zip(ARMS, (without, with_loop), strict=True):
            rows.append(
                {"seed": seed, "year": years, "arm": arm, "n_tests": len(tests)}
                | scores(posterior, world)
                | {"seconds": process_time() - start}
            )
        if years < N_YEARS:
            chosen = least_sure(with_loop, world, years)
            tests = tests + [hold_out(world, c, years, seed) for c in chosen]
    return rows


def summary(rows: list[dict]) -> pl.DataFrame:
    """Return one row a year: both arms' means, and the mean difference with its standard error."""
    frame = pl.DataFrame(rows)
    names = ("usual", "moved", "effect", "coverage")
    wide = frame.pivot(on="arm", index=["seed", "year"], values=list(names))
    figures = []
    for name in names:
        with_loop, without = pl.col(f"{name}_with"), pl.col(f"{name}_without")
        figures += [without.mean(), with_loop.mean()]
        if name != "coverage":
            gap = with_loop - without
            figures += [
                gap.mean().alias(f"{name}_gap"),
                (gap.std() / pl.len().sqrt()).alias(f"{name}_gap_se"),
                (gap < 0).mean().alias(f"{name}_better"),
            ]
    return wide.group_by("year").agg(pl.len().alias("worlds"), *figures).sort("year")


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for loop.jsonl")
    parser.add_argument("--worlds", type=int, default=12)
    arguments = parser.parse_args()
    if str(arguments.out) in ("", "."):
        parser.error("name a folder: make bench-loop OUT=path/to/out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "loop.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {row["seed"] for row in rows}
    with file.open("a") as kept:
        for seed in range(arguments.worlds):
            if seed not in done:
                found = five_years(seed)
                rows += found
                kept.write("".join(json.dumps(row) + "\n" for row in found))
                kept.flush()
    found = summary([row for row in rows if row["seed"] < arguments.worlds])
    for name, values in found.to_dict(as_series=False).items():
        cells = [f"{v:.4f}" if isinstance(v, float) else str(v) for v in values]
        print(f"{name:18}" + "".join(f"{cell:>10}" for cell in cells))
    print(f"numpy {np.__version__}, {platform.machine()}, {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
