"""Planted causes against fitted curves: how often the true size lies in the bridge's 90% range.

    make bench-bridge WORLDS=60 SEED=0 OUT=path/to/file.json

Every world is a client with four channels (one of them in flights), season, promotions and noise,
fitted to 130 weeks with default settings. Then 13 weeks come otherwise than planned, once for every
cause alone and for three pairs of causes; each planted cause is a case. The size is that of the
true curves, summed over the 13 weeks.

Cases of one world share its fit, and a cause alone is much the same case as in a pair: standard
errors are those of means over worlds. `one_decay` is the largest share of a channel's draws whose
carry-over is nearest to the same step of the transform grid: where it is near 1 the data know the
carry-over better than the grid's steps.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

from mixloop.bridge.record import MEDIA_PRICES, MOVED_MEDIA, RUN_PANELS, Record
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import forecast_rows, stable_rng
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.transforms import default_grid
from mixloop.variance import variance_rows

N_PAST, N_NEXT, LEAD_IN, LAG = 130, 13, 12, 12
FIRST_WEEK = np.datetime64("2022-01-03")
SETTINGS = FitSettings()
CAUSES = ("spend", "media_price", "timing", "context", "restated", "mapping")
CHANNEL = {"spend": 3, "media_price": 2, "timing": 0, "restated": 1, "mapping": 1}
ONE_DECAY = 0.95
PAIRS = (("spend", "context"), ("media_price", "timing"), ("restated", "mapping"))
NODES = pl.DataFrame(
    [("b", "main", f"c{c}", f"c{c}", None) for c in range(4)],
    schema=dict.fromkeys(
        ("model_id", "hierarchy_id", "node_id", "channel_id", "leaf_id"), pl.String
    ),
    orient="row",
)


@dataclass(frozen=True)
class Truth:
    """A client and the curves that make its KPI.

    Attributes
    ----------
    media : ndarray, (T, 4)
        As planned in the last 13 weeks.
    promotion, rest : ndarray, (T,)
        Promotions as planned; all of the KPI that is neither media nor promotion, noise included.
    """

    media: np.ndarray
    promotion: np.ndarray
    rest: np.ndarray
    decay: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    size: np.ndarray

    def kpi(self, media: np.ndarray, promotion: np.ndarray) -> np.ndarray:
        """Return the KPI of every week, (T,)."""
        out = self.rest + 60.0 * promotion
        for c in range(media.shape[1]):
            weight = self.decay[c] ** np.arange(LAG + 1)
            carried = np.convolve(media[:, c], weight / weight.sum())[: len(media)]
            u = carried / self.media[:, c].mean()
            response = u ** self.slope[c] / (u ** self.slope[c] + self.half[c] ** self.slope[c])
            out = out + self.size[c] * response
        return out


def truth(seed: int) -> Truth:
    """Return a client; the same seed gives the same client."""
    rng = np.random.default_rng([17, seed])
    n = LEAD_IN + N_PAST + N_NEXT
    log = rng.standard_normal((n, 4))
    for t in range(1, n):
        log[t] = 0.7 * log[t - 1] + np.sqrt(1 - 0.49) * log[t]
    media = np.exp(rng.normal(3.0, 0.6, 4)) * np.exp(0.6 * log)
    flights = np.convolve(rng.random(n) < 0.12, np.ones(4))[:n] > 0
    flights[-N_NEXT:] = False
    flights[-N_NEXT + 2 : -N_NEXT + 6] = True
    media[:, 0] *= flights
    promotion = (rng.random(n) < 0.12).astype(float)
    promotion[-N_NEXT:] = 0.0
    angle = 2 * np.pi * np.arange(n) / 52.18
    season = 50 * np.sin(angle + rng.uniform(0, 6)) + 20 * np.cos(2 * angle)
    error = np.zeros(n)
    for t in range(1, n):
        error[t] = 0.4 * error[t - 1] + 25 * rng.standard_normal()
    half, slope = rng.uniform(0.6, 2.5, 4), rng.uniform(0.8, 2.0, 4)
    share = rng.dirichlet(np.full(4, 3.0)) * 250
    return Truth(
        media, promotion, 750 + season + error, rng.uniform(0.1, 0.8, 4), half, slope,
        share * (1 + half**slope),
    )  # fmt: skip


@dataclass
class Came:
    """What came, and what was known: volume works, money is what the model sees."""

    volume: np.ndarray
    money: np.ndarray
    promotion: np.ndarray
    given: np.ndarray
    moved: np.ndarray  # (T,): money of c1 that is c3 today
    price: float = 1.0  # of c2


def happen(world: Truth, causes: tuple[str, ...]) -> tuple[Came, dict[str, float]]:
    """Return what came with some causes planted in order, and the size of each."""
    came = Came(*(world.media.copy() for _ in range(2)), world.promotion.copy(),
                world.media.copy(), np.zeros(len(world.media)))  # fmt: skip
    new, before = slice(-N_NEXT, None), slice(-N_NEXT - 5, -N_NEXT)
    if "restated" in causes:
        came.given[before, 1] *= 0.6
    shown, sizes = came.given.copy(), {}
    last = world.kpi(shown, came.promotion)[new].sum()
    for cause in (name for name in CAUSES if name in causes):
        if cause == "spend":
            came.money[-9:, 3] = came.volume[-9:, 3] = 0.0
        elif cause == "media_price":
            came.price = 1.35
            came.volume[new, 2] /= came.price
        elif cause == "timing":
            for side in (came.money, came.volume):
                side[new, 0] = np.roll(side[new, 0], 5)
        elif cause == "context":
            came.promotion[[-8, -7]] = 1.0
        elif cause == "mapping":
            came.moved = 0.2 * came.money[:, 1]
        shown = came.given.copy() if cause not in ("restated", "mapping") else came.volume.copy()
        shown[new] = came.volume[new]
        if "restated" in causes and cause == "mapping":
            shown = came.volume.copy()
        shown[:, 1] -= came.moved
        shown[:, 3] += came.moved
        now = world.kpi(shown, came.promotion)[new].sum()
        sizes[cause], last = float(now - last), now
    return came, sizes


def panel(media: np.ndarray, promotion: np.ndarray, kpi: np.ndarray) -> Panel:
    """Return a national panel; the lead-in has no KPI."""
    outcome = kpi.copy()
    outcome[:LEAD_IN] = np.nan
    return Panel(
        geos=("g",), weeks=FIRST_WEEK + 7 * np.arange(len(media)),
        channels=tuple(f"c{c}" for c in range(media.shape[1])), drivers=("context:promo",),
        outcome=outcome[None], exposure=media[None], spend=media[None],
        driver_values=promotion[None, :, None],
    )  # fmt: skip


def fitted(world: Truth, seed: int, settings: FitSettings) -> Posterior:
    """Return the posterior of the weeks before the plan."""
    whole = panel(world.media, world.promotion, world.kpi(world.media, world.promotion))
    past = whole.until(whole.weeks[-N_NEXT - 1])
    units = dict.fromkeys(past.channels, "spend")
    task = FitTask(f"bridge_{seed}", "live", "b", "kpi", past, N_PAST, units, {})
    return fit(task, replace(settings, seed=settings.seed + seed)).posterior


def record_of(run: Posterior, came: Came) -> Record:
    """Return what was known of the client."""
    weeks = [week.item() for week in FIRST_WEEK + 7 * np.arange(len(came.money))]
    known = len(weeks) - N_NEXT
    panels = [
        {
            "run_id": run.run_id, "model_id": "b", "as_of_week": weeks[known - 1],
            "mapping_version": 1, "panel_number": 1, "geo": "g", "item_type": "channel",
            "item_id": f"c{c}", "first_week": weeks[0], "spend": None,
            "values": came.given[:known, c].tolist(),
        }
        for c in range(4)
    ]  # fmt: skip
    moved = [
        {
            "mapping_version": 1, "geo": "g", "week": week, "from_leaf_id": "c1",
            "from_channel_id": "c1", "to_leaf_id": "c3", "to_channel_id": "c3", "spend": amount,
            "impressions": 0.0,
        }
        for week, amount in zip(weeks, came.moved.tolist(), strict=True) if amount
    ]  # fmt: skip
    log_price = np.where(np.arange(len(weeks)) < known, 0.0, np.log(came.price))
    prices = pl.DataFrame(
        {"mapping_version": 1, "is_current": True, "geo": "g", "channel_id": "c2", "week": weeks,
         "log_price": log_price},
        schema=MEDIA_PRICES,
    )  # fmt: skip
    return Record(
        pl.DataFrame(panels, schema=RUN_PANELS), pl.DataFrame(moved, schema=MOVED_MEDIA), prices
    )


def one_decay(run: Posterior) -> dict[str, float | None]:
    """Return by cause the largest share of its channel's draws at one step of the grid."""
    grid = default_grid()
    kernels, known = np.array(grid.kernel), {}
    for kernel in set(grid.kernel):
        known[kernel] = np.unique(grid.decay[kernels == kernel])
    out: dict[str, float | None] = dict.fromkeys(CAUSES)
    for cause, c in CHANNEL.items():
        points = [
            (kernel, int(np.abs(known[kernel] - decay).argmin()))
            for kernel, decay in zip(run.kernel[:, c], run.decay[:, c], strict=True)
        ]
        out[cause] = max(points.count(point) for point in set(points)) / len(points)
    return out


