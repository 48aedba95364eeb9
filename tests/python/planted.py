"""Small posteriors and panels with numbers that can be checked by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from mixloop.panel import Panel
from mixloop.posterior import BaselineColumn, Posterior

FIRST = np.datetime64("2024-01-01")  # a Monday
WEEK = np.timedelta64(7, "D")


def weeks(count: int, first: np.datetime64 = FIRST) -> np.ndarray:
    return first + WEEK * np.arange(count)


def panel(exposure, outcome=None, drivers=None, spend=None, first=FIRST, geos=None) -> Panel:
    """A panel from exposure (J, T, C); channels c0, c1, ...; drivers = {name: (J, T)}."""
    exposure = np.asarray(exposure, dtype=float)
    n_geos, n_weeks, n_channels = exposure.shape
    drivers = drivers or {}
    values = [np.broadcast_to(v, (n_geos, n_weeks)) for v in drivers.values()]
    return Panel(
        geos=geos or tuple(f"g{j}" for j in range(n_geos)),
        weeks=weeks(n_weeks, first),
        channels=tuple(f"c{c}" for c in range(n_channels)),
        drivers=tuple(drivers),
        outcome=np.full((n_geos, n_weeks), 0.0) if outcome is None else np.asarray(outcome, float),
        exposure=exposure,
        spend=exposure.copy() if spend is None else np.asarray(spend, dtype=float),
        driver_values=np.stack(values, axis=2) if values else np.empty((n_geos, n_weeks, 0)),
    )


def posterior(coef, n_weeks, *, level=0.0, drivers=None, **over) -> Posterior:
    """A posterior from coef (S, J, C): hill(u) = u / (u + 1), no carry-over, no noise.

    `level` and the values of `drivers` = {name: coefficient} broadcast to (S, J); `n_weeks` is the
    training window's length. KPI and exposure scales are 1 unless given.
    """
    coef = np.asarray(coef, dtype=float)
    n_draws, n_geos, n_channels = coef.shape
    parts = {"level": level, **(drivers or {})}
    zero, one = np.zeros(n_geos), np.ones(n_geos)
    values = {
        "run_id": "run",
        "run_kind": "live",
        "model_id": "m",
        "kpi": "revenue",
        "geos": tuple(f"g{j}" for j in range(n_geos)),
        "channels": tuple(f"c{c}" for c in range(n_channels)),
        "media_units": ("spend",) * n_channels,
        "first_week": FIRST,
        "last_week": FIRST + WEEK * (n_weeks - 1),
        "kpi_scale": one,
        "exposure_scale": np.ones((n_geos, n_channels)),
        "carryover_weeks": 2,
        "baseline": tuple(BaselineColumn(name, name, zero, one) for name in parts),
        "kernel": np.full((n_draws, n_channels), "geometric"),
        "decay": np.zeros((n_draws, n_channels)),
        "half": np.ones((n_draws, n_channels)),
        "slope": np.ones((n_draws, n_channels)),
        "coef": coef,
        "baseline_coef": np.stack(
            [np.broadcast_to(np.asarray(v, float), (n_draws, n_geos)) for v in parts.values()],
            axis=2,
        ),
        "sigma": np.zeros((n_draws, n_geos)),
        "rho": np.zeros((n_draws, n_geos)),
        "last_error": np.zeros((n_draws, n_geos)),
    }
    return Posterior(**(values | over))


def nodes(rows, model_id="m", parts=(), hierarchy="main") -> pl.DataFrame:
    """Nodes from (node_id, channel_id) pairs; parts are (node_id, channel_id, leaf_id)."""
    return pl.DataFrame(
        [
            (model_id, hierarchy, node, channel, leaf, leaf is None and node == channel)
            for node, channel, leaf in [*((*row, None) for row in rows), *parts]
        ],
        schema={
            "model_id": pl.String,
            "hierarchy_id": pl.String,
            "node_id": pl.String,
            "channel_id": pl.String,
            "leaf_id": pl.String,
            "is_leaf_node": pl.Boolean,
        },
        orient="row",
    )


def world(n_draws=40, n_geos=3, n_weeks=70, n_channels=4, seed=1) -> tuple[Posterior, Panel]:
    """A random but complete run: mixed transforms, trend, season, context, noise and lead-in."""
    rng = np.random.default_rng(seed)
    lead = 3
    total = n_weeks + lead
    exposure = rng.gamma(1.0, 10.0, (n_geos, total, n_channels))
    exposure *= rng.random((n_geos, total, n_channels)) > 0.3
    price = rng.normal(10.0, 1.0, (n_geos, total))
    price[:, :lead] = np.nan
    outcome = rng.normal(100.0, 10.0, (n_geos, total))
    outcome[:, :lead] = np.nan
    history = panel(exposure, outcome, {"context:price": price}, first=FIRST - lead * WEEK)
    shape = (n_draws, n_channels)
    run = posterior(
        rng.gamma(2.0, 0.05, (n_draws, n_geos, n_channels)),
        n_weeks,
        level=rng.normal(0.8, 0.02, (n_draws, n_geos)),
        drivers={
            "trend": rng.normal(0, 0.001, (n_draws, n_geos)),
            "season:sin1": rng.normal(0.05, 0.01, (n_draws, n_geos)),
            "context:price": rng.normal(-0.05, 0.01, (n_draws, n_geos)),
        },
        kpi_scale=np.full(n_geos, 100.0),
        exposure_scale=exposure.max(axis=1),
        carryover_weeks=4,
        kernel=rng.choice(["geometric", "delayed"], shape),
        decay=rng.choice([0.3, 0.6], shape),
        half=rng.choice([0.25, 0.8], shape),
        slope=rng.choice([0.7, 1.0, 1.5], shape),
        sigma=np.full((n_draws, n_geos), 0.05),
        rho=np.full((n_draws, n_geos), 0.4),
        last_error=rng.normal(0, 0.05, (n_draws, n_geos)),
    )
    columns = list(run.baseline)
    columns[2] = replace(columns[2], component="season")
    columns[3] = replace(columns[3], center=np.full(n_geos, 10.0))
    return replace(run, baseline=tuple(columns)), history
