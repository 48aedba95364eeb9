"""How often the signs of staleness speak when nothing has changed, and how soon when it has.

    make bench-staleness OUT=path/to/out WORLDS=200

A world is one KPI of 1,000 a week over six years with five channels (two with a strong season, one
in flights, one always on, one uneven), a trend, a yearly season and errors that carry on from week
to week (0.4, of three per cent). The first three years are training; then the model is refitted
every quarter on the last three years for three more years, with the right curves but unknown
sizes, and before each refit the last run is checked with the weeks that came and the plan of the
next quarter. Cases: `stationary`; and changes after a year of the loop: `mix` (most of television's
money goes to social), `new` (a tenth goes to a new channel), `dropped` (social stops), `effect`
(television, in flights, a tenth of the KPI, no longer works), `level` (search, always on, an eighth
of the KPI, works half as well, which no week can attribute), `price` (its impressions cost a third
more), `plan` (the plan asks for 1.6 times the budget, which then is spent), and `late` (nobody
refits). Figures: the share of stationary checks in which each sign is called, and the weeks until
a planted change is called by its own sign, looking every week. With FITS=n mixloop itself is
fitted, 12 times in each of n stationary worlds, and the share of checks that call misses is given.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import expected_kpi
from mixloop.misses import Pushes, pushes
from mixloop.panel import Panel
from mixloop.shapes import distinct_shapes
from mixloop.stale_signs import Planned, RunView, Signal, Thresholds
from mixloop.staleness import miss_signals, records_of, signals_of
from mixloop.transforms import adstock, adstock_weights, hill

CHANNELS = ("new", "radio", "search", "social", "tv", "video")
BUDGET = np.array([0.0, 10.0, 30.0, 20.0, 25.0, 15.0])  # a week, thousands
SHARE = np.array([0.0, 0.03, 0.125, 0.08, 0.10, 0.05])  # of the KPI
SEASON = np.array([0.0, 0.1, 0.2, 0.1, 0.4, 0.5])  # how much budgets follow the season
NOISE = np.array([0.0, 0.4, 0.15, 0.25, 0.25, 0.3])  # of log spend, week to week
DECAY = np.array([0.3, 0.3, 0.2, 0.4, 0.6, 0.5])
KPI, RHO, ERROR = 1000.0, 0.4, 0.03
QUARTER, TRAINING, WEEKS = 13, 156, 325
SETTINGS = FitSettings(chains=2, warmup=120, sweeps=200, max_sweeps=200, draws=300)
CHANGE = TRAINING + 52
SIGN = {
    "mix": ("mix_shift",), "new": ("new_channel",), "dropped": ("dropped_channel",),
    "effect": ("misses",), "level": ("misses",), "price": ("media_price",),
    "plan": ("spend_range", "carryover_range", "budget_range"), "late": ("age",),
}  # fmt: skip
WHERE = {"effect": "tv", "level": "total"}
LATE = ("late",)


@dataclass(frozen=True)
class World:
    """Everything that happened, and what a model needs to be fitted."""

    spend: np.ndarray
    impressions: np.ndarray
    features: np.ndarray
    kpi: np.ndarray
    weights: np.ndarray


def world(seed: int, case: str) -> World:
    """Return a simulated world."""
    rng = np.random.default_rng([seed, len(case)])
    t = np.arange(WEEKS)
    wave = np.cos(2 * np.pi * (t - 47) / 52)  # the high season is late in the year
    spend = BUDGET * (1 + SEASON * wave[:, None]) * rng.lognormal(0, NOISE, (WEEKS, 6))
    flights = (t[:, None] + np.arange(6)) % 6 < 4
    spend[:, 4] *= flights[:, 4] * 1.5
    after = t >= CHANGE
    if case == "mix":
        moved = spend[after, 4] * 0.9
        spend[after, 4] -= moved
        spend[after, 3] += moved
    if case == "new":
        spend[after, 0] = 0.1 * spend[after].sum(axis=1)
    if case == "dropped":
        spend[after, 3] = 0.0
    if case == "plan":
        spend[after] *= 1.6
    price = 5.0 * rng.lognormal(0, 0.05, (WEEKS, 6)) * (1 + 0.1 * wave[:, None])
    if case == "price":
        price[after, 2] *= 1.33
    weights = np.array([adstock_weights("geometric", decay, 12) for decay in DECAY])
    carried = adstock(spend.T, weights).T
    scale = carried[:TRAINING].max(axis=0)
    features = hill(carried / np.where(scale > 0, scale, 50.0), 0.7, 1.2)
    size = KPI * SHARE / np.where(SHARE > 0, features[:TRAINING].mean(axis=0), 1.0)
    works = np.ones((WEEKS, 6))
    if case == "effect":
        works[after, 4] = 0.0
    if case == "level":
        works[after, 2] = 0.5
    error = rng.normal(0, ERROR * KPI * np.sqrt(1 - RHO**2), WEEKS)
    for week in range(1, WEEKS):
        error[week] += RHO * error[week - 1]
    base = KPI * (1 - SHARE.sum()) * (1 + 0.1 * t / 156 + 0.08 * wave)
    return World(spend, spend / price, features, base + (features * works) @ size + error, weights)


def fitted(found: World, training: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the KPI that a fit expects in every week, and its errors' autocorrelation."""
    t = np.arange(WEEKS)
    waves = [f(2 * np.pi * k * t / 52) for k in (1, 2) for f in (np.cos, np.sin)]
    design = np.column_stack([np.ones(WEEKS), t / 156, *waves, found.features])
    design = design[:, design[training].std(axis=0) + (design[training].mean(axis=0) > 0) > 0]
    rho = 0.0
    for _ in range(4):
        x = design[training][1:] - rho * design[training][:-1]
        y = found.kpi[training][1:] - rho * found.kpi[training][:-1]
        coef = np.linalg.solve(x.T @ x + 1e-6 * np.eye(x.shape[1]), x.T @ y)
        left = found.kpi[training] - design[training] @ coef
        rho = float(np.clip(left[1:] @ left[:-1] / (left[:-1] @ left[:-1]), 0, 0.95))
    expected = design @ coef
    ahead = np.arange(1, WEEKS - training[-1])
    expected[training[-1] + 1 :] += rho**ahead * left[-1]
    return expected, rho


