"""Why a refresh changed what was published about the same weeks.

From the earlier run's numbers to the later one's in steps, each with one cause; what a step needs
beside both runs is fitted again. A refresh with one kind of change needs no fit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import duckdb
import numpy as np
import polars as pl

from mixloop.bridge.draws import Draws
from mixloop.bridge.record import VALUES, Record
from mixloop.bridge.states import BOUGHT, MONEY
from mixloop.bridge.table import facts_of, records_of
from mixloop.evaluate import align, media_effects
from mixloop.experiments import LiftTest
from mixloop.fit import FitSettings, FitTask, fit, settings_of
from mixloop.forms import ADDITIVE
from mixloop.panel import Panel
from mixloop.posterior import Posterior, posteriors_from_frame
from mixloop.priors import Belief
from mixloop.schemas import RESTATEMENTS, empty

CAUSES = ("mapping", "revised_history", "new_weeks", "evidence", "configuration")
NOISE, TOTAL, ALL_MEDIA = "sampler_noise", "total", "all_media"
EVIDENCE_KEYS = ("lift_tests", "evidence_half_life_weeks")
CHANCE_KEYS = ("seed", "chains", "warmup", "sweeps", "max_sweeps", "draws")
WINDOW_KEYS = ("n_training_weeks",)
BATCHES = 20
Z_90 = 1.6448536269514722


@dataclass(frozen=True)
class Told:
    """What a run was asked, beside its data."""

    configuration: dict
    code_hash: str

    def part(self, keys: tuple[str, ...], *, without: bool = False) -> dict:
        """Return the settings of some names, or all others."""
        return {k: v for k, v in self.configuration.items() if (k in keys) != without}


def as_asked(task: FitTask, told: Mapping, settings: FitSettings) -> tuple[FitTask, FitSettings]:
    """Return a task and settings as another run was asked, on the task's data."""
    known = {name: told[name] for name in FitSettings.__annotations__ if name in told}
    asked = replace(
        task,
        media_units=task.media_units | told["media_units"],
        share_of_kpi=told["share_of_kpi"],
        pools=told.get("pools", {}),
        signs=told.get("signs", {}),
        beliefs={name: Belief(**given) for name, given in told.get("beliefs", {}).items()},
        kpi_form=told.get("kpi_form", ADDITIVE),
        lift_tests=tuple(
            LiftTest(**test | {"geos": tuple(test["geos"])}) for test in told.get("lift_tests", ())
        ),
    )
    return asked, replace(settings, **known)


def widened(panel: Panel, channels: tuple[str, ...]) -> Panel:
    """Return the panel with channels that it does not have, without media."""
    names = tuple(sorted({*panel.channels, *channels}))
    at = [names.index(name) for name in panel.channels]
    parts = {}
    for field, none in (("exposure", 0.0), ("spend", 0.0), ("frequency", 1.0)):
        if getattr(panel, field) is not None:
            parts[field] = np.full((*panel.exposure.shape[:2], len(names)), none)
            parts[field][..., at] = getattr(panel, field)
    return replace(panel, channels=names, **parts)


def given_panel(run: Posterior, record: Record, today: Panel) -> Panel:
    """Return what a run was given at the weeks of today's panel; today's where it is not kept."""
    weeks, geos = today.weeks, today.geos
    parts = {}
    for field, kind, names in (
        ("exposure", "channel", today.channels),
        ("driver_values", "driver", today.drivers),
    ):
        given = record.given(run.run_id, kind, VALUES, weeks, geos, names)
        now = getattr(today, field)
        is_old = (weeks <= run.last_week)[None, :, None]
        parts[field] = np.where(is_old & np.isfinite(given), given, now)
    outcome = record.given(run.run_id, "kpi", VALUES, weeks, geos, (run.kpi,))[..., 0]
    is_given = (weeks >= run.first_week) & (weeks <= run.last_week)
    parts["outcome"] = np.where(is_given, outcome, today.outcome)
    return replace(today, **parts)


def mapped_panel(run: Posterior, record: Record, given: Panel) -> Panel:
    """Return what a run was given, its media where today's mapping has it."""
    version, exposure = record.mapping_of(run.run_id), given.exposure.copy()
    for unit, column in ((MONEY, MONEY), (BOUGHT, BOUGHT)):
        at = [
            given.channels.index(name)
            for name, own in zip(run.channels, run.media_units, strict=True)
            if own == unit and name in given.channels
        ]
        left, joined = record.moved_under(
            version, column, given.weeks, given.geos, given.channels, "channel"
        )
        exposure[..., at] += (joined - left)[..., at]
    return replace(given, exposure=np.maximum(exposure, 0.0))


def _same(one: Panel, other: Panel, weeks: np.ndarray) -> bool:
    """Say whether two panels tell the same of some weeks."""
    return all(
        np.allclose(
            getattr(one, name)[:, weeks], getattr(other, name)[:, weeks], rtol=1e-9, atol=1e-9,
            equal_nan=True,
        )
        for name in ("outcome", "exposure", "driver_values")
    )  # fmt: skip


