"""The rows of the bridge: what is in each of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import polars as pl

from mixloop.bridge.changes import Row
from mixloop.bridge.paths import MEDIA_CAUSES
from mixloop.bridge.periods import Period
from mixloop.bridge.states import States
from mixloop.bridge.words import Cause, as_json, ranked, sentence
from mixloop.evaluate import DRIVER_TYPES, Components
from mixloop.frames import grid_frame, range_columns
from mixloop.posterior import Posterior
from mixloop.trust import pooled_components

CAUSES = (*MEDIA_CAUSES[:4], *DRIVER_TYPES, *MEDIA_CAUSES[4:])
KPI, REST, TOTAL = "kpi", "unexplained", "total"


@dataclass(frozen=True)
class Bridge:
    """What all rows of one forecast are made of.

    Attributes
    ----------
    parts : Components
        The nodes of the tree, then the components of the baseline.
    rows : list of Row
        Causes of nodes and drivers.
    additive : ndarray of bool, (R,)
        Rows that add up to the KPI's variance.
    periods : list of (Period, weeks held)
        The weeks themselves first.
    labels : mapping of component to its name for people
    """

    run: Posterior
    tree: Components
    parts: Components
    states: States
    rows: list[Row]
    additive: np.ndarray
    weeks: np.ndarray
    periods: list[tuple[Period, np.ndarray]]
    labels: Mapping[str, str]

    @property
    def n_nodes(self) -> int:
        """Number of hierarchy nodes, the first of the components."""
        return len(self.tree.ids)

    @property
    def is_kpi_restated(self) -> bool:
        """Whether the KPI of a week is another than when it was first known."""
        actual = self.states.panels[-1].outcome[:, self.states.window]
        gap = actual - self.states.first_outcome
        return bool(np.any(gap[np.isfinite(gap)] != 0))

    @property
    def sums(self) -> np.ndarray:
        """Which rows add up to each node's total, then to each cause's: (N + causes, R)."""
        pairs = list(zip(self.rows, self.additive, strict=True))
        of_node = [[row.part == node for row in self.rows] for node in range(self.n_nodes)]
        of_cause = [[row.cause == cause and adds for row, adds in pairs] for cause in CAUSES]
        return np.array([*of_node, *of_cause], dtype=float).reshape(-1, len(self.rows))

    def label(self, driver_id: str) -> str:
        """Return the name of a driver for people."""
        if driver_id == KPI:
            return "the KPI"
        return self.labels.get(driver_id, driver_id.split(":", 1)[-1])


@dataclass(frozen=True)
class Sums:
    """What one geo's P periods add up to.

    Attributes
    ----------
    held : ndarray of bool, (P, H)
        The weeks of each period whose KPI is known.
    ranges : ndarray, (E, P, 4)
        R causes, the restated KPI, unexplained, N nodes, every cause, the KPI.
    spread : ndarray, (P,)
        Standard deviation of the forecast.
    forecast, actual, first : ndarray, (P,)
        The KPI as forecast, as known today and as first known.
    nodes : ndarray, (P, N)
        The nodes' effects as forecast.
    """

    periods: list[Period]
    held: np.ndarray
    ranges: np.ndarray
    spread: np.ndarray
    forecast: np.ndarray
    actual: np.ndarray
    first: np.ndarray
    nodes: np.ndarray


def _entries(bridge: Bridge) -> dict[str, np.ndarray]:
    """Return what every entry is, (E,) each; `is_shown` is false for causes that are not there."""
    there = {row.cause for row in bridge.rows}
    restated = bridge.is_kpi_restated
    entries = [(row.driver_id, row.driver_type, row.cause, row.part) for row in bridge.rows]
    entries += [(KPI, KPI, "restated", -1), (REST, REST, REST, -1)]
    entries += [(name, "channel", TOTAL, node) for node, name in enumerate(bridge.tree.ids)]
    entries += [(TOTAL, TOTAL, cause, -1) for cause in CAUSES] + [(TOTAL, TOTAL, TOTAL, -1)]
    part = np.array([entry[3] for entry in entries])
    shown = [True] * len(bridge.rows) + [restated] + [True] * (1 + bridge.n_nodes)
    shown += [cause in there or (cause == "restated" and restated) for cause in CAUSES] + [True]
    pooled = pooled_components(bridge.run, bridge.parts)
    hierarchy = np.array(bridge.parts.hierarchy, dtype=object)
    n_later = len(entries) - len(bridge.rows) - 2
    return {
        **{
            name: np.array([entry[k] for entry in entries], dtype=object)
            for k, name in enumerate(("driver_id", "driver_type", "cause"))
        },
        "is_additive": np.array([*bridge.additive, True, True, *[False] * n_later], dtype=bool),
        "allocation": np.where(part < 0, None, bridge.parts.allocation[part]),
        "hierarchy_id": np.where(part < 0, None, hierarchy[part]),
        "is_pooled": np.where(part < 0, False, pooled[part]),
        "is_shown": np.array(shown),
    }


def _paths(bridge: Bridge, sums: Sums, values: list[np.ndarray]) -> list[np.ndarray]:
    """Return the value before and after every entry's cause, (E, P) each.

    Exposure is summed over the weeks of a period, a driver's value is its mean.
    """
    weights = sums.held.astype(float)
    means = weights / weights.sum(axis=1, keepdims=True)
    count, n_periods = bridge.n_nodes, len(sums.periods)
    by_step = [
        np.concatenate([side[:count] @ weights.T, side[count:] @ means.T]) for side in values
    ]
    blank = np.full((1, n_periods), np.nan)
    none = np.full((len(CAUSES), n_periods), np.nan)
    out = []
    for steps, node_step, kpi, total in (
        ([row.before for row in bridge.rows], 0, sums.first, sums.forecast),
        ([row.step for row in bridge.rows], -1, sums.actual, sums.actual),
    ):
        lines = [by_step[s][row.part] for s, row in zip(steps, bridge.rows, strict=True)]
        lines = np.array(lines).reshape(-1, n_periods)
        nodes = by_step[node_step][:count]
        out.append(np.concatenate([lines, kpi[None], blank, nodes, none, total[None]]))
    return out


def _causes_of(bridge: Bridge, node: int | None) -> np.ndarray:
    """Return the rows that say why a node, or the KPI, came differently.

    Of a node that adds up channels those of the channels, otherwise its own.
    """
    part = np.array([row.part for row in bridge.rows], dtype=int)
    if node is None:
        return np.flatnonzero(bridge.additive)
    tree = bridge.tree
    held = tree.members[node] > 0
    if tree.is_additive[node] or tree.portions[node].any() or not held.any():
        return np.flatnonzero(part == node)
    channels = [tree.ids.index(bridge.run.channels[c]) for c in np.flatnonzero(held)]
    return np.flatnonzero(np.isin(part, channels))


def _words(bridge: Bridge, sums: Sums) -> tuple[np.ndarray, np.ndarray]:
    """Return ranked causes and a sentence for every total, (E, P) each; None for other entries."""
    first = len(bridge.rows) + 2
    last = len(sums.ranges) - 1
    json_text = np.full(sums.ranges.shape[:2], None, dtype=object)
    said = json_text.copy()
    monday = bridge.weeks[0].item()
    for entry in (*range(first, first + bridge.n_nodes), last):
        node = None if entry == last else entry - first
        rows = _causes_of(bridge, node)
        subject = "" if node is None else bridge.label(bridge.tree.ids[node])
        for p, period in enumerate(sums.periods):
            forecast = float(sums.forecast[p] if node is None else sums.nodes[p, node])
            causes = [
                Cause(row.driver_id, bridge.label(row.driver_id), row.cause, *_range(sums, r, p))
                for r, row in ((r, bridge.rows[r]) for r in rows)
            ]
            rest = {}
            if node is None:
                kpi = Cause(KPI, bridge.label(KPI), "restated", *_range(sums, first - 2, p))
                causes.append(kpi)
                gap, spread = float(sums.ranges[first - 1, p, 0]), float(sums.spread[p])
                rest = {"unexplained": gap, "z_score": gap / spread if spread > 0 else None}
            order = ranked(causes)
            json_text[entry, p] = as_json(order, forecast)
            said[entry, p] = sentence(
                period.label,
                subject,
                forecast,
                float(sums.ranges[entry, p, 0]),
                order,
                weeks=(int(sums.held[p].sum()), period.count(monday)),
                **rest,
            )
    return json_text, said


def _range(sums: Sums, entry: int, period: int) -> tuple[float, float, float]:
    """Return mean, 5% and 95% quantile of an entry."""
    mean, low, _, high = sums.ranges[entry, period].tolist()
    return mean, low, high


def laid_out(bridge: Bridge, sums: Sums, values: list[np.ndarray]) -> pl.DataFrame:
    """Lay one geo's sums out as rows, periods moving fastest."""
    run, entries = bridge.run, _entries(bridge)
    shown = entries.pop("is_shown")
    planned, came = _paths(bridge, sums, values)
    z_score = np.full(sums.ranges.shape[:2], np.nan)
    known = [len(bridge.rows) + 1, len(sums.ranges) - 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        z_score[known] = sums.ranges[known, :, 0] / sums.spread
    forecast, actual = (np.full(z_score.shape, np.nan) for _ in range(2))
    nodes = slice(len(bridge.rows) + 2, len(bridge.rows) + 2 + bridge.n_nodes)
    forecast[nodes] = sums.nodes.T
    actual[nodes] = sums.nodes.T + sums.ranges[nodes, :, 0]
    forecast[-1], actual[-1] = sums.forecast, sums.actual
    ranked_drivers, sentences = _words(bridge, sums)
    frame = grid_frame(
        {"entry": range(len(z_score)), "period": range(len(sums.periods))},
        {
            "run_id": run.run_id,
            "model_id": run.model_id,
            "as_of_week": run.last_week,
            **{name: column[:, None] for name, column in entries.items()},
            "planned_value": planned,
            "actual_value": came,
            "forecast_mean": forecast,
            "actual_mean": actual,
            **range_columns("variance", sums.ranges),
            "z_score": z_score,
            "ranked_drivers": ranked_drivers,
            "sentence": sentences,
        },
    )
    frame = frame.filter(pl.Series(shown).gather(frame["entry"]))
    return frame.join(_facts(bridge, sums), on="period", maintain_order="left").drop(
        "entry", "period"
    )


def _facts(bridge: Bridge, sums: Sums) -> pl.DataFrame:
    """Return what every period is."""
    monday, last = bridge.weeks[0].item(), bridge.run.last_week.item()
    rows = []
    for k, (period, held) in enumerate(zip(sums.periods, sums.held, strict=True)):
        first_week, last_week = (bridge.weeks[held][at].item() for at in (0, -1))
        rows.append(
            {
                "period": k,
                "period_type": period.kind,
                "period_id": period.period_id,
                "week": period.start if period.kind == "week" else None,
                "first_week": first_week,
                "last_week": last_week,
                "n_weeks": int(held.sum()),
                "n_weeks_of_period": period.count(monday),
                "horizon_weeks": (last_week - last) // timedelta(weeks=1),
            }
        )
    types = {"period": pl.Int64, "week": pl.Date, "first_week": pl.Date, "last_week": pl.Date}
    return pl.DataFrame(rows, schema_overrides=types)