def checks(
    found: World,
    limits: Thresholds,
    *,
    step: int = QUARTER,
    refits: bool = True,
    first: int = TRAINING + QUARTER,
) -> Iterator[tuple[int, list[Signal]]]:
    """Yield what is called at each look: (weeks of data, signs)."""
    fits: list[tuple] = []
    for now in range(first, WEEKS - QUARTER + 1, step):
        due = range(TRAINING, now, QUARTER) if refits else (TRAINING,)
        for end in due[len(fits) :]:
            training = np.arange(end - TRAINING, end)
            fits.append((training, *fitted(found, training)))
        plan = Planned(found.spend[now : now + QUARTER], found.spend[now : now + QUARTER])
        known = found.weights * (found.spend[fits[-1][0]].sum(axis=0) > 0)[:, None]
        view = RunView(CHANNELS, found.spend[:now], found.spend[:now], found.impressions[:now],
                       known, fits[-1][0], {"next": plan})  # fmt: skip
        record = [_pushed(found, *fit, now) for fit in fits]
        records = records_of(record, len(CHANNELS)).known_to(len(fits) - 1)
        yield now, [sign for sign in signals_of(view, records, limits) if sign.is_triggered]


def _pushed(
    found: World, training: np.ndarray, expected: np.ndarray, rho: float, now: int
) -> Pushes:
    """Return the pushes of one fit's forecasts of record."""
    weeks = np.arange(training[-1] + 1, min(training[-1] + 1 + QUARTER, now))
    misses = found.kpi[weeks] - expected[weeks]
    view = RunView(CHANNELS, found.spend[:now], found.spend[:now], found.impressions[:now],
                   found.weights, training)  # fmt: skip
    return pushes(weeks, misses, rho, view.carried(view.exposure), training)


def stationary(worlds: int, limits: Thresholds) -> dict[str, float]:
    """Return the share of checks in which each sign is called without reason."""
    called: Counter[str] = Counter()
    n = 0
    for seed in range(worlds):
        for _, signs in checks(world(seed, "stationary"), limits):
            n += 1
            called["any"] += bool(signs)
            called.update({sign.signal for sign in signs})
    return {"checks": n, **{name: round(count / n, 4) for name, count in sorted(called.items())}}


