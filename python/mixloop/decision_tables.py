"""The frames of decisions: predictions as made on approval, and what was measured afterwards."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import polars as pl

from mixloop.decisions import Effect, Move, actual_paths, effect_of, moved_money, planned_paths
from mixloop.evaluate import align
from mixloop.experiments import LiftTest
from mixloop.frames import RANGE_PARTS, summarise
from mixloop.panel import Panel, build_panel
from mixloop.posterior import Posterior, posteriors_from_frame
from mixloop.schemas import DECISION_MEASUREMENTS, DECISION_PREDICTIONS, conform, empty

NORMAL_P95 = 1.6448536269514722
EXPERIMENT = "experiment"


def move_of(row: dict[str, Any]) -> Move:
    """Read a move from a row of `int_mixloop__decision_models`."""
    return Move(
        decision_id=row["decision_id"],
        node_id=row["channel_id"],
        role=row["role"],
        channels=tuple(row["channels"]),
        geos=tuple(row["geos"] or ()),
        start=np.datetime64(row["start_week"]),
        end=np.datetime64(row["end_week"]),
        spend_from=float(row["spend_from"]),
        spend_to=float(row["spend_to"]),
    )


class History:
    """Panels and money of nodes of each model, made when first asked for."""

    def __init__(
        self,
        outcomes: pl.DataFrame,
        media: pl.DataFrame,
        drivers: pl.DataFrame,
        node_media: pl.DataFrame,
    ) -> None:
        self._frames = (outcomes, media, drivers)
        self._node_media = node_media
        self._panels: dict[str, Panel] = {}

    def panel(self, posterior: Posterior) -> Panel:
        """Return the history of a run's model, with the run's geos and channels."""
        model_id = posterior.model_id
        if model_id not in self._panels:
            self._panels[model_id] = build_panel(model_id, *self._frames)
        return align(posterior, self._panels[model_id])

    def node_spend(self, posterior: Posterior, move: Move, weeks: np.ndarray) -> np.ndarray:
        """Return the money of the move's node in its geos, (T,); zero where there is no row."""
        own = self._node_media.filter(
            pl.col("model_id") == posterior.model_id,
            pl.col("node_id") == move.node_id,
            pl.col("geo").is_in(move.geos or posterior.geos),
        )
        by_week = dict(own.sort("week", "geo").group_by("week").agg(pl.col("spend").sum()).rows())
        return np.array([by_week.get(week, 0.0) for week in weeks.tolist()])


def _ranges(stem: str, draws: np.ndarray | None) -> dict[str, float | None]:
    """Return mean, quantiles and standard deviation of draws; nulls where there are none."""
    names = [f"{stem}_{part}" for part in RANGE_PARTS] + [f"{stem}_sd"]
    if draws is None:
        return dict.fromkeys(names)
    return dict(zip(names, [*summarise(draws).tolist(), float(draws.std())], strict=True))


def _knows(posterior: Posterior, move: Move) -> bool:
    """Say whether a run holds everything that a move touches."""
    return set(move.channels) <= set(posterior.channels) and set(move.geos) <= set(posterior.geos)


def _posteriors(frame: pl.DataFrame, run_ids: Iterable[str]) -> dict[str, Posterior]:
    """Return the runs of a frame by run_id."""
    rows = frame.filter(pl.col("run_id").is_in(sorted(set(run_ids))))
    return {run.run_id: run for run in posteriors_from_frame(rows)}


def _configurations(frame: pl.DataFrame) -> dict[str, dict[str, Any]]:
    """Return what was asked of each run of a frame."""
    facts = frame.select("run_id", "configuration").unique("run_id", keep="first")
    return {run_id: json.loads(asked) for run_id, asked in facts.iter_rows()}


