"""A client whose KPI is made by known curves, and what may go otherwise than planned.

Two geos, three channels with carry-over, a promotion. `kpi` is written without the package, so that
the size of a cause is the difference of two simulated KPIs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import planted
import polars as pl

from mixloop.bridge.record import MEDIA_PRICES, MOVED_MEDIA, RUN_PANELS, Record
from mixloop.forecast import forecast_rows, stable_rng

CHANNELS = ("c0", "c1", "c2")
GEOS = ("g0", "g1")
N_PAST, N_NEXT = 90, 8
DECAY, HALF, SLOPE = (0.5, 0.3, 0.6), (0.8, 0.5, 1.0), (1.4, 1.0, 1.2)
COEF = np.array([[120.0, 80.0, 60.0], [60.0, 50.0, 20.0]])  # KPI at full saturation
SCALE = np.array([[100.0, 50.0, 30.0], [60.0, 20.0, 20.0]])
LEVEL, PROMOTION = np.array([500.0, 300.0]), np.array([40.0, 25.0])
LAG = 6
NODES = planted.nodes([("c0", "c0"), ("c1", "c1"), ("c2", "c2"), ("all media", "c0"),
                       ("all media", "c1"), ("all media", "c2")])  # fmt: skip
ORDER = ("spend", "media_price", "timing", "context", "restated", "mapping")


def kpi(exposure: np.ndarray, promotion: np.ndarray) -> np.ndarray:
    """KPI by geo and week, (J, T): a level, carried-over media on Hill curves, a promotion."""
    out = LEVEL[:, None] + PROMOTION[:, None] * promotion
    for j in range(2):
        for c in range(3):
            weights = [DECAY[c] ** lag for lag in range(LAG + 1)]
            for t in range(exposure.shape[1]):
                carried = sum(
                    weight * exposure[j, t - lag, c]
                    for lag, weight in enumerate(weights)
                    if t >= lag
                )
                u = carried / sum(weights) / SCALE[j, c]
                out[j, t] += COEF[j, c] * u ** SLOPE[c] / (u ** SLOPE[c] + HALF[c] ** SLOPE[c])
    return out


@dataclass
class World:
    """What was planned, what came, what today's tables say of it and what was known before."""

    volume: np.ndarray  # (J, T, C): what works
    money: np.ndarray
    promotion: np.ndarray  # (J, T)
    planned: np.ndarray  # volume in the forecast's weeks, (J, H, C)
    given: np.ndarray  # history as the forecast knew it
    shown: np.ndarray  # volume by channel as today's tables have it
    moved: list[dict] = field(default_factory=list)
    units: tuple[str, ...] = ("spend",) * 3
    price: np.ndarray | None = None  # (T, C) of channels modelled on money
    planned_money: np.ndarray | None = None


def as_planned(units: tuple[str, ...] = ("spend",) * 3, seed: int = 1) -> World:
    """A world in which everything came as planned."""
    rng = np.random.default_rng(seed)
    volume = SCALE[:, None] * rng.uniform(0.2, 1.0, (2, N_PAST + N_NEXT, 3))
    flight = np.zeros(N_PAST + N_NEXT, dtype=bool)
    flight[N_PAST + 1 : N_PAST + 3] = True
    volume[:, N_PAST:, 0] = 0.0
    volume[:, flight, 0] = SCALE[:, None, 0]
    price = np.array([1.0 if unit == "spend" else 0.02 for unit in units])
    money = volume * price
    return World(
        volume=volume, money=money, promotion=np.zeros((2, N_PAST + N_NEXT)),
        planned=volume[:, N_PAST:].copy(), given=volume.copy(), shown=volume.copy(),
        units=units, planned_money=money[:, N_PAST:].copy(),
    )  # fmt: skip


def stop_channel(world: World) -> None:
    """c2 stops in the third of the forecast's weeks."""
    world.volume[:, N_PAST + 2 :, 2] = world.money[:, N_PAST + 2 :, 2] = 0.0


def raise_price(world: World) -> None:
    """A unit of c1 costs a quarter more; the money is as planned."""
    world.volume[:, N_PAST:, 1] /= 1.25
    if world.units[1] == "spend":
        world.price = np.ones((N_PAST + N_NEXT, 3))
        world.price[N_PAST:, 1] = 1.25


def raise_price_of_flight(world: World) -> None:
    """A unit of c0, whose flight may be late, costs a quarter more."""
    world.volume[:, N_PAST:, 0] /= 1.25
    world.price = np.ones((N_PAST + N_NEXT, 3))
    world.price[N_PAST:, 0] = 1.25


def delay_flight(world: World) -> None:
    """The flight of c0 runs three weeks later."""
    for side in (world.volume, world.money):
        side[:, N_PAST:, 0] = np.roll(side[:, N_PAST:, 0], 3, axis=1)


def promote(world: World) -> None:
    """A promotion that nobody planned, in two weeks."""
    world.promotion[:, N_PAST + 3 : N_PAST + 5] = [1.0, 0.5]


def restate_history(world: World) -> None:
    """The forecast knew a fifth less of c0 in the last weeks before it."""
    world.given[:, N_PAST - 5 : N_PAST, 0] *= 0.8


