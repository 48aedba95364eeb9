"""Effects of media and baseline at any week, from posterior draws.

Arrays inside the package keep the draws last, so that quantiles and sums run over memory in order.
One geo at a time is enough for every table; `media_effects` and `baseline_effects` hold all geos.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from mixloop.allocation import CARRIED_OVER_EXPOSURE, Leaves
from mixloop.design import baseline_values, group_of
from mixloop.forms import in_log_points, is_multiplicative, media_weight, split_baseline
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.reach import REACH_FREQUENCY
from mixloop.shapes import Shapes, distinct_shapes

DRIVER_TYPES = ("context", "event")
MAIN = "main"  # the hierarchy that channels are estimated in


def driver_names(posterior: Posterior) -> tuple[str, ...]:
    """Return the drivers (context variables and events) the run was fitted with, sorted."""
    names = {c.name for c in posterior.baseline if group_of(c.component) in DRIVER_TYPES}
    return tuple(sorted(names))


def _take(
    values: np.ndarray, have: tuple[str, ...], want: tuple[str, ...], axis: int, fill: float
) -> np.ndarray:
    """Reorder one named axis; names that are not there are filled."""
    index = np.array([have.index(n) if n in have else len(have) for n in want], dtype=int)
    pad = [(0, 0)] * values.ndim
    pad[axis] = (0, 1)
    return np.take(np.pad(values, pad, constant_values=fill), index, axis=axis)


def in_units_of(posterior: Posterior, panel: Panel) -> Panel:
    """Return the panel without channels that it counts otherwise than the run did.

    A client may have a channel modelled on people reached from one build to the next: what is
    counted today then says nothing to an older run.
    """
    on_reach = np.array([u == REACH_FREQUENCY for u in posterior.media_units], dtype=bool)
    if panel.frequency is None and not on_reach.any():
        return panel
    unit = dict(zip(posterior.channels, on_reach, strict=True))
    counted = np.zeros(len(panel.channels), dtype=bool)
    if panel.frequency is not None:
        counted = panel.frequency.any(axis=(0, 1))
    other = [unit.get(c, now) != now for c, now in zip(panel.channels, counted, strict=True)]
    if not any(other):
        return panel
    same = tuple(c for c, is_other in zip(panel.channels, other, strict=True) if not is_other)
    return panel.select_channels(same)


def align(posterior: Posterior, panel: Panel) -> Panel:
    """Return the panel with exactly the run's geos, channels and drivers, in the run's order.

    A geo, channel or driver the panel does not have (or not in the run's unit) gets unknown
    outcomes, no exposure and unknown values (NaN). Channels and drivers the run left out of its fit
    are dropped.
    """
    panel = in_units_of(posterior, panel)
    if panel.frequency is None and REACH_FREQUENCY in posterior.media_units:
        panel = replace(panel, frequency=np.zeros(panel.exposure.shape))
    drivers = driver_names(posterior)
    want = (posterior.geos, posterior.channels, drivers)
    if (panel.geos, panel.channels, panel.drivers) == want:
        return panel

    def rearranged(values: np.ndarray, have: tuple, names: tuple, fill: float) -> np.ndarray:
        rows = _take(values, panel.geos, posterior.geos, 0, fill)
        return _take(rows, have, names, 2, fill)

    return replace(
        panel,
        geos=posterior.geos,
        channels=posterior.channels,
        drivers=drivers,
        outcome=_take(panel.outcome, panel.geos, posterior.geos, 0, np.nan),
        exposure=rearranged(panel.exposure, panel.channels, posterior.channels, 0.0),
        spend=rearranged(panel.spend, panel.channels, posterior.channels, 0.0),
        driver_values=rearranged(panel.driver_values, panel.drivers, drivers, np.nan),
        frequency=None
        if panel.frequency is None
        else rearranged(panel.frequency, panel.channels, posterior.channels, 0.0),
    )


def training_weeks(posterior: Posterior, panel: Panel) -> np.ndarray:
    """Return which of the panel's weeks the run was trained on, (T,) bool."""
    return (panel.weeks >= posterior.first_week) & (panel.weeks <= posterior.last_week)


def geo_media_effects(
    posterior: Posterior, shapes: tuple[Shapes, ...], panel: Panel, geo: int, keep: np.ndarray
) -> np.ndarray:
    """Return the channels' weekly effects in one geo, in KPI units.

    Parameters
    ----------
    shapes : tuple of Shapes
        From `distinct_shapes(posterior)`.
    panel : Panel
        Aligned to the posterior; exposure before the kept weeks carries over into them.
    geo : int
        Index of the geo.
    keep : ndarray of bool, (T,)
        Weeks to return.

    Returns
    -------
    ndarray, (C, kept weeks, S)
        Of a product (`forms`) NaN in weeks whose drivers are unknown.
    """
    if is_multiplicative(posterior):
        logs = in_log_points(posterior)
        parts = geo_media_effects(logs, shapes, panel, geo, keep)
        baseline = geo_baseline_effects(logs, baseline_of(logs, panel), geo, keep).sum(axis=0)
        return parts * media_weight(baseline, parts.sum(axis=0), posterior.kpi_scale[geo])
    out = np.empty((len(shapes), int(keep.sum()), len(posterior.coef)))
    years = posterior.years(panel.weeks)
    for c, shape in enumerate(shapes):
        scale = posterior.exposure_scale[geo, c]
        often = panel.frequency_of(c, geo)
        response = shape.saturated(panel.exposure[geo, :, c], scale, years, often)[
            :, keep
        ]  # (U, T')
        full = posterior.coef[:, geo, c] * posterior.kpi_scale[geo]
        np.multiply(response.T[:, shape.which], full, out=out[c])
    return out


def media_effects(posterior: Posterior, panel: Panel) -> np.ndarray:
    """Return every channel's effect in every geo and week of the panel, in KPI units.

    Returns
    -------
    ndarray, (S, J, T, C)
        `coef * saturated(exposure, exposure_scale) * kpi_scale` (`Shapes`), or by `forms`.
    """
    panel = align(posterior, panel)
    shapes = distinct_shapes(posterior)
    keep = np.ones(len(panel.weeks), dtype=bool)
    effects = np.empty(
        (len(panel.geos), len(panel.channels), len(panel.weeks), len(posterior.coef))
    )
    for j in range(len(panel.geos)):
        effects[j] = geo_media_effects(posterior, shapes, panel, j, keep)
    return effects.transpose(3, 0, 2, 1)


@dataclass(frozen=True)
class Baseline:
    """The baseline columns at a panel's weeks, grouped by published component.

    Attributes
    ----------
    components : tuple of str, (B,)
        In order of first appearance among the columns.
    columns : tuple of ndarray of int
        The columns of each component.
    values : ndarray, (J, T, P)
        Standardised columns; NaN where a driver is unknown (media lead-in).
    """

    components: tuple[str, ...]
    columns: tuple[np.ndarray, ...]
    values: np.ndarray


def baseline_of(posterior: Posterior, panel: Panel) -> Baseline:
    """Return the run's baseline columns at the weeks of an aligned panel."""
    names = [column.component for column in posterior.baseline]
    components = tuple(dict.fromkeys(names))
    columns = tuple(np.flatnonzero([n == name for n in names]) for name in components)
    values = baseline_values(
        posterior.baseline, panel.weeks, posterior.first_week, panel.drivers, panel.driver_values
    )
    return Baseline(components, columns, values)


def geo_baseline_effects(
    posterior: Posterior, baseline: Baseline, geo: int, keep: np.ndarray
) -> np.ndarray:
    """Return the baseline components' weekly effects in one geo, (B, kept weeks, S), KPI units."""
    if is_multiplicative(posterior):
        parts = geo_baseline_effects(in_log_points(posterior), baseline, geo, keep)
        return split_baseline(parts, baseline.components, posterior.kpi_scale[geo])
    values = baseline.values[geo][keep]
    coef = posterior.baseline_coef[:, geo].T * posterior.kpi_scale[geo]  # (P, S)
    return np.stack([values[:, p] @ coef[p] for p in baseline.columns])


def baseline_effects(posterior: Posterior, panel: Panel) -> dict[str, np.ndarray]:
    """Return every baseline component's effect, (S, J, T) each, in KPI units.

    Weeks where a driver is unknown (media lead-in) are NaN for that driver.
    """
    panel = align(posterior, panel)
    baseline = baseline_of(posterior, panel)
    keep = np.ones(len(panel.weeks), dtype=bool)
    geos = [geo_baseline_effects(posterior, baseline, j, keep) for j in range(len(panel.geos))]
    effects = np.stack(geos, axis=1)  # (B, J, T, S)
    return {name: effects[b].transpose(2, 0, 1) for b, name in enumerate(baseline.components)}


@dataclass(frozen=True)
class Components:
    """The published parts of the KPI: hierarchy nodes, then baseline components.

    Attributes
    ----------
    ids, types : tuple of str, (K,)
    is_additive : ndarray of bool, (K,)
        Modelled channels and baseline components; other nodes are subtotals or children of them.
    hierarchy : tuple of str or None, (K,)
        The hierarchy of a node; None for baseline components.
    members : ndarray, (N, C)
        1.0 where the node, one of the first N components, holds the whole channel.
    leaves : tuple of (channel, leaf_id), (L,)
        All leaves of every channel that a node holds in part.
    portions : ndarray, (N, L)
        1.0 where the node holds the leaf, its channel being held in part.
    """

    ids: tuple[str, ...]
    types: tuple[str, ...]
    is_additive: np.ndarray
    hierarchy: tuple[str | None, ...]
    members: np.ndarray
    leaves: tuple[tuple[int, str], ...]
    portions: np.ndarray

    @property
    def allocation(self) -> np.ndarray:
        """The rule by which a component has its numbers, (K,): None for what is estimated."""
        rule = np.full(len(self.ids), None, dtype=object)
        rule[: len(self.portions)][self.portions.any(axis=1)] = CARRIED_OVER_EXPOSURE
        return rule

    @property
    def exposed(self) -> np.ndarray:
        """The nodes at or below one modelled channel, whose exposure has a unit, as indices."""
        is_main = np.array([h == MAIN for h in self.hierarchy[: len(self.members)]], dtype=bool)
        below = is_main & self.portions.any(axis=1)
        return np.flatnonzero(self.is_additive[: len(self.members)] | below)

    def total(self, by_channel: np.ndarray, by_leaf: np.ndarray) -> np.ndarray:
        """Return what every node has, (N, ...), of what channels (C, ...) and leaves (L, ...) have.

        Leaves are added only to the nodes that hold some, so that the others do not change.
        """
        out = np.tensordot(self.members, by_channel, axes=1)
        for node in np.flatnonzero(self.portions.any(axis=1)):
            out[node] += by_leaf[self.portions[node] > 0].sum(axis=0)
        return out


def hierarchy_components(posterior: Posterior, nodes: pl.DataFrame) -> Components:
    """Return the hierarchy nodes that hold channels of the run, sorted by name.

    Parameters
    ----------
    nodes : DataFrame
        model_id, hierarchy_id, node_id, channel_id, leaf_id (null: the node holds the channel
        whole). Every channel of the run is an additive node, listed or not; nodes whose channels
        the run left out of its fit are not there.
    """
    rows = nodes.filter(
        (pl.col("model_id") == posterior.model_id)
        & pl.col("channel_id").is_in(list(posterior.channels))
    )
    whole, part = (
        rows.filter(pl.col("leaf_id").is_null() == is_whole).select(
            "node_id", "channel_id", "leaf_id"
        )
        for is_whole in (True, False)
    )
    belongs = {(channel, channel) for channel in posterior.channels}
    belongs |= {(node, channel) for node, channel, _ in whole.iter_rows()}
    holds = {(node, leaf) for node, _, leaf in part.iter_rows()}
    ids = tuple(sorted({node for node, _ in belongs | holds}))
    above = sorted({(leaf, channel) for _, channel, leaf in part.iter_rows()})
    leaves = tuple((posterior.channels.index(channel), leaf) for leaf, channel in above)
    hierarchy = dict(rows.select("node_id", "hierarchy_id").iter_rows())
    shape = (len(ids), len(leaves))
    return Components(
        ids=ids,
        types=("channel",) * len(ids),
        is_additive=np.array([node in posterior.channels for node in ids]),
        hierarchy=tuple(hierarchy.get(node, MAIN) for node in ids),
        members=np.array([[(n, c) in belongs for c in posterior.channels] for n in ids], float),
        leaves=leaves,
        portions=np.array([[(n, v) in holds for _, v in leaves] for n in ids], float).reshape(
            shape
        ),
    )


def with_baseline(nodes: Components, baseline: Baseline) -> Components:
    """Return the hierarchy nodes followed by the baseline components."""
    count = len(baseline.components)
    return replace(
        nodes,
        ids=nodes.ids + baseline.components,
        types=nodes.types + tuple(group_of(name) for name in baseline.components),
        is_additive=np.append(nodes.is_additive, np.ones(count, dtype=bool)),
        hierarchy=nodes.hierarchy + (None,) * count,
    )


def geo_node_effects(
    posterior: Posterior,
    shapes: tuple[Shapes, ...],
    panel: Panel,
    nodes: Components,
    leaves: Leaves,
    geo: int,
    keep: np.ndarray,
) -> np.ndarray:
    """Return the draws of every hierarchy node in one geo, (N, kept weeks, S), KPI units.

    A node is the sum of the channels it holds whole and of its leaves' shares of the others.
    """
    media = geo_media_effects(posterior, shapes, panel, geo, keep)
    out = np.tensordot(nodes.members, media, axes=1)
    for c in np.unique(leaves.channel):
        at = leaves.below(c)
        often = leaves.frequency_of(at, geo)
        share, row_of = shapes[c].leaf_shares(
            leaves.exposure[geo][:, at].T, often, panel.frequency_of(c, geo)
        )
        share, row = share[..., keep], row_of[shapes[c].which]  # (S,)
        for k, leaf in enumerate(at):
            effect = share[k].T[:, row] * media[c]
            for node in np.flatnonzero(nodes.portions[:, leaf]):
                out[node] += effect
    return out


def geo_components(
    posterior: Posterior,
    shapes: tuple[Shapes, ...],
    panel: Panel,
    baseline: Baseline,
    nodes: Components,
    leaves: Leaves,
    geo: int,
    keep: np.ndarray,
) -> np.ndarray:
    """Return the draws of every hierarchy node and baseline component in one geo.

    Returns
    -------
    ndarray, (N + B, kept weeks, S)
        In the order of `with_baseline(nodes, baseline)`.
    """
    by_node = geo_node_effects(posterior, shapes, panel, nodes, leaves, geo, keep)
    return np.concatenate([by_node, geo_baseline_effects(posterior, baseline, geo, keep)])


def fitted_by_geo(posterior: Posterior, panel: Panel, keep: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the model's KPI without noise for each geo: (kept weeks, S), KPI units.

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    """
    shapes = distinct_shapes(posterior)
    baseline = baseline_of(posterior, panel)
    for j in range(len(panel.geos)):
        media = geo_media_effects(posterior, shapes, panel, j, keep)
        yield media.sum(axis=0) + geo_baseline_effects(posterior, baseline, j, keep).sum(axis=0)