def changed_causes(
    earlier: Posterior,
    later: Posterior,
    told: tuple[Told, Told],
    panels: tuple[Panel, Panel, Panel],
) -> list[str]:
    """Return which kinds of change lie between two runs, in order.

    Parameters
    ----------
    panels : (Panel, Panel, Panel)
        As the earlier run was given, the same under today's mapping, as the later run was given.
    """
    given, mapped, today = panels
    before, now = told
    both = (today.weeks <= earlier.last_week) & (today.weeks >= earlier.first_week)
    both &= today.weeks >= later.first_week
    media = today.weeks <= earlier.last_week
    new = (earlier.first_week, earlier.last_week) != (later.first_week, later.last_week)
    other = (*EVIDENCE_KEYS, *CHANCE_KEYS, *WINDOW_KEYS)
    is_changed = {
        "mapping": not np.allclose(given.exposure[:, media], mapped.exposure[:, media]),
        "revised_history": not (_same(mapped, today, both)
                                and np.allclose(mapped.exposure[:, media],
                                                today.exposure[:, media])),
        "new_weeks": new,
        "evidence": before.part(EVIDENCE_KEYS) != now.part(EVIDENCE_KEYS),
        "configuration": before.part(other, without=True) != now.part(other, without=True)
        or before.code_hash != now.code_hash,
    }  # fmt: skip
    return [cause for cause in CAUSES if is_changed[cause]]