def sampled(first: int, last: int, limits: Thresholds) -> dict[str, float]:
    """Return how often misses are called without reason where mixloop itself fits every quarter."""
    paid = list(range(1, len(CHANNELS)))
    names = tuple(CHANNELS[c] for c in paid)
    days = np.datetime64("2018-01-01") + np.timedelta64(7, "D") * np.arange(WEEKS)
    called: Counter[str] = Counter()
    n = 0
    for seed in range(first, last):
        found, record = world(seed, "stationary"), []
        for end in range(TRAINING, WEEKS - 2 * QUARTER + 1, QUARTER):
            start, training = max(end - TRAINING - 12, 0), np.arange(end - TRAINING, end)
            spend = found.spend[start : end + QUARTER, paid][None]
            kpi = found.kpi[start : end + QUARTER][None].copy()
            kpi[:, : training[0] - start] = np.nan
            weeks = days[start : end + QUARTER]
            panel = Panel(("national",), weeks, names, (), kpi, spend, spend,
                          np.empty((1, len(weeks), 0)))  # fmt: skip
            task = FitTask(
                run_id="r", run_kind="live", model_id="m", kpi="kpi",
                panel=panel.until(days[end - 1]), n_training=TRAINING,
                media_units=dict.fromkeys(names, "spend"), share_of_kpi={},
            )  # fmt: skip
            run = fit(task, SETTINGS).posterior
            misses = kpi[0, -QUARTER:] - expected_kpi(run, panel)[0]
            kernels = [s.weights[s.kernel_of][s.which].mean(axis=0) for s in distinct_shapes(run)]
            carried = adstock(found.spend[: end + QUARTER, paid].T, np.array(kernels)).T
            ahead = np.arange(end, end + QUARTER)
            record.append(pushes(ahead, misses, float(run.rho.mean()), carried, training))
            records = records_of(record, len(paid)).known_to(len(record) - 1)
            signs = [s for s in miss_signals(names, records, limits) if s.is_triggered]
            n += 1
            called["any"] += bool(signs)
            called.update({sign.channel_id for sign in signs})
        print(f"  world {seed}", n, dict(called), flush=True)
    return {"checks": n, **{name: round(count / n, 4) for name, count in sorted(called.items())}}


def planted(case: str, worlds: int, limits: Thresholds, step: int = 1) -> dict:
    """Return the share of worlds whose change is called, and how many weeks that takes."""
    weeks = []
    for seed in range(worlds):
        # what is planned ahead can be called before it comes; misses only after
        since = TRAINING if case in LATE else CHANGE
        first = since + step if case in (*LATE, *WHERE) else since - QUARTER + step
        looks = checks(world(seed, case), limits, step=step, refits=case not in LATE, first=first)
        right = (
            now - since
            for now, signs in looks
            for sign in signs
            if sign.signal in SIGN[case] and sign.channel_id == WHERE.get(case, sign.channel_id)
        )
        weeks.append(next(right, np.inf))
    quantiles = np.quantile(weeks, (0.5, 0.9), method="higher")
    return {
        "called": float(np.mean(np.isfinite(weeks))),
        **{
            name: float(value) if np.isfinite(value) else None
            for name, value in zip(("weeks_p50", "weeks_p90"), quantiles, strict=True)
        },
    }


def main() -> None:
    """Print the figures and write them to OUT/staleness.json."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fits", type=int, default=0, help="worlds that mixloop itself fits")
    asked = parser.parse_args()
    limits = Thresholds()
    found: dict[str, dict] = {"stationary": stationary(asked.worlds, limits)}
    print("stationary", json.dumps(found["stationary"]), flush=True)
    for case in SIGN:
        found[case] = planted(case, max(asked.worlds // 4, 1), limits)
        print(case, json.dumps(found[case]), flush=True)
    if asked.fits:
        found["sampled"] = sampled(0, asked.fits, limits)
        print("sampled", json.dumps(found["sampled"]), flush=True)
    if asked.out:
        asked.out.mkdir(parents=True, exist_ok=True)
        (asked.out / "staleness.json").write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
