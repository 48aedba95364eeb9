"""Which channels the data can tell apart: one row per model and node, with a verdict in words.

A modelled channel is compared with the model's other channels. A child of a modelled channel is
compared with what the model would hold if the client modelled it and its siblings instead of
their parent, so its row says whether finer would work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from mixloop.collinearity import (
    correlations,
    effective_observations,
    variance_inflation,
    variation,
)
from mixloop.design import build_design
from mixloop.panel import Panel, build_panel
from mixloop.push_back import Evidence, Thresholds, decide, explain
from mixloop.schemas import FEASIBILITY, conform, empty

MEASURED = (
    "active_weeks",
    "history_weeks",
    "spend",
    "share_of_spend",
    "variation",
    "effective_observations",
    "vif",
    "correlation",
)


@dataclass(frozen=True)
class Tree:
    """The client's main hierarchy.

    Attributes
    ----------
    parent : dict of str to (str or None)
    label : dict of str to str
    modelled : frozenset of str
        Nodes the client asks an effect for; none is above another.
    """

    parent: dict[str, str | None]
    label: dict[str, str]
    modelled: frozenset[str]

    def ancestors(self, node: str) -> list[str]:
        """Return the nodes above a node, nearest first."""
        found = []
        while (above := self.parent[node]) is not None:
            found.append(above)
            node = above
        return found

    def siblings(self, node: str) -> list[str]:
        """Return the other children of a node's parent, sorted; none for a top node."""
        above = self.parent[node]
        if above is None:
            return []
        return sorted(n for n, p in self.parent.items() if p == above and n != node)

    def modelled_at(self, node: str) -> str | None:
        """Return the modelled node at or above a node."""
        return next((n for n in (node, *self.ancestors(node)) if n in self.modelled), None)

    def roles(self) -> dict[str, str]:
        """Return `modelled`, `child` or `subtotal` of every node that has to do with a model."""
        above = {a for node in self.modelled for a in self.ancestors(node)}
        role = {}
        for node in self.parent:
            if node in self.modelled:
                role[node] = "modelled"
            elif self.modelled_at(node) is not None:
                role[node] = "child"
            elif node in above:
                role[node] = "subtotal"
        return role


def read_tree(tree: pl.DataFrame) -> Tree:
    """Return the main hierarchy of `int_mixloop__channel_tree`."""
    rows = tree.filter(pl.col("hierarchy_id") == "main").sort("channel_id")
    names = rows["channel_id"].to_list()
    return Tree(
        parent=dict(zip(names, rows["parent_id"], strict=True)),
        label=dict(zip(names, rows["label"], strict=True)),
        modelled=frozenset(rows.filter(pl.col("is_modelled"))["channel_id"]),
    )


def comparison_set(tree: Tree, node: str, active: frozenset[str]) -> list[str]:
    """Return the channels that are, or would be, columns of the model beside a node.

    The model's other channels; for a child of a modelled channel also the siblings of every node on
    the way up to it, which would take the modelled channel's place. Only nodes with media.

    Parameters
    ----------
    tree : Tree
    node : str
        Modelled, or below a modelled node.
    active : frozenset of str
        Nodes with media in the training weeks.
    """
    top = tree.modelled_at(node)
    others = {channel for channel in tree.modelled if channel != top}
    for step in (node, *tree.ancestors(node)):
        if step == top:
            break
        others |= set(tree.siblings(step))
    return sorted(others & active)


def _nearest(
    candidates: list[str], likeness: Mapping[str, float], spend: Mapping[str, float]
) -> str | None:
    """Return the candidate that moves most alike; of those that never move the largest."""
    if not candidates:
        return None
    known = {name: abs(likeness[name]) for name in candidates if np.isfinite(likeness[name])}
    return min(candidates, key=lambda name: (-known.get(name, -1.0), -spend[name], name))


def model_size(panel: Panel, channels: tuple[str, ...], n_training: int) -> tuple[int, int]:
    """Return rows with a known KPI and coefficients of a model, over all geos.

    Each geo has coefficients of its own: the channels and the baseline's columns.
    """
    columns = len(channels) + len(build_design(panel, n_training).columns)
    rows = int(np.isfinite(panel.outcome[:, -n_training:]).sum())
    return rows, columns * len(panel.geos)


