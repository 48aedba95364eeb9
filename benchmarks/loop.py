"""Five years of a simulated client, with the loop and without it.

    make bench-loop OUT=path/to/out WORLDS=40 (HALF_LIFE=208)

**The client.** One geo, five channels, known truth. Demand is a slow random series that nobody
sees; it moves the KPI by a standard deviation of 4% of it, and the money of `search` and
`retargeting` follows it (correlation of log spend and demand about 0.7). Every quarter every
channel has a budget, known in advance. In the second quarter of each year from the second on the
client reallocates: one channel gets twice its budget, another half of it. Which ones is drawn at
random: no model is asked, so that neither arm's opinion decides what is tested. What is then spent
differs from the plan by demand and by chance.

**The year.** At the end of each of five years the model is fitted again to all weeks until then, as
a backtest of the product is, and publishes a forecast of the next 26 weeks at the plan: a quarter
as usual and one with the reallocation. Then these weeks come, and are trained on a year later.

**The arms.** With the loop, two channels are tested each year from the second on: those whose
effect over the last year the model with the loop is least sure of in money (widest 90% range). A
test is a hold-out of eight weeks: what the channel brought in them, give or take twice the noise of
the KPI's weeks; it moves no spend. Its outcome is evidence for all later fits, as `experiments`
are. Without the loop the outcomes are thrown away. Both arms have the same budgets, plans, weeks
and outcomes, and their forecasts the same random numbers; at the end of the first year, before any
test, they are the same. A third arm, `exact`, is no client: every channel was measured in every
quarter, give or take 2%. It is what a loop could reach at most.

**The measures**, on the same weeks for both arms. Two are primary:

- `crps`: of the forecast KPI at the plan over the 26 weeks, over its mean;
- `effect`: sum over channels of absolute errors of what they bring in these weeks at the money
  that was spent, over what all bring.

Beside them `usual` and `moved`, the CRPS of either quarter; `given`, the CRPS with the media that
were spent instead of the plan; `change`, the CRPS of what the reallocation is forecast to change of
the quarter's KPI, over that KPI: the truth of it is known here and has no noise; `coverage`, the
share of channels whose 90% range holds what they brought, and `width`, the sum of these ranges
over what all bring. `last_crps`, `last_given` and `last_effect` are measured on the same 26 weeks
for the fits of all years, those after the fifth: a fit of the first year looks five years ahead.

The loop helps where the difference of the arms, world by world, is below zero by more than two
standard errors; a measure falls from year to year where its own differences are. A world that is in
OUT/loop.jsonl is not fitted again, so the command can be stopped and goes on where it was.
HALF_LIFE is another age, in weeks, at which the variance of a test counts double: nothing drifts
here, so that the default believes old tests less than it could.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from mixloop.evaluate import media_effects
from mixloop.experiments import LiftTest
from mixloop.fit import FitSettings, FitTask, fit, settings_of
from mixloop.forecast import predictive_draws, stable_rng
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.scores import crps_from_draws
from mixloop.transforms import adstock, adstock_weights, hill

YEAR, N_YEARS, QUARTER = 52, 5, 13
HORIZON = 2 * QUARTER
N_TRAINED = N_YEARS * YEAR
N_WEEKS = N_TRAINED + HORIZON
CHANNELS = ("display", "retargeting", "search", "tv", "video")
CURVES = ((0.4, 0.6), (0.2, 0.8), (0.2, 0.8), (0.65, 1.2), (0.5, 0.6))  # decay, half
SHARES = (0.05, 0.06, 0.10, 0.10, 0.06)  # average share of the KPI over the five years
FOLLOWS = (0.0, 0.4, 0.4, 0.0, 0.0)  # log spend for a deviation of one of demand
DEMAND_EFFECT, NOISE = 0.04, 0.02  # shares of the KPI
BUDGETS, BY_CHANCE = 0.25, 0.25  # deviations of log budgets between quarters, of weeks from them
MOVE = float(np.log(2.0))  # twice the money for one channel, half of it for another
LEVEL, MONEY = 1000.0, 1000.0  # of a week
TESTS_A_YEAR, TEST_WEEKS = 2, 8
SETTINGS = settings_of("backtest", FitSettings())
WITHOUT, WITH, EXACT = ARMS = ("without", "with", "exact")
EXACT_ERROR = 0.02  # of the effect of a quarter
PRIMARY = ("crps", "effect")
MEASURES = (*PRIMARY, "usual", "moved", "given", "change", "width")
ON_LAST = ("last_crps", "last_given", "last_effect")


@dataclass(frozen=True)
class Client:
    """A simulated client.

    Attributes
    ----------
    panel : Panel
        All weeks as they came: five years and half of the sixth.
    plan, unmoved : ndarray, (T, C)
        The money that was planned, and what the plan was before the reallocation.
    effect : ndarray, (T, C)
        What each channel brings in each week.
    size, scale : ndarray, (C,)
        The channels' curves: size x hill(adstock(spend / scale)).
    """

    panel: Panel
    plan: np.ndarray
    unmoved: np.ndarray
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


def by_quarter(values: np.ndarray) -> np.ndarray:
    """Return quarterly values for each week, (T, ...)."""
    return np.repeat(values, QUARTER, axis=0)


def client(seed: int) -> Client:
    """Return a simulated client; the same seed gives the same one."""
    rng = np.random.default_rng([5, seed])
    demand = slow(rng, 0.8)
    n_quarters, n_channels = N_WEEKS // QUARTER, len(CHANNELS)
    budget = rng.normal(0.0, BUDGETS, (n_quarters, n_channels))
    moves = np.zeros((n_quarters, n_channels))
    for year in range(1, N_YEARS + 1):
        more, less = rng.choice(n_channels, 2, replace=False)
        moves[4 * year + 1, [more, less]] = MOVE, -MOVE
    follows = np.outer(demand, FOLLOWS)
    by_chance = rng.normal(0.0, BY_CHANCE, (N_WEEKS, n_channels))
    on_air = np.ones((N_WEEKS, n_channels))
    on_air[:, CHANNELS.index("tv")] = (np.arange(N_WEEKS) // 5) % 2 == 0
    expected = np.exp((BY_CHANCE**2 + np.array(FOLLOWS) ** 2) / 2)  # of what comes on top of a plan
    unmoved, moved = (on_air * MONEY * np.exp(by_quarter(b)) for b in (budget, budget + moves))
    spend = moved * np.exp(follows + by_chance)
    scale = spend[:N_TRAINED].max(axis=0)
    curves = np.stack([response(spend[:, c], c, scale[c]) for c in range(n_channels)], axis=1)
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
    return Client(panel, moved * expected, unmoved * expected, effect, size, scale)


def lost_without(world: Client, channel: int, at: slice) -> np.ndarray:
    """Return what the KPI loses in some weeks without the channel in them."""
    spend = world.panel.spend[0, :, channel]
    off = spend.copy()
    off[at] = 0.0
    both = [response(each, channel, world.scale[channel])[at] for each in (spend, off)]
    return world.size[channel] * (both[0] - both[1])


def hold_out(world: Client, channel: int, year: int, seed: int) -> LiftTest:
    """Return the outcome of a test in a year (0, 1, ...): eight weeks without the channel."""
    rng = np.random.default_rng([7, seed, channel, year])
    start = year * YEAR + int(rng.integers(0, YEAR - TEST_WEEKS))
    at = slice(start, start + TEST_WEEKS)
    if not world.panel.spend[0, at, channel].any():  # off air: on air five weeks later
        at = slice(at.start - 5, at.stop - 5)
    error = float(2.0 * NOISE * LEVEL * np.sqrt(TEST_WEEKS))
    lift = float(lost_without(world, channel, at).sum() + error * rng.standard_normal())
    return measured(world, channel, at, f"{CHANNELS[channel]}_{year}", lift, error)


def measured(
    world: Client, channel: int, at: slice, name: str, lift: float, error: float
) -> LiftTest:
    """Return a test of weeks without a channel."""
    weeks = world.panel.weeks[at]
    return LiftTest(
        evidence_id=name,
        channel_id=CHANNELS[channel],
        geos=(),
        start_week=str(weeks[0]),
        end_week=str(weeks[-1]),
        spend_actual=float(world.panel.spend[0, at, channel].sum()),
        spend_counterfactual=0.0,
        lift=lift,
        standard_error=error,
    )


def all_measured(world: Client, years: int) -> list[LiftTest]:
    """Return tests of every channel in every quarter, almost without error."""
    out = []
    for quarter in range(4 * years):
        at = slice(quarter * QUARTER, (quarter + 1) * QUARTER)
        for c, channel in enumerate(CHANNELS):
            lift = float(lost_without(world, c, at).sum())
            out.append(measured(world, c, at, f"{channel}_{quarter}", lift, EXACT_ERROR * lift))
    return out


def fitted(
    world: Client, years: int, tests: list[LiftTest], settings: FitSettings = SETTINGS
) -> Posterior:
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
    return fit(task, settings).posterior


def least_sure(posterior: Posterior, world: Client, years: int) -> list[int]:
    """Return the channels whose effect over the last year has the widest 90% range."""
    last = slice((years - 1) * YEAR, years * YEAR)
    totals = media_effects(posterior, world.panel)[:, 0, last].sum(axis=1)  # (S, C)
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    place = {name: n for n, name in enumerate(CHANNELS)}
    order = np.argsort(low - high, kind="stable")
    return [place[posterior.channels[c]] for c in order[:TESTS_A_YEAR]]


def ahead(world: Client, known: int, end: int, money: np.ndarray | None) -> Panel:
    """Return the weeks up to `end`: `known` as they came, then given money and no outcomes.

    Without money the media are those that were spent.
    """
    panel = world.panel.until(world.panel.weeks[end - 1])
    outcome, exposure = panel.outcome.copy(), panel.exposure.copy()
    outcome[:, known:] = np.nan
    if money is not None:
        exposure[0, known:] = money[known:end]
    return replace(panel, outcome=outcome, exposure=exposure, spend=exposure.copy())


def true_change(world: Client, known: int) -> float:
    """Return what the reallocation of the 26 weeks after `known` is worth at the plan."""
    weeks = slice(known, known + HORIZON)
    out = 0.0
    for c in range(len(CHANNELS)):
        path = world.panel.spend[0, : weeks.stop, c].copy()
        for money, sign in ((world.plan, 1.0), (world.unmoved, -1.0)):
            path[weeks] = money[weeks, c]
            out += sign * world.size[c] * response(path, c, world.scale[c])[weeks].sum()
    return float(out)


def forecast_crps(posterior: Posterior, world: Client, panel: Panel) -> np.ndarray:
    """Return the CRPS of the last 26 weeks of a panel over their mean KPI, (26,)."""
    weeks = slice(len(panel.weeks) - HORIZON, len(panel.weeks))
    draws = predictive_draws(posterior, panel, stable_rng(0, posterior.run_id))[:, 0, -HORIZON:]
    actual = world.panel.outcome[0, weeks]
    return crps_from_draws(draws.T, actual) / actual.mean()


def effect_error(posterior: Posterior, world: Client, weeks: slice) -> dict[str, float]:
    """Return how far off the channels' effects in some weeks are, and what their ranges hold."""
    totals = media_effects(posterior, world.panel)[:, 0, weeks].sum(axis=1)  # (S, C)
    truth = world.effect[weeks].sum(axis=0)
    low, high = np.quantile(totals, [0.05, 0.95], axis=0)
    return {
        "effect": float(np.abs(totals.mean(axis=0) - truth).sum() / truth.sum()),
        "coverage": float(((low <= truth) & (truth <= high)).mean()),
        "width": float((high - low).sum() / truth.sum()),
    }


