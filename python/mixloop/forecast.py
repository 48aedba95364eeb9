"""What planned weeks should bring: components, carried noise and the KPI with its full spread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import polars as pl

from mixloop.allocation import Leaves, leaves_of
from mixloop.contributions import ALL_GEOS
from mixloop.evaluate import (
    Components,
    align,
    baseline_of,
    fitted_by_geo,
    geo_components,
    hierarchy_components,
    with_baseline,
)
from mixloop.forms import in_log_points, is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.reach import REACH_FREQUENCY
from mixloop.schemas import FORECASTS, conform
from mixloop.shapes import distinct_shapes
from mixloop.shocks import SHOCK_SCALE
from mixloop.trust import pooled_components


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
    """Return simulated errors from the last one on: an AR(1), and in rare weeks a shock.

    `e_t = rho e_(t-1) + sigma z_t`; the shock of a week (`shocks`) is not carried on.

    Returns
    -------
    ndarray, (n_weeks, S), KPI units
    """
    shape = (n_weeks, len(posterior.coef))
    errors = rng.standard_normal(shape) * posterior.sigma[:, geo]
    error = posterior.last_error[:, geo]
    for new in errors:
        error = posterior.rho[:, geo] * error + new
        new[:] = error
    share = posterior.shock_share[:, geo]
    if share.any():
        hit = rng.random(shape) < share
        errors += hit * rng.standard_normal(shape) * SHOCK_SCALE * posterior.sigma[:, geo]
    return errors * posterior.kpi_scale[geo]


def carried_draws(
    posterior: Posterior, geo: int, fitted: np.ndarray, horizon: np.ndarray
) -> np.ndarray:
    """Return what errors add on average to the model's KPI without noise, (H, S), KPI units.

    Of a sum the carried error. Of a product, whose errors multiply, also what they add to its mean
    by being uncertain: half of the AR(1)'s variance v on the log scale, and that of a shock d with
    its probability p:

        fitted (exp(rho^h e_T + v_h / 2) (1 - p + p exp(d^2 / 2)) - 1),
        v_h = sigma^2 (1 - rho^(2 h)) / (1 - rho^2),    d = SHOCK_SCALE sigma
    """
    if not is_multiplicative(posterior):
        return carried_error(posterior, geo, horizon)
    rho2 = posterior.rho[:, geo] ** 2
    variance = posterior.sigma[:, geo] ** 2 * (1.0 - rho2 ** horizon[:, None]) / (1.0 - rho2)
    carried = carried_error(in_log_points(posterior), geo, horizon)
    shock = np.expm1(0.5 * (SHOCK_SCALE * posterior.sigma[:, geo]) ** 2)
    return fitted * np.expm1(
        carried + 0.5 * variance + np.log1p(posterior.shock_share[:, geo] * shock)
    )


def noisy_draws(
    posterior: Posterior, geo: int, fitted: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return draws of the KPI, (H, S), from the model's KPI without noise.

    Errors are added; of a product their exponential multiplies.
    """
    if not is_multiplicative(posterior):
        return fitted + error_paths(posterior, geo, len(fitted), rng)
    return fitted * np.exp(error_paths(in_log_points(posterior), geo, len(fitted), rng))


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
        draws[j] = noisy_draws(posterior, j, fitted, rng)
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
            (fitted + carried_draws(posterior, j, fitted, horizon)).mean(axis=1)
            for j, fitted in enumerate(fitted_by_geo(posterior, panel, keep))
        ]
    )


def with_total(values: np.ndarray, combine: Callable = np.sum) -> np.ndarray:
    """Append a last row over the geos: their sum, or another combination."""
    return np.concatenate([values, combine(values, axis=0, keepdims=True)])


def exposure_paths(panel: Panel, tree: Components, leaves: Leaves, keep: np.ndarray) -> np.ndarray:
    """Return the exposure of every node at or below a modelled channel, geos then all.

    Returns
    -------
    ndarray, (J + 1, N, kept weeks)
        NaN for nodes above and beside channels, which have no unit.
    """
    out = np.full((len(panel.geos) + 1, len(tree.members), int(keep.sum())), np.nan)
    for node in tree.exposed:
        held = panel.exposure[:, keep][..., tree.members[node] > 0].sum(axis=-1)
        if leaves.ids:
            held = held + leaves.exposure[:, keep][..., tree.portions[node] > 0].sum(axis=-1)
        out[:, node] = with_total(held)
    return out