def _evidence(
    tree: Tree, node: str, role: str, panel: Panel, likeness: np.ndarray, active: frozenset[str]
) -> Evidence:
    """Measure one node."""
    at = {name: k for k, name in enumerate(panel.channels)}
    total = panel.spend[:, :, [at[n] for n in at if tree.parent[n] is None]].sum()
    media = panel.exposure[:, :, at[node]] if node in at else np.zeros(panel.outcome.shape)
    spend = float(panel.spend[:, :, at[node]].sum()) if node in at else 0.0
    on = (media > 0).any(axis=0)
    facts = {
        "n_weeks": media.shape[1],
        "active_weeks": int(on.sum()),
        "history_weeks": int(media.shape[1] - on.argmax()) if on.any() else 0,
        "spend": spend,
        "share_of_spend": float(spend / total) if total > 0 else float("nan"),
        "variation": variation(media),
        "effective_observations": effective_observations(media),
    }
    if role == "subtotal" or node not in active:
        return Evidence(role=role, label=tree.label[node], **facts)
    others = comparison_set(tree, node, active)
    alike = {name: float(likeness[at[node], at[name]]) for name in others}
    size = {name: float(panel.spend[:, :, at[name]].sum()) for name in others}
    moving = [name for name in others if np.isfinite(alike[name])]
    partner = _nearest(moving, alike, size)
    siblings = [name for name in tree.siblings(node) if name in alike]
    parent, top = tree.parent[node], tree.modelled_at(node)
    return Evidence(
        role=role,
        label=tree.label[node],
        **facts,
        vif=variance_inflation(likeness, at[node], [at[name] for name in others]),
        moves_with=partner,
        moves_with_label=tree.label.get(partner),
        correlation=alike.get(partner, float("nan")),
        is_sibling=None if partner is None else partner in siblings,
        nearest_sibling=_nearest(siblings, alike, size),
        parent_label=tree.label.get(parent),
        modelled_label=tree.label.get(top),
    )


def _model_rows(
    tree: Tree,
    model_id: str,
    n_training: int,
    frames: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame],
    thresholds: Thresholds,
) -> list[dict]:
    """Return the rows of one model, by node."""
    media, outcomes, drivers = frames
    media = media.filter(pl.col("model_id") == model_id)
    units = dict(media.select("node_id", "media_unit").unique().rows())
    panel = build_panel(model_id, outcomes, media.rename({"node_id": "channel_id"}), drivers)
    likeness = correlations(panel.exposure)
    running = (panel.exposure > 0).any(axis=(0, 1))
    active = frozenset(n for n, on in zip(panel.channels, running, strict=True) if on)
    channels = tuple(sorted(tree.modelled & active))
    n_rows, n_columns = model_size(panel, channels, n_training)
    rows = []
    for node, role in sorted(tree.roles().items()):
        if role == "child" and node not in active:
            continue
        found = _evidence(tree, node, role, panel, likeness, active)
        verdict, cause = decide(found, thresholds, unit=units.get(node))
        rows.append(
            {
                "model_id": model_id,
                "node_id": node,
                "node_role": role,
                "media_unit": units.get(node),
                "share_of_active_weeks": found.active_weeks / found.n_weeks,
                "moves_with": found.moves_with,
                "is_sibling": found.is_sibling,
                "nearest_sibling_id": found.nearest_sibling,
                "training_rows": n_rows,
                "model_columns": n_columns,
                "rows_per_column": n_rows / n_columns,
                "verdict": verdict,
                "reason": explain(found, verdict, cause, thresholds, unit=units.get(node)),
            }
            | {name: getattr(found, name) for name in MEASURED}
        )
    return rows


def feasibility_table(
    tree: pl.DataFrame,
    models: pl.DataFrame,
    media: pl.DataFrame,
    outcomes: pl.DataFrame,
    drivers: pl.DataFrame,
    *,
    thresholds: Mapping[str, float],
) -> pl.DataFrame:
    """Say of every model and node whether the data can tell its effect, and if not, what to do.

    Parameters
    ----------
    tree, models, outcomes, drivers : polars.DataFrame
        `int_mixloop__channel_tree`, `int_mixloop__models`, `int_mixloop__model_outcomes`,
        `int_mixloop__model_drivers`.
    media : polars.DataFrame
        `int_mixloop__model_node_media`: training weeks only.
    thresholds : mapping
        The fields of `push_back.Thresholds`.

    Returns
    -------
    polars.DataFrame
        `schemas.FEASIBILITY`: modelled nodes, nodes with media below them, subtotals above them,
        sorted by model and node.
    """
    wanted = Thresholds(**{f.name: float(thresholds[f.name]) for f in fields(Thresholds)})
    known = read_tree(tree)
    rows = []
    with threadpool_limits(limits=1):  # sums that do not depend on the machine's cores
        for model in models.sort("model_id").iter_rows(named=True):
            rows += _model_rows(
                known,
                model["model_id"],
                model["n_training_weeks"],
                (media, outcomes, drivers),
                wanted,
            )
    if not rows:
        return empty(FEASIBILITY)
    frame = pl.DataFrame(rows, schema_overrides=FEASIBILITY)
    return conform(frame.fill_nan(None), FEASIBILITY)