def scores(posterior: Posterior, world: Client, years: int) -> dict[str, float]:
    """Return the measures of a fit at the end of a year."""
    known, end = years * YEAR, years * YEAR + HORIZON
    crps = forecast_crps(posterior, world, ahead(world, known, end, world.plan))
    given = forecast_crps(posterior, world, ahead(world, known, end, None))
    both = [
        media_effects(posterior, ahead(world, known, end, money))[:, 0, known:].sum(axis=(1, 2))
        for money in (world.plan, world.unmoved)
    ]
    quarter = world.panel.outcome[0, known + QUARTER : end].sum()
    change = crps_from_draws((both[0] - both[1])[None], np.array([true_change(world, known)]))
    last = slice(N_TRAINED, N_WEEKS)
    last_crps, last_given = (
        forecast_crps(posterior, world, ahead(world, known, N_WEEKS, how)).mean()
        for how in (world.plan, None)
    )
    return {
        "crps": float(crps.mean()),
        "usual": float(crps[:QUARTER].mean()),
        "moved": float(crps[QUARTER:].mean()),
        "given": float(given.mean()),
        "change": float(change[0] / quarter),
        **effect_error(posterior, world, slice(known, end)),
        "last_crps": float(last_crps),
        "last_given": float(last_given),
        "last_effect": effect_error(posterior, world, last)["effect"],
    }


