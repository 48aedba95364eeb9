"""The demo world: demand, spend, the effect of one on the other, and the KPI that comes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.demo import brand
from mixloop.demo.demand import Demand, autoregression, make_demand
from mixloop.demo.spend import DailySpend, daily_spend, true_weekly_spend, weekly_spend
from mixloop.transforms import adstock, adstock_weights, hill

DEFAULT_SEED = 20230102
CARRYOVER_WEEKS = 12


@dataclass(frozen=True)
class Size:
    """How much of the world is written.

    Attributes
    ----------
    geos : tuple of str
        Some of `brand.GEOS`.
    n_weeks : int
        Weeks of history, counted back from the last one.
    weekdays : tuple of int
        Days on which spend is booked, 0 = Monday.
    """

    geos: tuple[str, ...]
    n_weeks: int
    weekdays: tuple[int, ...]


FULL = Size(brand.GEOS, brand.N_HISTORY, (0, 1, 2, 3, 4, 5, 6))
SMALL = Size(("north", "south"), 104, (1, 4))


@dataclass(frozen=True)
class World:
    """The drawn world: C channels, J geos, T = N_HISTORY weeks, T' = N_WEEKS.

    Attributes
    ----------
    planned : ndarray, (C, J, T')
        Planned weekly spend.
    daily : DailySpend
    spend : ndarray, (C, J, T)
        True weekly spend, the sum of the line items.
    context, planned_context : dict
        Variable -> (J, T) as measured, (J, T') as planned.
    outcome : dict
        KPI -> (J, T), as published.
    parts : dict of dict
        KPI -> component_id -> (J, T); the components add up to the outcome.
    """

    planned: np.ndarray
    daily: DailySpend
    spend: np.ndarray
    context: dict[str, np.ndarray]
    planned_context: dict[str, np.ndarray]
    outcome: dict[str, np.ndarray]
    parts: dict[str, dict[str, np.ndarray]]


def response(spend: np.ndarray) -> np.ndarray:
    """Return the saturated response to weekly spend, in [0, 1): (C, J, T) from (C, J, T).

    Hill curve on geometric adstock, over the geo's usual weekly spend. Spend before the first week
    counts as zero.
    """
    shapes = []
    for at, channel in enumerate(brand.CHANNELS):
        weights = adstock_weights("geometric", channel.decay, CARRYOVER_WEEKS)
        usual = channel.weekly_spend * np.array(brand.GEO_SHARE)[:, None]
        shapes.append(hill(adstock(spend[at], weights) / usual, channel.half, channel.slope))
    return np.array(shapes)


def coefficients(rng: np.random.Generator, spend: np.ndarray) -> dict[str, np.ndarray]:
    """Return the effect of each channel at full saturation, KPI -> (C, J).

    Sized so that the planted return holds exactly over all history; geos differ by about 12%.
    """
    shape = response(spend)
    usual = np.outer([c.weekly_spend for c in brand.CHANNELS], brand.GEO_SHARE)
    total_spend = spend.sum(axis=(1, 2))
    wanted = {
        "revenue": total_spend * [c.revenue_roi for c in brand.CHANNELS],
        "new_customers": total_spend * [c.customers_per_1000 / 1000 for c in brand.CHANNELS],
    }
    found = {}
    for kpi in brand.KPIS:
        coef = usual * np.exp(0.12 * rng.standard_normal(usual.shape))
        raw = (coef[:, :, None] * shape).sum(axis=(1, 2))
        found[kpi] = coef * (wanted[kpi] / raw)[:, None]
    return found


def _branded_search(
    rng: np.random.Generator, demand: Demand, brand_effect: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the index of brand searches as measured (J, T) and as planned (J, T').

    It follows demand and, a little, the effect of brand media; one part in twenty is noise.
    """
    n_weeks = brand.N_HISTORY
    lift = 1 + 0.4 * (brand_effect / brand_effect.mean(axis=1, keepdims=True) - 1) * 0.25
    noise = np.exp(autoregression(rng, lift.shape, 0.3, 0.05))
    actual = 100 * demand.index[:, :n_weeks] ** 0.8 * lift * noise
    return np.round(actual, 1), 100 * demand.planned_index**0.8


def make_world(rng: np.random.Generator, weekdays: tuple[int, ...]) -> World:
    """Draw the whole world; `weekdays` as in `Size`."""
    n_weeks = brand.N_HISTORY
    demand = make_demand(rng)
    planned, target = weekly_spend(rng, demand)
    daily = daily_spend(rng, target, weekdays)
    spend = true_weekly_spend(daily)
    shape, coef = response(spend), coefficients(rng, spend)
    outcome: dict[str, np.ndarray] = {}
    parts: dict[str, dict[str, np.ndarray]] = {}
    for kpi in brand.KPIS:
        level = brand.KPI_LEVEL[kpi] * np.array(brand.GEO_SHARE)[:, None]
        effects = coef[kpi][:, :, None] * shape
        own = {"level": np.tile(level, (1, n_weeks))}
        own |= {name: level * part[:, :n_weeks] for name, part in demand.parts[kpi].items()}
        own["context:branded_search"] = np.zeros_like(own["level"])
        own |= {name: effects[at] for at, name in enumerate(brand.CHANNEL_IDS)}
        clean = sum(own.values())
        size = brand.NOISE_SD * clean.mean(axis=1, keepdims=True)
        noise = size * autoregression(rng, clean.shape, brand.NOISE_RHO, 1.0)
        outcome[kpi] = np.round(clean + noise, brand.KPI_DECIMALS[kpi])
        parts[kpi] = own | {"unexplained": outcome[kpi] - clean}
    brand_media = ("brand_social", "online_video", "tv", "audio", "ooh")
    brand_effect = sum(parts["revenue"][name] for name in brand_media)
    searches, planned_searches = _branded_search(rng, demand, brand_effect)
    context = {name: value[:, :n_weeks] for name, value in demand.context.items()}
    return World(
        planned=planned,
        daily=daily,
        spend=spend,
        context=context | {"branded_search": searches},
        planned_context=demand.planned_context | {"branded_search": planned_searches},
        outcome=outcome,
        parts=parts,
    )