def predictions_table(
    decisions: pl.DataFrame,
    posterior: Callable[[], pl.DataFrame],
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    node_media: pl.DataFrame,
    existing: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the predictions that the ledger does not hold yet.

    Parameters
    ----------
    decisions : DataFrame
        `int_mixloop__decision_models`; rows with status `predicted` are.
    posterior : callable
        Returns the rows of `schemas.POSTERIOR` of the runs that decisions name; not called where
        nothing is to be predicted.
    existing : DataFrame, optional
        prediction_id, decision_id and model_id of the ledger.

    Returns
    -------
    DataFrame in `schemas.DECISION_PREDICTIONS`
    """
    todo, earlier = _due(decisions.filter(status="predicted"), existing, "prediction_id")
    if todo.is_empty():
        return empty(DECISION_PREDICTIONS)
    history = History(outcomes, media, drivers, node_media)
    runs = _posteriors(posterior(), todo["run_id"])
    rows = []
    for row in todo.sort("decision_id", "model_id").iter_rows(named=True):
        run, move = runs[row["run_id"]], move_of(row | {"channels": row["run_channels"]})
        panel = history.panel(run)
        node_spend = history.node_spend(run, move, panel.weeks)
        paths = planned_paths(move, panel, node_spend, run.last_week, run.carryover_weeks)
        found = effect_of(run, paths, panel.until(run.last_week), has_happened=False)
        key = (row["decision_id"], row["model_id"])
        rows.append(
            {name: row[name] for name in DECISION_PREDICTIONS if name in row}
            | {
                "revision": earlier.count(key) + 1,
                "run_as_of_week": run.last_week.item(),
                "node_id": move.node_id,
                "channels": "; ".join(move.channels),
                "geos": "; ".join(move.geos),
                "carryover_weeks": run.carryover_weeks,
                "p_positive": float((found.in_all > 0).mean()),
            }
            | _ranges("window_effect", found.in_window)
            | _ranges("effect", found.in_all)
        )
    return conform(pl.DataFrame(rows, infer_schema_length=None), DECISION_PREDICTIONS)


def _due(
    rows: pl.DataFrame, existing: pl.DataFrame | None, key: str
) -> tuple[pl.DataFrame, list[tuple]]:
    """Return the rows whose key is not in the ledger, and what the ledger's other columns hold."""
    if existing is None:
        return rows, []
    kept = existing.drop(key).rows()
    return rows.filter(~pl.col(key).is_in(existing[key].to_list())), kept


def measurements_table(
    due: pl.DataFrame,
    posterior: Callable[[], pl.DataFrame],
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    node_media: pl.DataFrame,
    existing: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the measured effects that the ledger does not hold yet.

    Parameters
    ----------
    due : DataFrame
        `int_mixloop__decisions_to_measure`: finished decisions by model and by what measures them.
    posterior : callable
        Returns the rows of `schemas.POSTERIOR` of the runs that measure and that predicted; not
        called where nothing is to be measured.
    existing : DataFrame, optional
        measurement_id, prediction_id and measured_by of the ledger.

    Returns
    -------
    DataFrame in `schemas.DECISION_MEASUREMENTS`
    """
    todo, earlier = _due(due, existing, "measurement_id")
    if todo.is_empty():
        return empty(DECISION_MEASUREMENTS)
    history = History(outcomes, media, drivers, node_media)
    wanted = pl.concat([todo["current_run_id"], todo["prediction_run_id"]]).drop_nulls()
    learned = posterior()
    runs, asked = _posteriors(learned, wanted), _configurations(learned)
    rows = []
    for row in todo.sort("decision_id", "model_id", "measured_by", "source_id").iter_rows(
        named=True
    ):
        found = _measured(row, runs, history)
        if found is None:
            continue
        said = asked[row["current_run_id"]].get("lift_tests", [])
        heard = [test["evidence_id"] for test in said if test["channel_id"] in row["channels"]]
        key = (row["prediction_id"], row["measured_by"])
        earlier.append(key)
        rows.append(
            {name: row[name] for name in DECISION_MEASUREMENTS if name in row}
            | {
                "node_id": row["channel_id"],
                "revision": earlier.count(key),
                "evidence_ids": [] if row["measured_by"] == EXPERIMENT else sorted(heard),
            }
            | found
        )
    if not rows:
        return empty(DECISION_MEASUREMENTS)
    return conform(pl.DataFrame(rows, infer_schema_length=None), DECISION_MEASUREMENTS)


def _measured(
    row: dict[str, Any], runs: dict[str, Posterior], history: History
) -> dict[str, Any] | None:
    """Return what is measured of one decision; None where the run does not know its channels."""
    move, now = move_of(row), runs[row["current_run_id"]]
    if not _knows(now, move):
        return None
    panel = history.panel(now)
    money = history.node_spend(now, move, panel.weeks)
    window = (panel.weeks >= move.start) & (panel.weeks <= move.end)
    tests = _lift_tests(row, move, panel, money)
    is_seen = all(np.datetime64(test.start_week) >= panel.weeks[0] for test in tests)
    is_experiment = row["measured_by"] == EXPERIMENT
    measured = None
    if is_experiment:
        size, error = float(row["lift"]), float(row["standard_error"])
        half = NORMAL_P95 * error
        figures = (size, size - half, size, size + half, error)
        names = [f"window_effect_{part}" for part in (*RANGE_PARTS, "sd")]
        said = dict(zip(names, figures, strict=True)) | _ranges("effect", None)
    else:
        measured = _effect(now, tests, history)
        said = _ranges("window_effect", measured.in_window) | _ranges("effect", measured.in_all)
    then = runs.get(row["prediction_run_id"])
    expected = _effect(then, tests, history) if then and is_seen and _knows(then, move) else None
    seen = (panel.weeks > move.end).sum()
    return (
        said
        | _ranges("expected_window", expected and expected.in_window)
        | _ranges("expected", None if is_experiment or expected is None else expected.in_all)
        | {
            "first_training_week": None if is_experiment else now.first_week.item(),
            "n_training_weeks": None
            if is_experiment
            else int((now.last_week - now.first_week).astype(int)) // 7 + 1,
            "carryover_weeks_seen": int(min(seen, now.carryover_weeks)),
            "spend_actual": row["spend_actual"] if is_experiment else float(money[window].sum()),
            "spend_counterfactual": row["spend_counterfactual"]
            if is_experiment
            else move.spend_from * move.n_weeks,
        }
    )


def _lift_tests(
    row: dict[str, Any], move: Move, panel: Panel, node_spend: np.ndarray
) -> tuple[LiftTest, ...]:
    """Return what moved: as the experiment says, or as the money of the window has it."""
    if row["measured_by"] != EXPERIMENT:
        return moved_money(move, panel, node_spend)
    return (
        LiftTest(
            evidence_id=row["source_id"],
            channel_id=move.node_id,
            geos=tuple(row["experiment_geos"] or ()),
            start_week=str(row["experiment_start_week"]),
            end_week=str(row["experiment_end_week"]),
            spend_actual=float(row["spend_actual"]),
            spend_counterfactual=float(row["spend_counterfactual"]),
            lift=float(row["lift"]),
            standard_error=float(row["standard_error"]),
        ),
    )


def _effect(run: Posterior, tests: tuple[LiftTest, ...], history: History) -> Effect:
    """Return what a run says of what moved."""
    panel = history.panel(run)
    paths = actual_paths(tests, panel, run.carryover_weeks)
    return effect_of(run, paths, panel, has_happened=True)
