"""Draws of what every cause changed, week by week."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixloop.allocation import Leaves
from mixloop.bridge.paths import MEDIA_CAUSES, STEPS
from mixloop.bridge.states import States
from mixloop.design import group_of
from mixloop.evaluate import (
    DRIVER_TYPES,
    Components,
    baseline_of,
    geo_baseline_effects,
    geo_node_effects,
    with_baseline,
)
from mixloop.forecast import carried_draws
from mixloop.forms import growth, in_log_points, is_multiplicative
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.shapes import distinct_shapes
from mixloop.shocks import SHOCK_SCALE


@dataclass(frozen=True)
class Row:
    """A line of the bridge: a cause of a node or driver.

    Attributes
    ----------
    driver_id, driver_type, cause : str
    part : int
        The component: nodes of the tree, then those of the baseline.
    step : int
        The state after the cause; the one before it is `before`.
    """

    driver_id: str
    driver_type: str
    cause: str
    part: int
    before: int
    step: int


def _same(one: tuple[Panel, Leaves], other: tuple[Panel, Leaves]) -> np.ndarray:
    """Say for each channel whether two states have the same media in all geos and weeks, (C,)."""
    same = np.all(one[0].exposure == other[0].exposure, axis=(0, 1))
    leaves = np.all(one[1].exposure == other[1].exposure, axis=(0, 1))
    if one[0].frequency is not None:
        same &= np.all(one[0].frequency == other[0].frequency, axis=(0, 1))
        leaves &= np.all(one[1].frequency == other[1].frequency, axis=(0, 1))
    for leaf in np.flatnonzero(~leaves):
        same[one[1].channel[leaf]] = False
    return same


def rows_of(posterior: Posterior, tree: Components, states: States) -> list[Row]:
    """Return the lines of the bridge: causes that any node or driver can have.

    Every node has `spend` and `timing`; the other causes are there where they changed something.
    """
    sides = list(zip(states.panels, states.leaves, strict=True))
    rows = []
    for step, cause in enumerate(MEDIA_CAUSES, start=1):
        moved = ~_same(sides[step - 1], sides[step])
        below = (tree.members @ moved) > 0
        for place, (c, _) in enumerate(tree.leaves):
            below |= (tree.portions[:, place] > 0) & moved[c]
        shown = np.ones(len(tree.ids), dtype=bool) if cause in ("spend", "timing") else below
        rows += [
            Row(tree.ids[node], "channel", cause, node, step - 1, step)
            for node in np.flatnonzero(shown)
        ]
    first, restated = STEPS.index("timing"), STEPS.index("restated")
    known, now = states.panels[first], states.panels[restated]
    baseline = baseline_of(posterior, states.panels[0]).components
    for b, name in enumerate(baseline, start=len(tree.ids)):
        if group_of(name) not in DRIVER_TYPES:
            continue
        rows.append(Row(name, group_of(name), group_of(name), b, 0, first))
        at = known.drivers.index(name)
        was, is_now = (side.driver_values[:, states.window, at] for side in (known, now))
        if not np.array_equal(was, is_now):
            rows.append(Row(name, group_of(name), "restated", b, first, restated))
    return rows


@dataclass(frozen=True)
class Changes:
    """Draws of one geo, or of all: S draws, R lines, N nodes, H weeks.

    Attributes
    ----------
    lines : ndarray, (R, H, S)
        What every line changed.
    planned : ndarray, (N, H, S)
        The nodes' effects at the plan.
    forecast : ndarray, (H, S)
        The KPI at the plan, carried errors included.
    """

    lines: np.ndarray
    planned: np.ndarray
    forecast: np.ndarray

    def plus(self, other: Changes) -> Changes:
        """Return what changed in both geos together, draw by draw."""
        return Changes(
            self.lines + other.lines,
            self.planned + other.planned,
            self.forecast + other.forecast,
        )


def _media_effects(
    posterior: Posterior, shapes: tuple, tree: Components, states: States, geo: int
) -> list[np.ndarray]:
    """Return the nodes' effects in every state, (N, H, S); equal states are computed once."""
    out: list[np.ndarray] = []
    sides = list(zip(states.panels, states.leaves, strict=True))
    for at, (panel, leaves) in enumerate(sides):
        if at and _same(sides[at - 1], sides[at]).all():
            out.append(out[-1])
            continue
        out.append(geo_node_effects(posterior, shapes, panel, tree, leaves, geo, states.window))
    return out


