"""What the demo brand would sell without media: trend, seasons, events and context."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from mixloop.demo import brand


def all_weeks() -> np.ndarray:
    """Return the Mondays of history and plan, datetime64[D], (N_WEEKS,)."""
    first = np.datetime64(brand.FIRST_WEEK)
    return first + 7 * np.arange(brand.N_WEEKS)


def window(geo: str, first: date, last: date) -> np.ndarray:
    """Return where a rule applies: bool, (J, N_WEEKS); `geo` is a geo or `all`."""
    weeks = all_weeks()
    here = np.array([geo in ("all", name) for name in brand.GEOS])
    during = (weeks >= np.datetime64(first)) & (weeks <= np.datetime64(last))
    return here[:, None] & during


def autoregression(
    rng: np.random.Generator, shape: tuple[int, ...], rho: float, scale: float
) -> np.ndarray:
    """Return stationary AR(1) series along the last axis with standard deviation `scale`."""
    shocks = rng.standard_normal(shape) * scale
    series = np.empty(shape)
    series[..., 0] = shocks[..., 0]
    for t in range(1, shape[-1]):
        series[..., t] = rho * series[..., t - 1] + np.sqrt(1 - rho**2) * shocks[..., t]
    return series


def event_shares() -> np.ndarray:
    """Return the share of each week's days that an event covers: (E, J, N_WEEKS), 0 to 1."""
    weeks = all_weeks()
    shares = np.zeros((len(brand.EVENTS), len(brand.GEOS), brand.N_WEEKS))
    for at, event in enumerate(brand.EVENTS):
        here = np.array([event.geo in ("", name) for name in brand.GEOS], dtype=float)
        for day in event.dates:
            first = np.datetime64(day - timedelta(days=event.days_before))
            last = np.datetime64(day + timedelta(days=event.days_after))
            start = np.maximum(weeks, first)
            end = np.minimum(weeks + 6, last)
            days = np.clip((end - start).astype(int) + 1, 0, 7)
            shares[at] += here[:, None] * days / 7
    return shares


def _season(rng: np.random.Generator, kpi: str) -> np.ndarray:
    """Yearly and half-yearly wave in shares of the level, (J, N_WEEKS); geos differ a little."""
    yearly, half_yearly = brand.SEASON[kpi]
    angle = 2 * np.pi * np.arange(brand.N_WEEKS) / (365.25 / 7)
    size = rng.uniform(0.8, 1.2, (len(brand.GEOS), 1))
    wave = yearly * np.cos(angle + 0.5) + half_yearly * np.cos(2 * angle - 0.9)
    return size * wave


def _trend(rng: np.random.Generator, kpi: str) -> np.ndarray:
    """Broken line in shares of the level, (J, N_WEEKS), zero in the first week."""
    before, after = brand.TREND[kpi]
    t = np.arange(brand.N_WEEKS)
    line = before * np.minimum(t, brand.TREND_BEND) + after * np.maximum(t - brand.TREND_BEND, 0)
    return rng.uniform(0.7, 1.3, (len(brand.GEOS), 1)) * line


def _planned_context(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What the brand expected of each variable but branded search: (J, N_WEEKS) each."""
    n_geos, n_weeks = len(brand.GEOS), brand.N_WEEKS
    weeks = all_weeks()
    steps = (("2023-09-04", 3.0), ("2024-05-06", 4.0), ("2025-03-03", 2.5), ("2026-02-02", 2.0))
    price = 100 + sum(size * (weeks >= np.datetime64(day)) for day, size in steps)
    by_event = {event.event_id: at for at, event in enumerate(brand.EVENTS)}
    shares = event_shares()
    depth = {"black_friday": 0.16, "summer_sale": 0.10, "january_sale": 0.08, "christmas": 0.03}
    sales = sum(size * shares[by_event[name]] for name, size in depth.items())
    on = rng.random((n_geos, n_weeks)) < 0.12  # regional offers
    everywhere = rng.random(n_weeks) < 0.16
    offers = np.where(on | everywhere, rng.uniform(0.03, 0.12, (n_geos, n_weeks)), 0.0)
    angle = 2 * np.pi * np.arange(n_weeks) / (365.25 / 7)
    return {
        "competitor": np.tile(100 + 6 * np.cos(angle - 1.8), (n_geos, 1)),
        "organic": np.tile(100 + 5 * np.cos(angle + 0.5) + 0.06 * np.arange(n_weeks), (n_geos, 1)),
        "price": np.tile(price, (n_geos, 1)),
        "promotion": np.minimum(sales + offers, 0.30),
    }


def _actual_context(
    rng: np.random.Generator, planned: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """What happened to each of those variables: (J, N_WEEKS) each."""
    shape = (len(brand.GEOS), brand.N_WEEKS)
    shared = autoregression(rng, shape[1:], 0.85, 9.0)
    depth = planned["promotion"] * np.exp(0.15 * rng.standard_normal(shape))
    unplanned = np.where(rng.random(shape) < 0.04, rng.uniform(0.03, 0.10, shape), 0.0)
    actual = {
        "competitor": planned["competitor"] + shared + autoregression(rng, shape, 0.7, 4.0),
        "organic": planned["organic"] + autoregression(rng, shape, 0.7, 6.0),
        "price": planned["price"] + autoregression(rng, shape, 0.6, 0.9),
        "promotion": np.minimum(depth + unplanned, 0.35),
    }
    decimals = {"competitor": 1, "organic": 1, "price": 2, "promotion": 3}
    return {name: np.round(value, decimals[name]) for name, value in actual.items()}


@dataclass(frozen=True)
class Demand:
    """Baseline of the demo world, all arrays (J, N_WEEKS) over history and plan.

    Attributes
    ----------
    parts : dict of dict
        KPI -> component_id -> effect in shares of the level (`trend`, `season`, `event:<id>`,
        `context:<variable>`). Context counts from the mean of the variable's history.
    context, planned_context : dict
        Variable -> values as they happened and as they were planned; no branded search yet.
    index, planned_index : ndarray
        Revenue demand relative to its mean in the geo: as it happened, and as it was expected.
    """

    parts: dict[str, dict[str, np.ndarray]]
    context: dict[str, np.ndarray]
    planned_context: dict[str, np.ndarray]
    index: np.ndarray
    planned_index: np.ndarray


def make_demand(rng: np.random.Generator) -> Demand:
    """Draw the baseline of the demo world."""
    planned = _planned_context(rng)
    actual = _actual_context(rng, planned)
    mean = {name: value[:, : brand.N_HISTORY].mean(axis=1) for name, value in actual.items()}
    shares = event_shares()
    parts: dict[str, dict[str, np.ndarray]] = {}
    for kpi in brand.KPIS:
        own = {"trend": _trend(rng, kpi), "season": _season(rng, kpi)}
        for at, event in enumerate(brand.EVENTS):
            own[f"event:{event.event_id}"] = getattr(event, kpi) * shares[at]
        for name, value in actual.items():
            own[f"context:{name}"] = brand.CONTEXT_EFFECTS[name][kpi] * (
                value - mean[name][:, None]
            )
        parts[kpi] = own
    total = 1 + sum(parts["revenue"].values())
    surprise = sum(
        brand.CONTEXT_EFFECTS[name]["revenue"] * (actual[name] - planned[name]) for name in actual
    )
    scale = total[:, : brand.N_HISTORY].mean(axis=1, keepdims=True)
    return Demand(parts, actual, planned, total / scale, (total - surprise) / scale)