def _totals(run: Posterior, panel: Panel, weeks: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """Return draws of every channel's effect over some weeks, then of all, (C + 1, S)."""
    keep = np.isin(panel.weeks, weeks)
    effects = media_effects(run, align(run, panel))[:, :, keep].sum(axis=(1, 2))  # (S, C)
    out = np.zeros((len(names) + 1, len(effects)))
    for c, name in enumerate(run.channels):
        out[names.index(name)] = effects[:, c]
    out[-1] = effects.sum(axis=1)
    return out


def simulation_error(draws: np.ndarray) -> np.ndarray:
    """Return the standard error of means over draws, (N,), from batches of neighbours.

    Examples
    --------
    >>> draws = np.random.default_rng(1).standard_normal((1, 4000))
    >>> bool(abs(simulation_error(draws)[0] - 1 / np.sqrt(4000)) < 0.008)
    True
    """
    batches = [part.mean(axis=-1) for part in np.array_split(draws, BATCHES, axis=-1) if part.size]
    return np.std(batches, axis=0, ddof=1) / np.sqrt(len(batches))


def restatement_rows(
    earlier: Posterior,
    later: Posterior,
    told: tuple[Told, Told],
    task: FitTask,
    settings: FitSettings,
    record: Record,
    fitted: Callable[[FitTask, FitSettings], Posterior],
) -> pl.DataFrame:
    """Return why the later run says another thing than the earlier one about the same weeks.

    Parameters
    ----------
    told : (Told, Told)
        What the runs were asked.
    task : FitTask
        The later run's, its panel what it was given.
    record : Record
        Has what the earlier run was given.
    fitted : callable
        Fits a task; called once for every kind of change beyond the first.

    Returns
    -------
    DataFrame in `schemas.RESTATEMENTS`
        For every channel and for all media: the change of the effect over the weeks both runs were
        trained on, by cause. Means of the causes add up to `total`; ranges are of the simulation
        error only.
    """
    today = widened(task.panel, earlier.channels)
    given = given_panel(earlier, record, today)
    mapped = mapped_panel(earlier, record, given)
    causes = changed_causes(earlier, later, told, (given, mapped, today))
    first = max(earlier.first_week, later.first_week)
    weeks = today.weeks[(today.weeks >= first) & (today.weeks <= earlier.last_week)]
    names = tuple(sorted({*earlier.channels, *later.channels}))
    draws = [_totals(earlier, given, weeks, names)]
    for cause in causes:
        if cause == causes[-1]:
            draws.append(_totals(later, today, weeks, names))
            continue
        panel = mapped if cause == "mapping" else today
        asked, how = as_asked(task, told[0].configuration, settings)
        if cause in ("mapping", "revised_history"):
            panel = panel.until(earlier.last_week)
        if cause == "evidence":
            asked = replace(asked, lift_tests=task.lift_tests)
            how = replace(how, evidence_half_life_weeks=settings.evidence_half_life_weeks)
        n_training = int((panel.weeks >= later.first_week).sum())
        asked = replace(
            asked, run_id=f"{later.run_id}:{cause}", run_kind="backtest", panel=panel,
            n_training=n_training,
        )  # fmt: skip
        draws.append(_totals(fitted(asked, how), panel, weeks, names))
    if not causes:
        draws.append(_totals(later, today, weeks, names))
        causes = [NOISE]
    return _laid_out(earlier, later, causes, draws, names, weeks)


def _laid_out(
    earlier: Posterior,
    later: Posterior,
    causes: list[str],
    draws: list[np.ndarray],
    names: tuple[str, ...],
    weeks: np.ndarray,
) -> pl.DataFrame:
    """Return a row for every component and cause."""
    means = np.array([state.mean(axis=1) for state in draws])
    errors = np.array([simulation_error(state) for state in draws])
    changes, spread = np.diff(means, axis=0), np.hypot(errors[:-1], errors[1:])
    named = list(zip(causes, changes, spread, strict=True))
    whole = np.hypot(errors[0], errors[-1])
    if causes != [NOISE]:
        named.append((NOISE, np.zeros_like(whole), np.sqrt((errors**2).sum(axis=0))))
    named.append((TOTAL, means[-1] - means[0], whole))
    rows = [
        {
            "run_id": later.run_id,
            "model_id": later.model_id,
            "earlier_run_id": earlier.run_id,
            "as_of_week": later.last_week.item(),
            "earlier_as_of_week": earlier.last_week.item(),
            "first_week": weeks[0].item(),
            "last_week": weeks[-1].item(),
            "component_id": name,
            "cause": cause,
            "effect_before": float(means[0, k]) if cause == TOTAL else None,
            "effect_after": float(means[-1, k]) if cause == TOTAL else None,
            "change": float(change[k]),
            "change_low": float(change[k] - Z_90 * error[k]),
            "change_high": float(change[k] + Z_90 * error[k]),
            "is_beyond_noise": bool(abs(change[k]) > Z_90 * error[k]) and cause != NOISE,
        }
        for k, name in enumerate((*names, ALL_MEDIA))
        for cause, change, error in named
    ]
    return pl.DataFrame(rows, schema=RESTATEMENTS)


def told_of(rows: pl.DataFrame) -> Told:
    """Return what a run was asked, from its rows of the posterior."""
    first = rows.row(0, named=True)
    return Told(json.loads(first["configuration"]), first["code_hash"])


def pairs_of(panels: pl.DataFrame, current: pl.DataFrame) -> list[tuple[str, str]]:
    """Return each current live run that publishes, and the live run of its model before it.

    Parameters
    ----------
    panels : DataFrame
        `record.RUN_FACTS` of the runs with a panel.
    current : DataFrame in `schemas.CURRENT_RUNS`
    """
    facts = panels.select("run_id", "model_id", "as_of_week", "panel_number").unique()
    kinds = current.select("run_id", "run_kind")
    facts = facts.join(kinds, on="run_id", how="left").sort("panel_number", "as_of_week", "run_id")
    found = []
    for (_,), rows in facts.partition_by("model_id", as_dict=True, maintain_order=True).items():
        # of the panels of one build the one with the newest week is the live run's
        live = rows.group_by("panel_number", maintain_order=True).last()
        now = live.filter(pl.col("run_kind") == "live").tail(1)
        if now.is_empty():
            continue
        before = live.filter(
            pl.col("panel_number") < now["panel_number"].item(),
            pl.col("run_id") != now["run_id"],
            pl.col("as_of_week") <= now["as_of_week"].item(),  # a past date may be built later
        )
        if len(before):
            found.append((now["run_id"].item(), before["run_id"][-1]))
    return sorted(found)


def restatements_table(
    posterior: pl.DataFrame | duckdb.DuckDBPyRelation,
    tasks: Callable[[], tuple[FitSettings, list[FitTask]]],
    current: pl.DataFrame,
    run_panels: pl.DataFrame | duckdb.DuckDBPyRelation,
    moved_media: pl.DataFrame,
    existing: set[tuple[str, str]],
) -> pl.DataFrame:
    """Return `schemas.RESTATEMENTS` of every current live run and the one before it.

    Parameters
    ----------
    tasks : callable
        Returns `runs.asked_for`; only called when there is something to explain.
    existing : set of (run_id, earlier_run_id)
        Pairs that are explained already.
    """
    records = records_of(run_panels, moved_media, None)
    frames, draws = [empty(RESTATEMENTS)], Draws(posterior)
    known = {*draws.carryover_weeks}
    new = [
        pair
        for pair in pairs_of(facts_of(run_panels), current)
        if pair not in existing and known.issuperset(pair)
    ]
    if not new:
        return frames[0]
    settings, asked = tasks()
    by_run = {task.run_id: task for task in asked}
    for later_id, earlier_id in new:
        rows = [draws.of([run]) for run in (earlier_id, later_id)]
        earlier, later = (posteriors_from_frame(part)[0] for part in rows)
        frames.append(
            restatement_rows(
                earlier,
                later,
                (told_of(rows[0]), told_of(rows[1])),
                by_run[later_id],
                settings,
                records[later.model_id],
                lambda task, how: fit(task, settings_of(task.run_kind, how)).posterior,
            )
        )
    return pl.concat(frames)
