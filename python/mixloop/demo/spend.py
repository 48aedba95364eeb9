"""What the demo brand spent: plans, actual weekly spend, and the daily line items behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from mixloop.demo import brand
from mixloop.demo.demand import Demand, all_weeks, autoregression, window
from mixloop.demo.line_items import LINE_ITEMS, UNMAPPED

# Relative spend of Monday to Sunday.
WEEKDAYS = (0.96, 0.98, 1.0, 1.02, 1.05, 1.0, 0.99)


def _on_air() -> np.ndarray:
    """Which channel is on air where: (C, J, N_WEEKS), 1 or 0."""
    shape = (len(brand.CHANNELS), len(brand.GEOS), brand.N_WEEKS)
    on = np.ones(shape)
    for channel_id in {burst[0] for burst in brand.BURSTS}:
        on[brand.CHANNEL_IDS.index(channel_id)] = 0.0
    for channel_id, geo, first, n_weeks in brand.BURSTS:
        during = window(geo, first, first + timedelta(weeks=n_weeks - 1))
        on[brand.CHANNEL_IDS.index(channel_id)][during] = 1.0
    late = brand.CHANNEL_IDS.index(brand.LATE_STARTER)
    on[late] *= all_weeks() >= np.datetime64(brand.LATE_START)
    return on


def _budget_steps(rng: np.random.Generator) -> np.ndarray:
    """Budgets that change by quarter, for all geos and by geo, and pulse: (C, J, N_WEEKS)."""
    n_channels, n_geos = len(brand.CHANNELS), len(brand.GEOS)
    quarter = all_weeks().astype("datetime64[M]").astype(int) // 3
    quarter -= quarter[0]
    n_quarters = quarter[-1] + 1
    shared = 0.25 * rng.standard_normal((n_channels, 1, n_quarters))
    by_geo = 0.28 * rng.standard_normal((n_channels, n_geos, n_quarters))
    steps = (shared + by_geo)[:, :, quarter]
    pulse = np.arange(brand.N_WEEKS) // 3  # three-week pulses of the two always-on brand channels
    pulses = 0.38 * rng.standard_normal((n_channels, n_geos, pulse[-1] + 1))[:, :, pulse]
    is_pulsed = np.array([c in ("brand_social", "online_video") for c in brand.CHANNEL_IDS])
    return np.exp(steps + is_pulsed[:, None, None] * pulses)


def _apply(rules: tuple[tuple[str, str, date, date, float], ...], spend: np.ndarray) -> np.ndarray:
    """Multiply spend (C, J, N_WEEKS) by the factor of every rule that covers it."""
    spend = spend.copy()
    for channel_id, geo, first, last, factor in rules:
        spend[brand.CHANNEL_IDS.index(channel_id)][window(geo, first, last)] *= factor
    return spend


def weekly_spend(rng: np.random.Generator, demand: Demand) -> tuple[np.ndarray, np.ndarray]:
    """Return planned and actual weekly spend by modelled channel, each (C, J, N_WEEKS).

    The plan knows the calendar and the expected demand. The actual spend also follows the demand
    that came, and misses the plan by chance and by `brand.PLAN_MISSES`.
    """
    usual = np.array([c.weekly_spend for c in brand.CHANNELS])[:, None, None]
    reaction = np.array([c.reaction for c in brand.CHANNELS])[:, None, None]
    jitter = np.array([c.jitter for c in brand.CHANNELS])[:, None, None]
    share = np.array(brand.GEO_SHARE)[None, :, None]
    planned = usual * share * _on_air() * _budget_steps(rng) * demand.planned_index**reaction
    planned = _apply(brand.MOVES, planned)
    surprise = (demand.index / demand.planned_index) ** reaction
    chance = np.exp(jitter * autoregression(rng, planned.shape, 0.4, 1.0))
    return planned, _apply(brand.PLAN_MISSES, planned * surprise * chance)


@dataclass(frozen=True)
class DailySpend:
    """Every line item's spend by day of history, only where there was any.

    Attributes
    ----------
    item, geo, day : ndarray of int, (N,)
        Positions in LINE_ITEMS and GEOS, and days since the first one.
    cents : ndarray of int, (N,)
        Spend in cents, above zero.
    """

    item: np.ndarray
    geo: np.ndarray
    day: np.ndarray
    cents: np.ndarray


def _item_shares() -> np.ndarray:
    """Each line item's share of its channel's spend, (I, N_HISTORY); unmapped items: zero."""
    t = np.linspace(0, 1, brand.N_HISTORY)
    weeks = all_weeks()[: brand.N_HISTORY]
    shares = np.array([item.share[0] + (item.share[1] - item.share[0]) * t for item in LINE_ITEMS])
    for at, item in enumerate(LINE_ITEMS):
        runs = (weeks >= np.datetime64(item.first_day)) & (weeks <= np.datetime64(item.last_day))
        shares[at] *= runs
    owner = np.array([item.channel for item in LINE_ITEMS])
    for channel_id in brand.CHANNEL_IDS:
        own = owner == channel_id
        shares[own] /= shares[own].sum(axis=0)
    return shares


def daily_spend(
    rng: np.random.Generator, spend: np.ndarray, weekdays: tuple[int, ...]
) -> DailySpend:
    """Split weekly spend (C, J, at least N_HISTORY) over line items and days, to the cent.

    Parameters
    ----------
    weekdays : tuple of int
        Days that are booked, 0 = Monday.
    """
    n_geos, n_weeks = len(brand.GEOS), brand.N_HISTORY
    weeks = all_weeks()[:n_weeks]
    shares = _item_shares()
    weekly = np.zeros((len(LINE_ITEMS), n_geos, n_weeks))
    for at, item in enumerate(LINE_ITEMS):
        if item.channel == UNMAPPED:
            runs = (weeks >= np.datetime64(item.first_day)) & (
                weeks <= np.datetime64(item.last_day)
            )
            weekly[at] = item.weekly_spend * np.array(brand.GEO_SHARE)[:, None] * runs
        else:
            channel = brand.CHANNEL_IDS.index(item.channel)
            weekly[at] = spend[channel, :, :n_weeks] * shares[at]
    booked = np.array([WEEKDAYS[d] if d in weekdays else 0.0 for d in range(7)])
    weights = booked * np.exp(0.15 * rng.standard_normal((*weekly.shape, 7)))
    weights /= weights.sum(axis=-1, keepdims=True)
    cents = np.rint(100 * weekly[..., None] * weights).astype(np.int64)
    item, geo, week, day = np.nonzero(cents)
    return DailySpend(item, geo, 7 * week + day, cents[item, geo, week, day])


def true_weekly_spend(daily: DailySpend) -> np.ndarray:
    """Return the money that worked: weekly spend by modelled channel, (C, J, N_HISTORY)."""
    channel = np.array(
        [
            len(brand.CHANNEL_IDS)
            if item.channel == UNMAPPED
            else brand.CHANNEL_IDS.index(item.channel)
            for item in LINE_ITEMS
        ]
    )
    shape = (len(brand.CHANNEL_IDS) + 1, len(brand.GEOS), brand.N_HISTORY)
    cell = np.ravel_multi_index((channel[daily.item], daily.geo, daily.day // 7), shape)
    cents = np.bincount(cell, weights=daily.cents, minlength=int(np.prod(shape)))
    return cents.reshape(shape)[:-1] / 100
