"""What each component added to the KPI, week by week."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from mixloop.allocation import leaves_of
from mixloop.evaluate import (
    align,
    baseline_of,
    geo_components,
    hierarchy_components,
    training_weeks,
    with_baseline,
)
from mixloop.frames import fixed, grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import CONTRIBUTIONS, conform
from mixloop.shapes import distinct_shapes
from mixloop.trust import pooled_components

ALL_GEOS = "all"


def contribution_rows(
    posterior: Posterior,
    panel: Panel,
    nodes: pl.DataFrame,
    leaf_media: pl.DataFrame | None = None,
    controllable: Collection[str] = (),
) -> pl.DataFrame:
    """Return the contributions of one run over its training weeks.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    nodes : DataFrame
        model_id, hierarchy_id, node_id, channel_id, leaf_id.
    leaf_media : DataFrame, optional
        geo, week, leaf_id, spend, exposure of this model; needed when nodes name leaves.
    controllable : collection of str
        Drivers that the client decides about; every channel is one.

    Returns
    -------
    DataFrame in `schemas.CONTRIBUTIONS`
        Hierarchy nodes (children of modelled channels by the rule in `allocation`), baseline
        components, `unexplained` (actual minus fitted, draw by draw) and `kpi` (the actual, without
        width) for every geo and for `all`. The means of the additive
        rows sum to the KPI. Where the KPI of a week is missing, `unexplained` and `kpi` are null;
        in `all` they are null as soon as one geo misses the week.
    """
    panel = align(posterior, panel)
    keep = training_weeks(posterior, panel)
    shapes = distinct_shapes(posterior)
    baseline = baseline_of(posterior, panel)
    nodes_in = hierarchy_components(posterior, nodes)
    leaves = leaves_of(panel, nodes_in.leaves, leaf_media)
    parts = with_baseline(nodes_in, baseline)
    actual = panel.outcome[:, keep]
    actual = np.concatenate([actual, actual.sum(axis=0, keepdims=True)])  # (J + 1, T)
    count = len(parts.ids)
    ranges = np.empty((len(actual), count + 2, actual.shape[1], 4))
    total = 0.0
    for j in range(len(panel.geos)):
        effects = geo_components(posterior, shapes, panel, baseline, nodes_in, leaves, j, keep)
        fitted = np.tensordot(parts.is_additive.astype(float), effects, axes=1)
        block = np.concatenate([effects, (actual[j][:, None] - fitted)[None]])
        ranges[j, : count + 1] = summarise(block)
        total = total + block
    ranges[-1, : count + 1] = summarise(total)
    ranges[:, -1] = fixed(actual)
    types = np.array([*parts.types, "unexplained", "kpi"])
    decided = [name in controllable for name in parts.ids]
    is_controllable = np.append(decided, [False, False]) | (types == "channel")
    frame = grid_frame(
        {
            "geo": [*panel.geos, ALL_GEOS],
            "component_id": [*parts.ids, "unexplained", "kpi"],
            "week": panel.weeks[keep],
        },
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "component_type": types[:, None],
            "is_additive": np.append(parts.is_additive, [True, False])[:, None],
            "is_controllable": is_controllable[:, None],
            "allocation": np.append(parts.allocation, [None, None])[:, None],
            "hierarchy_id": np.array([*parts.hierarchy, None, None], object)[:, None],
            "is_pooled": np.append(pooled_components(posterior, parts), [False, False])[:, None],
            **range_columns("contribution", ranges),
        },
    )
    return conform(frame, CONTRIBUTIONS)