def map_anew(world: World) -> None:
    """A line item, 30% of c1, is c2 today."""
    part = 0.3 * world.volume[:, :, 1]
    world.shown = world.volume.copy()
    world.shown[:, :, 1] -= part
    world.shown[:, :, 2] += part
    weeks = planted.weeks(N_PAST + N_NEXT)
    world.moved = [
        {
            "mapping_version": 1, "geo": GEOS[j], "week": weeks[t].item(),
            "from_leaf_id": "c1", "from_channel_id": "c1", "to_leaf_id": "c2",
            "to_channel_id": "c2", "spend": 0.3 * world.money[j, t, 1],
            "impressions": part[j, t],
        }
        for j in range(2) for t in range(len(weeks))
    ]  # fmt: skip


CAUSES = {
    "spend": stop_channel,
    "media_price": raise_price,
    "timing": delay_flight,
    "context": promote,
    "restated": restate_history,
    "mapping": map_anew,
}


def true_sizes(causes: tuple, units: tuple[str, ...], seed: int = 1) -> dict[str, np.ndarray]:
    """Size of every planted cause by week, (H,): KPI after it minus KPI before it, in order."""
    past = slice(0, N_PAST)
    world = as_planned(units, seed)
    if restate_history in causes:
        restate_history(world)
    world.volume = world.given.copy()
    before, out = kpi(world.volume, world.promotion), {}
    for name, step in zip(ORDER, (*_steps(causes), None), strict=False):
        if step is None:
            continue
        if step is restate_history:
            world.volume[:, past] = as_planned(units, seed).volume[:, past]
        else:
            step(world)
            if step is map_anew:
                world.volume = world.shown
        after = kpi(world.volume, world.promotion)
        out[name] = (after - before).sum(axis=0)[N_PAST:]
        before = after
    return out


def _steps(causes: tuple) -> list:
    """The planted causes at their places in the order; None where there is none."""
    places = [(stop_channel,), (raise_price, raise_price_of_flight), (delay_flight,), (promote,),
              (restate_history,), (map_anew,)]  # fmt: skip
    return [next((c for c in causes if c in place), None) for place in places]


def true_run(units: tuple[str, ...] = ("spend",) * 3):
    """The posterior whose only draw is the truth."""
    coef = COEF / (LEVEL[:, None])
    return planted.posterior(
        coef[None], N_PAST, level=1.0, drivers={"context:promo": (PROMOTION / LEVEL)[None]},
        kpi_scale=LEVEL, exposure_scale=SCALE, carryover_weeks=LAG, media_units=units,
        decay=np.array([DECAY]), half=np.array([HALF]), slope=np.array([SLOPE]),
        sigma=np.full((1, 2), 0.02),
    )  # fmt: skip


def panels(world: World):
    """Return the panel at the plan, and the one of today's tables; the KPI is the true one."""
    outcome = kpi(world.volume, world.promotion)
    planned = world.given.copy()
    planned[:, N_PAST:] = world.planned
    spend = world.money.copy()
    spend[:, N_PAST:] = world.planned_money
    plan = planted.panel(planned, outcome, {"context:promo": np.zeros_like(outcome)}, spend)
    shown = world.shown if world.moved else world.volume
    paid = world.money.copy()
    if world.moved:
        paid[..., 1] -= 0.3 * world.money[..., 1]
        paid[..., 2] += 0.3 * world.money[..., 1]
    # what is modelled on money shows the money, not what it bought
    bought = np.where(np.array(world.units) == "spend", paid, shown)
    today = planted.panel(bought, outcome, {"context:promo": world.promotion}, paid)
    return plan, today


def record_of(world: World, run_id: str = "run") -> Record:
    """Return what was known: the run's panel, and the prices."""
    first = planted.FIRST.item()
    rows = [
        {
            "run_id": run_id, "model_id": "m", "as_of_week": planted.weeks(N_PAST)[-1].item(),
            "mapping_version": 1, "panel_number": 1, "geo": GEOS[j], "item_type": "channel",
            "item_id": CHANNELS[c], "first_week": first,
            "spend": world.money[j, :N_PAST, c].tolist(),
            "values": world.given[j, :N_PAST, c].tolist(),
        }
        for j in range(2) for c in range(3)
    ]  # fmt: skip
    weeks = planted.weeks(N_PAST + N_NEXT)
    prices = [
        {"mapping_version": version, "is_current": is_current, "geo": GEOS[j],
         "channel_id": CHANNELS[c], "week": week.item(),
         "log_price": float(np.log(price[j, t, c]))}
        for (version, is_current), price in _prices(world).items()
        for j in range(2) for t, week in enumerate(weeks) for c in range(3)
    ]  # fmt: skip
    return Record(
        pl.DataFrame(rows, schema=RUN_PANELS),
        pl.DataFrame(world.moved, schema=MOVED_MEDIA),
        pl.DataFrame(prices, schema=MEDIA_PRICES),
    )


def _prices(world: World) -> dict[tuple[int, bool], np.ndarray]:
    """Prices by mapping, (J, T, C): money over what it would have bought at the price of 1."""
    if world.price is None:
        return {}
    then = np.broadcast_to(world.price, world.money.shape)
    if not world.moved:
        return {(1, True): then}
    today, part = then.copy(), 0.3 * world.money[..., 1]
    bought = world.money[..., 2] / then[..., 2] + part / then[..., 1]
    today[..., 2] = (world.money[..., 2] + part) / bought
    return {(1, False): then, (2, True): today}


def published(run, plan, nodes=NODES):
    """Return the forecast of a run at a plan."""
    return forecast_rows(
        run, plan, nodes, stable_rng(1, "bridge"), plan_id="p", plan_source="client"
    )