def frequency_paths(
    posterior: Posterior, panel: Panel, tree: Components, leaves: Leaves, keep: np.ndarray
) -> np.ndarray:
    """Return contacts per person of every node at or below a channel that is modelled on reach.

    Returns
    -------
    ndarray, (J + 1, N, kept weeks)
        Geos then all; NaN for other nodes and where nobody is reached.
    """
    out = np.full((len(panel.geos) + 1, len(tree.members), int(keep.sum())), np.nan)
    is_reach = np.array([unit == REACH_FREQUENCY for unit in posterior.media_units])
    if not is_reach.any() or panel.frequency is None:
        return out
    often = leaves.frequency if leaves.ids else 0.0
    contacts = exposure_paths(
        replace(panel, exposure=panel.exposure * panel.frequency),
        tree,
        replace(leaves, exposure=leaves.exposure * often),
        keep,
    )
    people = exposure_paths(panel, tree, leaves, keep)
    below = np.array([is_reach[c] for c, _ in tree.leaves], dtype=bool)
    on_reach = tree.members @ is_reach > 0
    if leaves.ids:
        on_reach |= tree.portions @ below > 0
    defined = (people > 0) & on_reach[:, None]
    return np.divide(contacts, people, out=out, where=defined)


def _planned(
    panel: Panel, tree: Components, leaves: Leaves, ids: tuple[str, ...], keep: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return planned value and spend of the listed components: (J + 1, K, H), NaN where none.

    The last row is all geos: sums of exposure and spend, plain means of driver values.
    """
    count = len(tree.members)
    value = np.full((len(panel.geos) + 1, len(ids), int(keep.sum())), np.nan)
    money = np.full_like(value, np.nan)
    value[:, :count] = exposure_paths(panel, tree, leaves, keep)
    # not `tree.total`: another order of summing would change the hash of plans published before
    spend = np.einsum("nc,jch->jnh", tree.members, panel.spend[:, keep].transpose(0, 2, 1))
    if leaves.ids:
        spend += np.einsum("nl,jtl->jnt", tree.portions, leaves.spend[:, keep])
    money[:, :count] = with_total(spend)
    drivers = panel.driver_values[:, keep].transpose(2, 0, 1)
    for d, name in enumerate(panel.drivers):
        value[:, count + ids[count:].index(name)] = with_total(drivers[d], np.mean)
    return value, money


def _forecast_ranges(
    posterior: Posterior,
    panel: Panel,
    tree: Components,
    leaves: Leaves,
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
        effects = geo_components(posterior, shapes, panel, baseline, tree, leaves, j, keep)
        fitted = np.tensordot(additive, effects, axes=1)
        predicted = noisy_draws(posterior, j, fitted, rng)
        carried = carried_draws(posterior, j, fitted, horizon)
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
    leaf_media: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the forecast of one run at one plan.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, then the plan's weeks.
    nodes : DataFrame
        model_id, hierarchy_id, node_id, channel_id, leaf_id.
    leaf_media : DataFrame, optional
        geo, week, leaf_id, spend, exposure of this model, history then plan; needed when nodes name
        leaves.

    Returns
    -------
    DataFrame in `schemas.FORECASTS`
        Hierarchy nodes (children of modelled channels by the rule in `allocation`), baseline
        components, `noise` and `kpi` for every geo and for `all`.
        `noise` is what the last training week's error still carries, `rho^h e_T` (of a product
        `carried_draws`, which holds the mean of the shocks, too). The mean of
        `kpi` is the mean over draws of model plus carried error, so additive means sum to it; its
        quantiles are those of full predictive draws, weekly shocks included. `planned_value` is
        given at and below modelled channels (exposure; summed in `all`) and for drivers (mean over
        geos in `all`), `planned_spend` for every hierarchy node, `planned_frequency` at and below
        channels that are modelled on reach.
    """
    panel = align(posterior, panel)
    keep = future_weeks(posterior, panel)
    _require_drivers(panel, keep)
    weeks = panel.weeks[keep]
    horizon = np.arange(1, len(weeks) + 1)
    tree = hierarchy_components(posterior, nodes)
    leaves = leaves_of(panel, tree.leaves, leaf_media)
    parts = with_baseline(tree, baseline_of(posterior, panel))
    ids = (*parts.ids, "noise", "kpi")
    additive = np.append(parts.is_additive, [True, False])
    ranges = _forecast_ranges(posterior, panel, tree, leaves, keep, rng)
    ranges[:, -1, :, 0] = ranges[..., 0][:, additive].sum(axis=1)
    value, money = _planned(panel, tree, leaves, ids, keep)
    often = np.full_like(value, np.nan)
    often[:, : len(tree.ids)] = frequency_paths(posterior, panel, tree, leaves, keep)
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
            "planned_frequency": often,
            "allocation": np.append(parts.allocation, [None, None])[:, None],
            "hierarchy_id": np.array([*parts.hierarchy, None, None], object)[:, None],
            "is_pooled": np.append(pooled_components(posterior, parts), [False, False])[:, None],
            **range_columns("forecast", ranges),
        },
    )
    return conform(frame, FORECASTS)
