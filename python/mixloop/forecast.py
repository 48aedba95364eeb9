"""What planned weeks should bring: components, carried noise and the KPI with its full spread."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

from mixloop.contributions import ALL_GEOS
from mixloop.evaluate import (
    Components,
    align,
    baseline_of,
    distinct_shapes,
    driver_names,
    fitted_by_geo,
    geo_components,
    hierarchy_components,
    with_baseline,
)
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import FORECASTS, conform


def stable_rng(seed: int, *names: str) -> np.random.Generator:
    """Return a generator that depends on the seed and the names only, not on any order of work.

    Examples
    --------
    >>> one, two = stable_rng(1, "run", "plan"), stable_rng(1, "run", "plan")
    >>> bool(one.random() == two.random())
    True
    """
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(digest[:8], "big")])


def future_weeks(posterior: Posterior, panel: Panel) -> np.ndarray:
    """Return which of the panel's weeks come after the run's last training week, (T,) bool."""
    return panel.weeks > posterior.last_week


def _require_drivers(panel: Panel, keep: np.ndarray) -> None:
    """Raise when a driver has no value in a week to be forecast."""
    unknown = np.argwhere(np.isnan(panel.driver_values[:, keep]))
    if len(unknown):
        weeks = panel.weeks[keep]
        first = [f"{panel.drivers[d]} in {panel.geos[j]} at {weeks[t]}" for j, t, d in unknown[:5]]
        raise ValueError(
            f"{len(unknown)} planned driver values are missing, first {first}: every context "
            "variable and event of the run needs a value in every planned week and geo"
        )


def carried_error(posterior: Posterior, geo: int, horizon: np.ndarray) -> np.ndarray:
    """Return the mean of the AR(1) error given each draw: `rho^h e_T`, (H, S), KPI units.

    Parameters
    ----------
    horizon : ndarray of int, (H,)
        Weeks after the last training week, 1 or more.
    """
    carried = posterior.rho[:, geo] ** horizon[:, None] * posterior.last_error[:, geo]
    return carried * posterior.kpi_scale[geo]


def error_paths(
    posterior: Posterior, geo: int, n_weeks: int, rng: np.random.Generator
) -> np.ndarray:
    """Return simulated errors `e_t = rho e_(t-1) + sigma z_t` from the last one on.

    Returns
    -------
    ndarray, (n_weeks, S), KPI units
    """
    shocks = rng.standard_normal((n_weeks, len(posterior.coef))) * posterior.sigma[:, geo]
    error = posterior.last_error[:, geo]
    for shock in shocks:
        error = posterior.rho[:, geo] * error + shock
        shock[:] = error
    return shocks * posterior.kpi_scale[geo]


def predictive_draws(posterior: Posterior, panel: Panel, rng: np.random.Generator) -> np.ndarray:
    """Return draws of the KPI in the panel's weeks after training.

    Parameters
    ----------
    panel : Panel
        History and future: media and drivers of the future weeks are taken as given. The future
        begins the week after the run's last training week.

    Returns
    -------
    ndarray, (S, J, H), KPI units
    """
    panel = align(posterior, panel)
    keep = future_weeks(posterior, panel)
    n_weeks = int(keep.sum())
    draws = np.empty((len(panel.geos), n_weeks, len(posterior.coef)))
    for j, fitted in enumerate(fitted_by_geo(posterior, panel, keep)):
        draws[j] = fitted + error_paths(posterior, j, n_weeks, rng)
    return draws.transpose(2, 0, 1)


def expected_kpi(posterior: Posterior, panel: Panel) -> np.ndarray:
    """Return the mean forecast of each geo and future week, (J, H), KPI units.

    The mean over draws of the model's KPI plus the carried error: no simulation noise in it.
    """
    panel = align(posterior, panel)
    keep = future_weeks(posterior, panel)
    horizon = np.arange(1, keep.sum() + 1)
    return np.stack(
        [
            (fitted + carried_error(posterior, j, horizon)).mean(axis=1)
            for j, fitted in enumerate(fitted_by_geo(posterior, panel, keep))
        ]
    )


def _planned(
    posterior: Posterior, panel: Panel, ids: tuple[str, ...], members: np.ndarray, keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return planned value and spend of the listed components: (J + 1, K, H), NaN where none.

    The last row is all geos: sums of exposure and spend, plain means of driver values.
    """
    exposure, spend, drivers = (
        values[:, keep].transpose(0, 2, 1)  # (J, C or D, H)
        for values in (panel.exposure, panel.spend, panel.driver_values)
    )
    value = np.full((len(panel.geos) + 1, len(ids), int(keep.sum())), np.nan)
    money = np.full_like(value, np.nan)
    by_node = np.einsum("nc,jch->jnh", members, spend)
    money[:-1, : len(members)] = by_node
    money[-1, : len(members)] = by_node.sum(axis=0)
    for c, name in enumerate(posterior.channels):
        k = ids.index(name)
        value[:-1, k], value[-1, k] = exposure[:, c], exposure[:, c].sum(axis=0)
    for d, name in enumerate(driver_names(posterior)):
        k = len(members) + ids[len(members) :].index(name)
        value[:-1, k], value[-1, k] = drivers[:, d], drivers[:, d].mean(axis=0)
    return value, money