def five_years(seed: int, settings: FitSettings = SETTINGS) -> list[dict]:
    """Return the scores of one world, a row for each year and arm."""
    world = client(seed)
    rows, tests = [], []
    for years in range(1, N_YEARS + 1):
        with_loop = fitted(world, years, tests, settings)
        runs = {
            WITHOUT: fitted(world, years, [], settings) if tests else with_loop,
            WITH: with_loop,
            EXACT: fitted(world, years, all_measured(world, years), settings),
        }
        names = " ".join(test.evidence_id for test in tests)
        for arm in ARMS:
            facts = {"seed": seed, "year": years, "arm": arm, "tests": names}
            rows.append(facts | scores(runs[arm], world, years))
        if years < N_YEARS:
            chosen = least_sure(with_loop, world, years)
            tests = tests + [hold_out(world, c, years, seed) for c in chosen]
    return rows


def mean_and_error(values: np.ndarray) -> str:
    """Return the mean of worlds with its standard error."""
    return f"{values.mean():+.4f} ± {values.std(ddof=1) / np.sqrt(len(values)):.4f}"


def summary(rows: list[dict]) -> list[list[str]]:
    """Return a line for each figure: by year, and over the years with tests.

    Of every measure the means of the arms, their mean difference to the one without the loop with
    its standard error and the share of worlds in which it is below zero; of some also each arm's
    differences to the year before, the last of them from the second year to the fifth.
    """
    frame = pl.DataFrame(rows).sort("seed", "year")
    n_worlds = frame["seed"].n_unique()

    def of(arm: str, name: str) -> np.ndarray:  # (worlds, years)
        return frame.filter(pl.col("arm") == arm)[name].to_numpy().reshape(n_worlds, N_YEARS)

    lines = [["", *(f"year {n + 1}" for n in range(N_YEARS)), "years 2-5"]]
    for name in (*MEASURES, "coverage", *ON_LAST):
        arms = {arm: of(arm, name) for arm in ARMS}
        for arm, found in arms.items():
            means = [*found.mean(axis=0), found[:, 1:].mean()]
            lines.append([f"{name} {arm}", *(f"{v:.4f}" for v in means)])
        for arm in (WITH, EXACT):
            gap = arms[arm] - arms[WITHOUT]
            overall = gap[:, 1:].mean(axis=1)
            line = [*map(mean_and_error, gap.T), mean_and_error(overall)]
            lines.append([f"{name} {arm}, less without", *line])
            lower = [*(gap < 0).mean(axis=0), (overall < 0).mean()]
            lines.append([f"{name} {arm}, lower in", *(f"{v:.0%}" for v in lower)])
        if name in (*PRIMARY, "change", *ON_LAST):
            for arm, found in arms.items():
                steps = [*map(mean_and_error, np.diff(found, axis=1).T)]
                long = mean_and_error(found[:, -1] - found[:, 1])
                lines.append([f"{name} {arm}, on the year before", "", *steps, long])
    return lines


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for loop.jsonl")
    parser.add_argument("--worlds", type=int, default=40)
    parser.add_argument("--half-life", type=float, default=SETTINGS.evidence_half_life_weeks)
    arguments = parser.parse_args()
    settings = replace(SETTINGS, evidence_half_life_weeks=arguments.half_life)
    if str(arguments.out) in ("", "."):
        parser.error("name a folder: make bench-loop OUT=path/to/out")
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "loop.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    done = {row["seed"] for row in rows}
    with file.open("a") as kept:
        for seed in range(arguments.worlds):
            if seed not in done:
                found = five_years(seed, settings)
                rows += found
                kept.write("".join(json.dumps(row) + "\n" for row in found))
                kept.flush()
    for name, *cells in summary([row for row in rows if row["seed"] < arguments.worlds]):
        print(f"{name:34}" + "".join(f"{cell:>19}" for cell in cells))
    print(f"{arguments.worlds} worlds, numpy {np.__version__}, {platform.machine()}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
