"""Small worlds with known truth, and the long frames a warehouse would hand over for them."""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from mixloop.panel import Panel
from mixloop.transforms import adstock, adstock_weights, hill

FIRST_WEEK = np.datetime64("2022-01-03")  # a Monday
WEEK = np.timedelta64(7, "D")
CARRYOVER = 12
# kernel, decay, half, slope and average share of the KPI of each planted channel
TRANSFORMS = {
    "search": ("geometric", 0.0, 0.8, 1.0, 0.12),
    "social": ("geometric", 0.45, 0.45, 1.5, 0.10),
    "tv": ("delayed", 0.5, 1.4, 1.0, 0.16),
}


@dataclass(frozen=True)
class World:
    """A panel and what made it: `effect` (J, T, C) in KPI units, `baseline` and `error` (J, T)."""

    panel: Panel
    effect: np.ndarray
    baseline: np.ndarray
    error: np.ndarray
    rho: float


def ar1_series(rng, rho, sd, shape):
    """Stationary AR(1) series over the last axis, with innovations of standard deviation sd."""
    noise = rng.normal(0.0, sd, size=shape)
    out = np.empty(shape)
    out[..., 0] = noise[..., 0] / np.sqrt(1.0 - rho**2)
    for t in range(1, shape[-1]):
        out[..., t] = rho * out[..., t - 1] + noise[..., t]
    return out


def simulate_world(
    *,
    seed=1,
    n_weeks=156,
    geos=("north", "south"),
    channels=("search", "social", "tv"),
    noise=0.02,
    rho=0.5,
    missing=(),
):
    """Simulate level + season + media + AR(1) noise; `missing` lists (geo index, week index)."""
    rng = np.random.default_rng(seed)
    shape = (len(geos), n_weeks, len(channels))
    on = rng.random(shape) < 0.7
    exposure = np.round(on * rng.lognormal(0.0, 0.6, shape) * 1000.0, 2)
    size = 1000.0 * (1.0 + np.arange(len(geos)))  # KPI of an average week before media
    shares = np.zeros(shape)
    for c, name in enumerate(channels):
        kernel, decay, half, slope, share = TRANSFORMS[name]
        scaled = exposure[..., c] / exposure[..., c].max(axis=1, keepdims=True)
        response = hill(adstock(scaled, adstock_weights(kernel, decay, CARRYOVER)), half, slope)
        shares[..., c] = share * response / response.mean(axis=1, keepdims=True)
    weeks = FIRST_WEEK + WEEK * np.arange(n_weeks)
    season = 0.05 * np.sin(2 * np.pi * np.arange(n_weeks) / (365.25 / 7))
    price = rng.normal(10.0, 1.0, size=(len(geos), n_weeks))
    baseline = 0.7 + season - 0.01 * (price - 10.0)
    error = ar1_series(rng, rho, noise, (len(geos), n_weeks))
    outcome = size[:, None] * (baseline + shares.sum(axis=2) + error)
    for j, t in missing:
        outcome[j, t] = np.nan
    panel = Panel(
        geos=tuple(geos),
        weeks=weeks,
        channels=tuple(channels),
        drivers=("context:price",),
        outcome=outcome,
        exposure=exposure,
        spend=exposure.copy(),
        driver_values=price[:, :, None],
    )
    scale = size[:, None]
    return World(panel, scale[:, :, None] * shares, scale * baseline, scale * error, rho)


def long_frame(weeks, axes, values):
    """One row for each cell of the arrays in `values`: (J, T) or (J, T, N).

    `axes` maps the key columns, geo first, to the names along the first and third axis.
    """
    (geo, geos), *rest = axes.items()
    rows = []
    for j, name in enumerate(geos):
        for t, week in enumerate(weeks):
            if not rest:
                cells = {key: float(array[j, t]) for key, array in values.items()}
                rows.append({geo: name, "week": week.item()} | cells)
                continue
            key, items = rest[0]
            for n, item in enumerate(items):
                cells = {column: float(array[j, t, n]) for column, array in values.items()}
                rows.append({geo: name, "week": week.item(), key: item} | cells)
    return pl.DataFrame(rows)


def frames_of(panel, *, model_id="sales", kpi="revenue"):
    """The `int_mixloop__model*` frames of a panel whose weeks are all training weeks."""
    geos, weeks = panel.geos, panel.weeks
    outcomes = long_frame(weeks, {"geo": geos}, {"outcome": panel.outcome})
    media = long_frame(
        weeks,
        {"geo": geos, "channel_id": panel.channels},
        {"spend": panel.spend, "exposure": panel.exposure},
    )
    drivers = long_frame(
        weeks, {"geo": geos, "driver_id": panel.drivers}, {"value": panel.driver_values}
    )
    models = pl.DataFrame({"kpi": [kpi], "n_training_weeks": [len(weeks)]})
    channels = pl.DataFrame(
        {
            "channel_id": panel.channels,
            "media_unit": ["spend"] * len(panel.channels),
            "share_of_kpi": [0.1] + [None] * (len(panel.channels) - 1),
            "pool_id": [None] * len(panel.channels),
        },
        schema_overrides={"share_of_kpi": pl.Float64, "pool_id": pl.String},
    )
    frames = {
        "models": models,
        "outcomes": outcomes.with_columns(pl.col("outcome").fill_nan(None)),
        "media": media,
        "drivers": drivers,
        "channels": channels,
    }
    return {name: frame.with_columns(model_id=pl.lit(model_id)) for name, frame in frames.items()}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Small matrices on one thread: quicker, and the same sums on every machine."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def simulate():
    """The function that makes a `World`."""
    return simulate_world


@pytest.fixture(scope="session")
def to_frames():
    """The function that turns a panel into the warehouse's long frames."""
    return frames_of


@pytest.fixture(scope="session")
def ar1():
    """The function that draws stationary AR(1) series."""
    return ar1_series
