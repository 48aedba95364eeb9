"""Simulated worlds with known truth, one kind of difficulty each.

A world is a panel of weekly media, context and KPI with every channel's true effect, and held-out
weeks after it. The kinds are what goes wrong in practice; none of them is the model's own prior.

    make bench-worlds WORLDS=3 OUT=worlds.ndjson AGAINST=worlds_of_another_commit.ndjson
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from joblib import Parallel, delayed

from mixloop.evaluate import media_effects, training_weeks
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import predictive_draws, stable_rng
from mixloop.panel import Panel

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recovery import effect_scores, kpi_scores

FIRST_WEEK = np.datetime64("2021-01-04")
YEAR = 365.25 / 7
LEAD_IN = 13


@dataclass(frozen=True)
class Recipe:
    """How a world is made; every field has a plain default and a kind changes one or two.

    Attributes
    ----------
    geos, weeks, channels, holdout : int
        Size; `weeks` are trained on, `holdout` follow them.
    share : float
        Media's share of the KPI, all channels together.
    weak : int
        Channels whose share is a tenth of an ordinary one.
    common : float
        Share of the log spend's variance that all channels have in common (0 to 1).
    follows_demand : float
        How much of the log spend follows unexplained demand, one month ahead of none.
    kernel : str
        `geometric` or `delayed`.
    saturation : str
        `hill`, `exponential` (1 - exp(-u)) or `power` (u^0.5).
    noise, rho : float
        Standard deviation of the error as a share of the KPI, and its autocorrelation.
    outliers : float
        Share of weeks with a shock of six standard deviations.
    form : str
        `additive` or `multiplicative`.
    drift : float
        Standard deviation of the log effectiveness's yearly change.
    geo_spread : float
        Standard deviation of the log effectiveness between geos.
    """

    geos: int = 1
    weeks: int = 156
    channels: int = 6
    holdout: int = 13
    share: float = 0.25
    weak: int = 0
    common: float = 0.1
    follows_demand: float = 0.0
    kernel: str = "geometric"
    saturation: str = "hill"
    noise: float = 0.03
    rho: float = 0.0
    outliers: float = 0.0
    form: str = "additive"
    drift: float = 0.0
    geo_spread: float = 0.3


@dataclass(frozen=True)
class World:
    """A panel with its truth.

    Attributes
    ----------
    panel : Panel
        Lead-in, training and held-out weeks, with all outcomes.
    effects : ndarray, (J, T, C)
        True expected effect of each channel in the panel's weeks: what the KPI would lose
        without it.
    n_training, n_holdout : int
    """

    kind: str
    seed: int
    panel: Panel
    effects: np.ndarray
    n_training: int
    n_holdout: int


KINDS: dict[str, Recipe] = {
    "plain": Recipe(),
    "short": Recipe(weeks=104, channels=4, noise=0.05),
    "correlated": Recipe(common=0.85),
    "demand": Recipe(follows_demand=0.7, noise=0.04, rho=0.6),
    "weak": Recipe(weak=4, noise=0.05),
    "delayed": Recipe(kernel="delayed"),
    "exponential": Recipe(saturation="exponential"),
    "power": Recipe(saturation="power"),
    "outliers": Recipe(outliers=0.04),
    "autocorrelated": Recipe(rho=0.75, noise=0.05),
    "multiplicative": Recipe(form="multiplicative"),
    "drifting": Recipe(drift=0.3),
    "geos": Recipe(geos=5, noise=0.05),
}


def _ar(rng: np.random.Generator, shape: tuple[int, ...], rho: float) -> np.ndarray:
    """Return stationary AR(1) series of unit variance along the last axis."""
    out = rng.standard_normal(shape)
    for t in range(1, shape[-1]):
        out[..., t] = rho * out[..., t - 1] + np.sqrt(1 - rho**2) * out[..., t]
    return out


def _spend(rng: np.random.Generator, r: Recipe, n: int, demand: np.ndarray) -> np.ndarray:
    """Return weekly spend, (J, n, C): log AR(1) series, some channels in flights."""
    own = _ar(rng, (r.geos, r.channels, n), 0.7)
    common = _ar(rng, (r.geos, 1, n), 0.7)
    log = np.sqrt(1 - r.common) * own + np.sqrt(r.common) * common
    log = np.sqrt(1 - r.follows_demand) * log + np.sqrt(r.follows_demand) * demand[:, None]
    level = np.exp(rng.normal(3.0, 0.6, size=(1, r.channels, 1)))
    spend = level * np.exp(0.6 * log)
    for c in range(0, r.channels, 3):  # a third of the channels run in flights
        on = _ar(rng, (r.geos, n), 0.85) > -0.3
        spend[:, c] *= on
    size = np.exp(rng.normal(0.0, 0.5, size=(r.geos, 1, 1)))
    return np.moveaxis(spend * size, 1, 2)


def _carried(x: np.ndarray, kernel: str, decay: float) -> np.ndarray:
    """Return exposure (J, n) carried over 12 weeks, weights summing to one."""
    lag = np.arange(13)
    weight = decay**lag if kernel == "geometric" else decay ** ((lag - 2.5) ** 2)
    weight = weight / weight.sum()
    padded = np.pad(x, ((0, 0), (12, 0)))
    return sum(w * padded[:, 12 - k : 12 - k + x.shape[1]] for k, w in enumerate(weight))


def _saturated(u: np.ndarray, family: str, half: float, slope: float) -> np.ndarray:
    """Return the response to carried exposure over its own mean."""
    if family == "hill":
        return u**slope / (u**slope + half**slope)
    if family == "exponential":
        return 1 - np.exp(-np.log(2) * u / half)
    return (u / half) ** 0.5 / 2


def make_world(kind: str, seed: int, recipe: Recipe | None = None) -> World:
    """Return a world of a kind; the same seed gives the same world."""
    r = recipe or KINDS[kind]
    rng = np.random.default_rng([sum(map(ord, kind)), seed])
    n = LEAD_IN + r.weeks + r.holdout
    demand = _ar(rng, (r.geos, n), max(r.rho, 0.0))
    spend = _spend(rng, r, n, demand)
    t = np.arange(n)
    response = np.empty((r.geos, n, r.channels))
    for c in range(r.channels):
        decay = rng.uniform(0.1, 0.8) if r.kernel == "geometric" else rng.uniform(0.7, 0.9)
        u = _carried(spend[:, :, c], r.kernel, decay)
        u = u / u.mean(axis=1, keepdims=True)
        response[:, :, c] = _saturated(u, r.saturation, rng.uniform(0.6, 2.5), rng.uniform(0.8, 2))
    drift = np.exp(r.drift * np.cumsum(rng.standard_normal((n, r.channels)), axis=0) / np.sqrt(52))
    response *= drift / drift.mean(axis=0)
    share = rng.dirichlet(np.full(r.channels, 3.0)) * r.share
    share[: r.weak] *= 0.1
    spread = np.exp(r.geo_spread * rng.standard_normal((r.geos, r.channels)))
    spread = np.ones_like(spread) if r.geos == 1 else spread
    media = response / response.mean(axis=(0, 1)) * share * spread[:, None]  # shares of the KPI
    bend = rng.uniform(0.3, 0.7) * n
    slope = rng.normal(0.0, 0.1, size=2) / 52
    trend = slope[0] * t + slope[1] * np.maximum(t - bend, 0)
    angle = 2 * np.pi * t / YEAR
    season = sum(
        rng.normal(0, 0.06 / k) * np.sin(k * angle) + rng.normal(0, 0.06 / k) * np.cos(k * angle)
        for k in (1, 2)
    )
    context = np.moveaxis(_ar(rng, (r.geos, 2, n), 0.8), 1, 2)
    baseline = 1 - r.share + trend + season + context @ np.array([0.03, -0.02])
    error = r.noise * (demand if r.rho or r.follows_demand else _ar(rng, (r.geos, n), 0.0))
    shocks = rng.random((r.geos, n)) < r.outliers
    error = error + shocks * rng.choice([-6.0, 6.0], size=shocks.shape) * r.noise
    if r.form == "additive":
        kpi, effects = baseline + media.sum(axis=2) + error, media
    else:
        log = np.log(np.maximum(baseline, 0.2)) + media.sum(axis=2)
        kpi = np.exp(log + error)
        effects = np.exp(log)[..., None] * (1 - np.exp(-media))
    level = 1000.0 * np.exp(rng.normal(0, 0.5, size=(r.geos, 1)))
    panel = Panel(
        geos=tuple(f"g{j}" for j in range(r.geos)),
        weeks=FIRST_WEEK + 7 * np.arange(n),
        channels=tuple(f"c{c}" for c in range(r.channels)),
        drivers=("context:x0", "context:x1"),
        outcome=kpi * level,
        exposure=spend,
        spend=spend,
        driver_values=context,
    )
    return World(kind, seed, panel, effects * level[..., None], r.weeks, r.holdout)


def training_panel(world: World) -> Panel:
    """Return what a model may see: the lead-in without outcomes, and the training weeks."""
    cut = world.panel.until(world.panel.weeks[-world.n_holdout - 1])
    outcome = cut.outcome.copy()
    outcome[:, :LEAD_IN] = np.nan
    return replace(cut, outcome=outcome)


def future_panel(world: World) -> Panel:
    """Return the whole panel with the held-out outcomes unknown."""
    outcome = world.panel.outcome.copy()
    outcome[:, :LEAD_IN] = np.nan
    outcome[:, -world.n_holdout :] = np.nan
    return replace(world.panel, outcome=outcome)


def task_of(world: World) -> FitTask:
    """Return the fit of a world with the defaults: nothing about its making is told."""
    return FitTask(
        run_id=f"{world.kind}_{world.seed}",
        run_kind="live",
        model_id=world.kind,
        kpi="kpi",
        panel=training_panel(world),
        n_training=world.n_training,
        media_units=dict.fromkeys(world.panel.channels, "spend"),
        share_of_kpi={},
    )


def score_world(kind: str, seed: int, settings: FitSettings) -> dict:
    """Fit one world and score effects and held-out weeks against the truth."""
    world = make_world(kind, seed)
    start = time.perf_counter()
    found = fit(task_of(world), settings)
    seconds = time.perf_counter() - start
    posterior = found.posterior
    panel = training_panel(world)
    training = training_weeks(posterior, panel)
    truth = world.effects[:, : len(panel.weeks)][:, training]
    effects = effect_scores(media_effects(posterior, panel)[:, :, training], truth, panel.channels)
    rng = stable_rng(0, posterior.run_id, "holdout")
    draws = predictive_draws(posterior, future_panel(world), rng)
    actual = world.panel.outcome[:, -world.n_holdout :]
    held_out = kpi_scores(draws, actual)
    judged = np.concatenate(list(found.diagnostics.values()))
    return {
        "kind": kind,
        "seed": seed,
        **{name: effects[name] for name in EFFECT_SCORES},
        "n_channels": len(panel.channels),
        "out_crps": held_out["crps"],
        "out_coverage_90": held_out["coverage_90"],
        "rhat_max": judged[:, 0].max(),
        "ess_min": judged[:, 1:].min(),
        "fit_seconds": seconds,
    }


EFFECT_SCORES = ("channel_total_error", "weekly_crps", "channel_coverage_90", "total_error")


def ratios(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """Return sums of errors now over sums before, by kind and in all, of the worlds in both."""
    both = now.join(before, on=["kind", "seed"], suffix="_before")
    scores = [
        (pl.col(name).sum() / pl.col(f"{name}_before").sum()).alias(f"{name}_ratio")
        for name in ("channel_total_error", "weekly_crps", "out_crps")
    ]
    everything = both.select(pl.lit("all").alias("kind"), *scores)
    return pl.concat([both.group_by("kind", maintain_order=True).agg(scores), everything])


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--worlds", type=int, default=3, help="worlds of each kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), choices=list(KINDS))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write one line of JSON a world here")
    parser.add_argument("--against", type=Path, help="compare with the lines of another run")
    given = parser.parse_args()
    todo = [
        (k, s)
        for k in given.kinds
        for s in range(given.first_seed, given.first_seed + given.worlds)
    ]
    rows = Parallel(n_jobs=given.jobs)(
        delayed(score_world)(kind, seed, FitSettings()) for kind, seed in todo
    )
    frame = pl.DataFrame(rows)
    if given.out:
        frame.write_ndjson(given.out)
    names = [
        *EFFECT_SCORES[:3],
        "out_crps",
        "out_coverage_90",
        "rhat_max",
        "ess_min",
        "fit_seconds",
    ]
    table = frame.group_by("kind", maintain_order=True).agg(pl.col(name).mean() for name in names)
    everything = frame.select(pl.lit("all").alias("kind"), *(pl.col(n).mean() for n in names))
    with pl.Config(tbl_rows=-1, tbl_cols=-1, float_precision=3, tbl_width_chars=160):
        print(pl.concat([table, everything]))
    if given.against:
        print(ratios(pl.read_ndjson(given.against), frame))
    print(
        f"{len(frame)} worlds, {frame['n_channels'].sum()} channels; numpy {np.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