def _forecast_ranges(
    posterior: Posterior,
    panel: Panel,
    tree: Components,
    keep: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return ranges of nodes, baseline, `noise` and `kpi`, geos then all: (J + 1, K + 2, H, 4)."""
    shapes = distinct_shapes(posterior)
    baseline = baseline_of(posterior, panel)
    additive = with_baseline(tree, baseline).is_additive.astype(float)
    horizon = np.arange(1, keep.sum() + 1)
    ranges, total = [], 0.0
    for j in range(len(panel.geos)):
        effects = geo_components(posterior, shapes, panel, baseline, tree, j, keep)
        fitted = np.tensordot(additive, effects, axes=1)
        predicted = fitted + error_paths(posterior, j, len(horizon), rng)
        carried = carried_error(posterior, j, horizon)
        block = np.concatenate([effects, carried[None], predicted[None]])
        ranges.append(summarise(block))
        total = total + block
    return np.stack([*ranges, summarise(total)])


def forecast_rows(
    posterior: Posterior,
    panel: Panel,
    nodes: pl.DataFrame,
    rng: np.random.Generator,
    *,
    plan_id: str,
    plan_source: str,
) -> pl.DataFrame:
    """Return the forecast of one run at one plan.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, then the plan's weeks.
    nodes : DataFrame
        model_id, node_id, channel_id, is_leaf_node.

    Returns
    -------
    DataFrame in `schemas.FORECASTS`
        Hierarchy nodes, baseline components, `noise` and `kpi` for every geo and for `all`.
        `noise` is what the last training week's error still carries, `rho^h e_T`. The mean of
        `kpi` is the mean over draws of model plus carried error, so additive means sum to it; its
        quantiles are those of full predictive draws, weekly shocks included. `planned_value` is
        given for modelled channels (exposure; summed in `all`) and drivers (mean over geos in
        `all`), `planned_spend` for every hierarchy node.
    """
    panel = align(posterior, panel)
    keep = future_weeks(posterior, panel)
    _require_drivers(panel, keep)
    weeks = panel.weeks[keep]
    horizon = np.arange(1, len(weeks) + 1)
    tree = hierarchy_components(posterior, nodes)
    parts = with_baseline(tree, baseline_of(posterior, panel))
    ids = (*parts.ids, "noise", "kpi")
    additive = np.append(parts.is_additive, [True, False])
    ranges = _forecast_ranges(posterior, panel, tree, keep, rng)
    ranges[:, -1, :, 0] = ranges[..., 0][:, additive].sum(axis=1)
    value, money = _planned(posterior, panel, ids, tree.members, keep)
    frame = grid_frame(
        {"geo": [*panel.geos, ALL_GEOS], "component_id": ids, "week": weeks},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "forecast_kind": posterior.run_kind,
            "plan_id": plan_id,
            "plan_source": plan_source,
            "as_of_week": posterior.last_week,
            "horizon_weeks": horizon,
            "component_type": np.array([*parts.types, "noise", "kpi"])[:, None],
            "is_additive": additive[:, None],
            "planned_value": value,
            "planned_spend": money,
            **range_columns("forecast", ranges),
        },
    )
    return conform(frame, FORECASTS)