def changes_by_geo(
    posterior: Posterior, tree: Components, states: States, rows: list[Row]
) -> Iterator[Changes]:
    """Yield what changed in each geo, draw by draw.

    Of a product, every part that moved has its share of the change from one path to the other by
    its log points, so that parts that did not move have none:
    `change in log points x forecast x growth(their sum)`.
    """
    is_product = is_multiplicative(posterior)
    parts_of = in_log_points(posterior) if is_product else posterior
    shapes = distinct_shapes(posterior)
    window, count = states.window, len(tree.ids)
    baselines = {
        step: baseline_of(posterior, states.panels[step])
        for step in {0, *(row.step for row in rows if row.part >= count)}
    }
    additive = with_baseline(tree, baselines[0]).is_additive
    is_line = np.array([additive[row.part] for row in rows], dtype=float)
    horizon = (states.panels[0].weeks[window] - posterior.last_week).astype(int) // 7
    for j in range(len(posterior.geos)):
        media = _media_effects(parts_of, shapes, tree, states, j)
        base = {
            step: geo_baseline_effects(parts_of, baseline, j, window)
            for step, baseline in baselines.items()
        }
        lines = np.stack(
            [
                media[row.step][row.part] - media[row.before][row.part]
                if row.part < count
                else base[row.step][row.part - count] - base[row.before][row.part - count]
                for row in rows
            ]
        )
        planned = media[0]
        fitted = planned[additive[:count]].sum(axis=0) + base[0].sum(axis=0)
        if is_product:
            fitted = posterior.kpi_scale[j] * np.exp(fitted)
        forecast = fitted + carried_draws(posterior, j, fitted, horizon)
        if is_product:
            weight = forecast * growth(np.tensordot(is_line, lines, axes=1))
            lines *= weight
            planned = planned * weight
        yield Changes(lines, planned, forecast)


def noise_variance(
    posterior: Posterior, geo: int, forecast: np.ndarray, horizon: np.ndarray, weights: np.ndarray
) -> np.ndarray:
    """Return the variance of the weekly errors' sum over periods, given a draw: (P, S).

    The errors are an AR(1) from the last training week on, with a shock in rare weeks. With w_h the
    KPI that an error of 1 is worth, the innovation of week k counts `a_k = w_k + rho a_(k+1)` times
    in a period's sum: variance `sigma^2 sum(a_k^2)`. Of a product w_h is the forecast, to first
    order in sigma.

    Parameters
    ----------
    forecast : ndarray, (H, S)
    horizon : ndarray of int, (H,)
        Weeks after the last training week, consecutive.
    weights : ndarray, (P, H)
        1 for the weeks of each period, else 0.
    """
    is_product = is_multiplicative(posterior)
    scale = forecast if is_product else np.full_like(forecast, posterior.kpi_scale[geo])
    rho, sigma = posterior.rho[:, geo], posterior.sigma[:, geo]
    total = np.zeros((len(weights), len(rho)))
    shocks = np.zeros_like(total)
    reach = np.zeros_like(total)
    for h in range(int(horizon[-1]), 0, -1):
        at = np.flatnonzero(horizon == h)
        own = weights[:, at] * scale[at] if len(at) else 0.0
        reach = own + rho * reach
        total += reach**2
        shocks += np.square(own)
    return sigma**2 * (total + posterior.shock_share[:, geo] * SHOCK_SCALE**2 * shocks)
