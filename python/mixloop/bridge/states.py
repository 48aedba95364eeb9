"""What a forecast planned, what was first known of its weeks, and what is known today."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from mixloop.allocation import LEAF_MEDIA, Leaves, known_leaves, leaf_frequency, spread
from mixloop.bridge.paths import SAME, Media, media_steps
from mixloop.bridge.record import SPEND, VALUES, Record
from mixloop.evaluate import Components, align, in_units_of
from mixloop.panel import Panel
from mixloop.posterior import Posterior

FREQUENCIES = ("frequency", "leaf_frequency")  # of channels and leaves, in run panels
MONEY, BOUGHT = "spend", "impressions"  # units of exposure that mapping changes can be followed in


@dataclass(frozen=True)
class States:
    """The steps from plan to what came, at the forecast's weeks that have come and before them.

    Attributes
    ----------
    panels : list of 7 Panels, in the order of `paths.STEPS`
        Aligned to the run, at the plan and after every cause of media; cut to the weeks that
        matter. Drivers are those of the plan until the step of timing, as first known from it on,
        as known today from that of restated data on; the outcome is today's.
    leaves : list of 7 Leaves
    window : ndarray of bool, (T,)
        The forecast's weeks among the panels' weeks.
    first_outcome : ndarray, (J, H)
        The KPI of these weeks as first known.
    is_gone : ndarray of bool, (C,)
        Channels that today's tables do not know: they count as gone to plan.
    """

    panels: list[Panel]
    leaves: list[Leaves]
    window: np.ndarray
    first_outcome: np.ndarray
    is_gone: np.ndarray


def ledger_array(
    rows: pl.DataFrame,
    column: str,
    weeks: np.ndarray,
    geos: tuple[str, ...],
    items: tuple[str, ...],
) -> np.ndarray:
    """Spread a column of ledger rows over (geos, weeks, items); NaN where there is no row."""
    rows = rows.filter(
        pl.col("geo").is_in(list(geos)),
        pl.col("component_id").is_in(list(items)),
        pl.col("week").is_between(weeks[0].item(), weeks[-1].item()),
    )
    out = np.full((len(geos), len(weeks), len(items)), np.nan)
    geo = np.array([geos.index(name) for name in rows["geo"]], dtype=int)
    item = np.array([items.index(name) for name in rows["component_id"]], dtype=int)
    week = np.searchsorted(weeks, rows["week"].to_numpy().astype("datetime64[D]"))
    out[geo, week, item] = rows[column].to_numpy()
    return out


def cut(posterior: Posterior, panel: Panel, window: np.ndarray) -> tuple[Panel, np.ndarray]:
    """Return the panel's weeks that matter to a window: it, and what carries over into it."""
    at = np.flatnonzero(window)
    keep = slice(max(at[0] - posterior.carryover_weeks, 0), at[-1] + 1)
    short = replace(
        panel,
        weeks=panel.weeks[keep],
        outcome=panel.outcome[:, keep],
        exposure=panel.exposure[:, keep],
        spend=panel.spend[:, keep],
        driver_values=panel.driver_values[:, keep],
        frequency=None if panel.frequency is None else panel.frequency[:, keep],
    )
    return short, window[keep]