def cases(seed: int, settings: FitSettings) -> list[dict]:
    """Return one row for every planted cause of a world: true size, range, closure."""
    world = truth(seed)
    run = fitted(world, seed, settings)
    settled = one_decay(run)
    rows = []
    for causes in (*((cause,) for cause in CAUSES), *PAIRS):
        came, sizes = happen(world, causes)
        kpi = world.kpi(came.volume, came.promotion)
        plan = came.given.copy()
        plan[-N_NEXT:] = world.media[-N_NEXT:]
        ledger = forecast_rows(
            run, panel(plan, world.promotion, kpi), NODES, stable_rng(1, "b"), plan_id="p",
            plan_source="client",
        )  # fmt: skip
        seen = came.money.copy()
        seen[:, 1] -= came.moved
        seen[:, 3] += came.moved
        today = panel(seen, came.promotion, kpi)
        aim = [("all", today.weeks[-N_NEXT].item(), today.weeks[-1].item())]
        frame = variance_rows(
            run, ledger, today, NODES, record=record_of(run, came), mapping_version=1, goals=aim
        )
        goal = frame.filter(period_type="goal", geo="all")
        total = goal.filter(driver_id="total", cause="total")["variance_mean"].item()
        gap = abs(goal.filter("is_additive")["variance_mean"].sum() - total)
        for cause, size in sizes.items():
            row = goal.filter(driver_id="total", cause=cause).row(0, named=True)
            low, mean, high = (row[f"variance_{part}"] for part in ("p05", "mean", "p95"))
            rows.append(
                {"world": seed, "planted": "+".join(causes), "cause": cause, "size": size,
                 "low": low, "mean": mean, "high": high, "gap": gap,
                 "is_inside": low <= size <= high, "one_decay": settled[cause]}
            )  # fmt: skip
    return rows