def _settled(values: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return `values`, but `other` where they are unknown or the same but for rounding."""
    same = np.isclose(values, other, rtol=SAME, atol=1e-12)
    return np.where(np.isnan(values) | same, other, values)


@dataclass(frozen=True)
class _Items:
    """Channels or leaves of a run in one column of today's tables, (J, T, N)."""

    names: tuple[str, ...]
    level: str  # channel, leaf
    column: str  # SPEND, VALUES: of run panels
    moved: tuple[str, ...]  # column of moved media for each item; empty: cannot be followed
    today: np.ndarray  # NaN where today's tables do not know the item


class _Past:
    """Today's media as it was known and mapped before."""

    def __init__(
        self, posterior: Posterior, record: Record, panel: Panel, version: int | None
    ) -> None:
        self.run, self.record, self.version = posterior, record, version
        self.weeks, self.geos = panel.weeks, panel.geos
        own = pl.col("to_channel_id").is_in(list(posterior.channels))
        elsewhere = record.moved.filter(~own & pl.col("to_channel_id").is_not_null())
        self._elsewhere = replace(record, moved=elsewhere)

    def _moves(self, record: Record, items: _Items, version: int | None) -> list[np.ndarray]:
        """Return what was moved from and to the items since a version, (J, T, N) each."""
        out = [np.zeros(items.today.shape) for _ in range(2)]
        for column in {name for name in items.moved if name}:
            at = np.array([name == column for name in items.moved])
            asked = (version, column, self.weeks, self.geos, items.names, items.level)
            for side, found in enumerate(record.moved_under(*asked)):
                out[side][..., at] = found[..., at]
        return out

    def mapped(self, items: _Items, version: int | None) -> np.ndarray:
        """Return today's rows of media under a mapping version; NaN where they cannot be known."""
        left, joined = self._moves(self.record, items, version)
        is_gone = np.isnan(items.today) & ~(left > 0).any(axis=(0, 1))
        values = np.maximum(np.nan_to_num(items.today) + left - joined, 0.0)
        return _settled(np.where(is_gone, np.nan, values), items.today)

    def now(self, items: _Items) -> np.ndarray:
        """Return media under today's mapping.

        What went to a channel that the run does not know stays where it was: of the run's channels
        nothing has it instead.
        """
        kept, _ = self._moves(self._elsewhere, items, self.version)
        left, _ = self._moves(self.record, items, self.version)
        is_gone = np.isnan(items.today) & ~(left > 0).any(axis=(0, 1))
        return np.where(is_gone, np.nan, np.nan_to_num(items.today) + kept)

    def first(self, items: _Items, kept: np.ndarray, window: np.ndarray) -> np.ndarray:
        """Return what the run was given before the window, and what was first known in it."""
        out, run_id = kept.copy(), self.run.run_id
        if self.record.runs.is_empty():
            return out
        if self.record.mapping_of(run_id) == self.version:
            given = self._given(run_id, items)
            out[:, ~window] = _settled(given, kept)[:, ~window]
        for other, version, new in self.record.first_runs(self.weeks):
            at = new & window
            if at.any():
                given = self._given(other, items)
                if version != self.version:
                    given = np.maximum(given + kept - self.mapped(items, version), 0.0)
                out[:, at] = _settled(given, kept)[:, at]
        return out

    def _given(self, run_id: str, items: _Items) -> np.ndarray:
        asked = (items.level, items.column, self.weeks, self.geos, items.names)
        return self.record.given(run_id, *asked)

    def first_of(self, item_type: str, names: tuple[str, ...], today: np.ndarray) -> np.ndarray:
        """Return drivers or the KPI as first known, (J, T, N)."""
        out = today.copy()
        for run_id, _, new in self.record.first_runs(self.weeks):
            asked = (item_type, VALUES, self.weeks, self.geos, names)
            out[:, new] = _settled(self.record.given(run_id, *asked), today)[:, new]
        return out


def states_of(
    posterior: Posterior,
    ledger: pl.DataFrame,
    panel: Panel,
    tree: Components,
    leaf_media: pl.DataFrame | None,
    window: np.ndarray,
    record: Record,
    mapping_version: int | None,
) -> States:
    """Return the steps of one published forecast.

    Parameters
    ----------
    panel : Panel
        Today's history; `window` says which of its weeks the forecast has spoken about.
    mapping_version : int, optional
        The mapping that the forecast was published under.
    """
    panel = in_units_of(posterior, panel)
    gone = np.array([name not in panel.channels for name in posterior.channels], dtype=bool)
    short, window = cut(posterior, align(posterior, panel), window)
    past = _Past(posterior, record, short, mapping_version)
    units = tuple(unit if unit in (MONEY, BOUGHT) else "" for unit in posterior.media_units)
    above = np.array([c for c, _ in tree.leaves], dtype=int)
    media = pl.DataFrame(schema=LEAF_MEDIA) if leaf_media is None else leaf_media
    leaf_names = tuple(leaf for _, leaf in tree.leaves)
    kinds = {
        "exposure": _Items(
            short.channels, "channel", VALUES, units, np.where(gone, np.nan, short.exposure)
        ),
        "spend": _Items(
            short.channels, "channel", SPEND, (MONEY,) * len(units),
            np.where(gone, np.nan, short.spend),
        ),
        "leaves": _Items(
            leaf_names, "leaf", VALUES, tuple(units[c] for c in above),
            known_leaves(short, tree.leaves, media, "exposure"),
        ),
    }  # fmt: skip
    kept = {name: past.mapped(items, mapping_version) for name, items in kinds.items()}
    first = {name: past.first(items, kept[name], window) for name, items in kinds.items()}
    now = {name: past.now(items) for name, items in kinds.items()}
    is_gone = np.isnan(now["exposure"]).all(axis=(0, 1))
    plan = _planned(ledger, short, window, leaf_names, above, first)
    first, kept, now = (
        {name: np.where(np.isnan(side[name]), _padded(plan[name], window), side[name])
         for name in kinds} for side in (first, kept, now)
    )  # fmt: skip
    return _stepped(
        posterior,
        ledger,
        short,
        window,
        record,
        past,
        (above, leaf_names),
        (plan, first, kept, now),
        is_gone,
        _frequencies(ledger, short, window, tree.leaves, media, past),
    )


def _padded(values: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return values of the window at all weeks, zero before it."""
    out = np.zeros((values.shape[0], len(window), values.shape[2]))
    out[:, window] = values
    return out


def _planned(
    ledger: pl.DataFrame,
    short: Panel,
    window: np.ndarray,
    leaf_names: tuple[str, ...],
    above: np.ndarray,
    first: dict[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return what was planned; what the ledger did not plan counts as planned as it came."""
    rows = ledger.filter(pl.col("component_type") == "channel")
    weeks = short.weeks[window]

    def told(column: str, names: tuple[str, ...]) -> np.ndarray:
        if column not in rows.columns:
            return np.full((len(short.geos), len(weeks), len(names)), np.nan)
        return ledger_array(rows, column, weeks, short.geos, names)

    volume = told("planned_value", short.channels)
    money, parts = told("planned_spend", short.channels), told("planned_value", leaf_names)
    came = {name: np.nan_to_num(side[:, window]) for name, side in first.items()}
    is_planned = np.isfinite(volume)
    parts = np.where(is_planned[..., above], np.nan_to_num(parts), came["leaves"])
    return {
        "exposure": np.where(is_planned, volume, came["exposure"]),
        "spend": np.where(np.isfinite(money), money, came["spend"]),
        "leaves": parts,
    }


def _drivers(
    ledger: pl.DataFrame, short: Panel, window: np.ndarray, past: _Past
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return driver values as planned, as first known and as known today, (J, T, D) each.

    What the ledger did not plan counts as planned as it came, what today's tables do not know as
    gone to plan.
    """
    now = short.driver_values
    first = past.first_of("driver", short.drivers, now)
    rows = ledger.filter(pl.col("component_type") != "channel")
    told = ledger_array(rows, "planned_value", short.weeks[window], short.geos, short.drivers)
    plan, first, now = first.copy(), first.copy(), now.copy()
    plan[:, window] = np.where(np.isnan(told), first[:, window], told)
    for side in (now, first):
        side[:, window] = np.where(np.isnan(side[:, window]), plan[:, window], side[:, window])
    return plan, first, now


def _frequencies(
    ledger: pl.DataFrame,
    short: Panel,
    window: np.ndarray,
    places: tuple[tuple[int, str], ...],
    media: pl.DataFrame,
    past: _Past,
) -> list[tuple[np.ndarray | None, np.ndarray | None]]:
    """Return contacts per person of channels and leaves: as planned, first known and known today.

    What the ledger did not plan counts as planned as it came, what did not come as gone to plan.
    None without channels on reach.
    """
    sides = [[], [], []]
    leaves = tuple(leaf for _, leaf in places)
    known = short.frequency, leaf_frequency(short, places, media)
    for names, kind, now in zip((short.channels, leaves), FREQUENCIES, known, strict=True):
        plan = first = now
        if now is not None:
            first = past.first_of(kind, names, now)
            told = np.full(now.shape, np.nan)
            asked = (short.weeks[window], short.geos, names)
            if "planned_frequency" in ledger.columns:
                told[:, window] = ledger_array(ledger, "planned_frequency", *asked)
            plan = np.where(np.isnan(told), first, told)
            first, now = (np.where(side > 0, side, plan) for side in (first, now))
        for side, found in zip(sides, (plan, first, now), strict=True):
            side.append(found)
    return [tuple(side) for side in sides]


def _stepped(
    posterior: Posterior,
    ledger: pl.DataFrame,
    short: Panel,
    window: np.ndarray,
    record: Record,
    past: _Past,
    leaves: tuple[np.ndarray, tuple[str, ...]],
    sides: tuple[dict[str, np.ndarray], ...],
    is_gone: np.ndarray,
    frequencies: list[tuple[np.ndarray | None, np.ndarray | None]],
) -> States:
    """Put the steps of the window behind the history of each state of knowledge."""
    plan, first, kept, now = sides
    above, names = leaves
    geos, channels = short.geos, short.channels
    asked = (short.weeks, window, posterior.last_week, geos, channels)
    price, price_now = (record.price_ratio(*asked, version) for version in (past.version, None))
    steps = media_steps(
        Media(**plan),
        *(Media(**{k: v[:, window] for k, v in side.items()}) for side in (first, kept, now)),
        is_money=np.array([unit == MONEY for unit in posterior.media_units]),
        price=price,
        price_now=price_now,
        channel=above,
    )
    drivers = _drivers(ledger, short, window, past)
    panels, parts = [], []
    for step, (volume, part) in enumerate(steps):
        history = (first, first, first, first, first, kept, now)[step]
        exposure, split = history["exposure"].copy(), history["leaves"].copy()
        exposure[:, window], split[:, window] = volume, part
        values = drivers[(0, 0, 0, 1, 1, 2, 2)[step]]
        often, of_leaves = frequencies[(0, 0, 0, 0, 1, 2, 2)[step]]
        panels.append(replace(short, exposure=exposure, driver_values=values, frequency=often))
        whole = spread(exposure, split, above)
        parts.append(Leaves(names, above, whole, np.zeros_like(split), of_leaves))
    outcome = past.first_of("kpi", (posterior.kpi,), short.outcome[..., None])[:, window, 0]
    return States(panels, parts, window, outcome, is_gone)