def standard_error(frame: pl.DataFrame) -> float:
    """Return the standard error of the share inside, with worlds as clusters."""
    share = frame["is_inside"].mean()
    off = frame.group_by("world").agg((pl.col("is_inside") - share).sum())["is_inside"]
    count = len(off)
    return float(np.sqrt((off**2).sum() * count / max(count - 1, 1))) / len(frame)


def summary(rows: list[dict]) -> pl.DataFrame:
    """Return coverage, its standard error and the error by cause, the last row over all.

    `too_large` and `too_small` are the shares whose range lies beyond the true size, away from zero
    and towards it.
    """
    frame = pl.DataFrame(rows).with_columns(
        error=(pl.col("mean") - pl.col("size")).abs() / pl.col("size").abs(),
        width=(pl.col("high") - pl.col("low")) / pl.col("size").abs(),
        is_larger=pl.col("mean") * pl.col("size").sign() > pl.col("size").abs(),
    )
    found = []
    for name in (*CAUSES, "all"):
        part = frame if name == "all" else frame.filter(cause=name)
        missed = part.filter(~pl.col("is_inside"))
        found.append(
            {
                "cause": name,
                "cases": len(part),
                "inside_90": part["is_inside"].mean(),
                "standard_error": standard_error(part),
                "too_large": missed["is_larger"].sum() / len(part),
                "too_small": (~missed["is_larger"]).sum() / len(part),
                "error": part["error"].median(),
                "width": part["width"].median(),
                "gap": part["gap"].max(),
            }
        )
    return pl.DataFrame(found)


def by_decay(rows: list[dict]) -> pl.DataFrame:
    """Return coverage where one step of the grid has nearly all draws, and elsewhere."""
    frame = pl.DataFrame(rows).drop_nulls("one_decay")
    key = (pl.col("one_decay") > ONE_DECAY).alias("is_one_decay")
    return (
        frame.group_by("cause", key)
        .agg(pl.col("world").n_unique().alias("worlds"), pl.col("is_inside").mean())
        .sort("cause", "is_one_decay")
    )


def main() -> int:
    """Fit the worlds and print how often the true size is inside."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows, start = [], time.perf_counter()
    for seed in range(options.first_seed, options.first_seed + options.worlds):
        rows += cases(seed, SETTINGS)
        print(f"world {seed}: {time.perf_counter() - start:.0f} s", flush=True)
        if options.out:
            options.out.write_text(json.dumps(rows, indent=1))
    with pl.Config(tbl_rows=20, tbl_cols=-1, float_precision=3, tbl_width_chars=140):
        print(summary(rows))
        print(by_decay(rows))
    print(
        f"{options.worlds} worlds; Python {platform.python_version()}, numpy {np.__version__}, "
        f"{platform.machine()}, {os.cpu_count()} cores"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
