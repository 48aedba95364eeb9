"""Which fits a build needs, their identity, and the rows they leave in the ledger."""

from __future__ import annotations

import hashlib
import json
import platform
import resource
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from functools import partial
from importlib import import_module
from importlib.metadata import version
from inspect import getsource

import numpy as np
import polars as pl

import mixloop
from mixloop.convergence import has_converged
from mixloop.experiments import LiftTest, known_at, read_lift_tests
from mixloop.fit import Fit, FitSettings, FitTask, fit, pooled, settings_of
from mixloop.panel import Panel, build_panel
from mixloop.posterior import ADDITIVE, draws_hash, posterior_to_frame
from mixloop.priors import Belief
from mixloop.schemas import CURRENT_RUNS, POSTERIOR, conform, empty
from mixloop.variants import FORMS, variants_of, varied
from mixloop.workers import side_by_side

MIN_BACKTEST_WEEKS = 52  # an origin with less history would backtest a model nobody would use
FIT_MODULES = (
    *("panel", "transforms", "design", "variants", "algebra", "pooling", "evidence", "signed"),
    *("shocks", "geos", "problem", "ridge", "shares", "gibbs", "pooled", "sampler"),
    *("reach", "experiments", "priors", "importance", "calibration", "diagnostics", "convergence"),
    *("evidence_moves", "between", "fit", "posterior", "forms"),
)
VERSIONED = ("numpy", "scipy", "polars", "holidays")


def code_hash() -> str:
    """Return a hash of the source of every module that a fit depends on."""
    digest = hashlib.sha256()
    for name in FIT_MODULES:
        digest.update(getsource(import_module(f"mixloop.{name}")).encode())
    return digest.hexdigest()[:16]


def data_hash(panel: Panel) -> str:
    """Return a hash of everything in a panel, names and numbers."""
    digest = hashlib.sha256(repr((panel.geos, panel.channels, panel.drivers)).encode())
    for values in (panel.outcome, panel.exposure, panel.driver_values):
        digest.update(np.ascontiguousarray(values).tobytes())
    if panel.frequency is not None:
        digest.update(np.ascontiguousarray(panel.frequency).tobytes())
    digest.update(panel.weeks.astype("datetime64[D]").astype(np.int64).tobytes())
    return digest.hexdigest()[:16]


def training_ends(
    n_weeks: int,
    *,
    origins: int,
    step_weeks: int,
    horizon_weeks: int,
    first_forecast_weeks_ago: int,
) -> list[int]:
    """Return how many weeks before the newest one each fit's training ends, oldest first.

    Zero is the live run; the others are backtest origins, as far as enough history is left: the
    one of the first forecast, and origins whose training is a multiple of `step_weeks` long, if not
    next to it. Those stay where they are as weeks arrive, so that a later build finds them fitted.
    The newest whose longest horizon has come count first, then newer ones.

    Examples
    --------
    >>> training_ends(104, origins=4, step_weeks=6, horizon_weeks=13, first_forecast_weeks_ago=13)
    [32, 26, 20, 13, 0]
    >>> training_ends(105, origins=4, step_weeks=6, horizon_weeks=13, first_forecast_weeks_ago=0)
    [33, 27, 21, 15, 0]
    >>> training_ends(70, origins=4, step_weeks=6, horizon_weeks=13, first_forecast_weeks_ago=0)
    [16, 10, 4, 0]
    """
    usable = range(1, n_weeks - MIN_BACKTEST_WEEKS + 1)
    first = {first_forecast_weeks_ago}.intersection(usable)
    grid = [
        end
        for end in usable
        if (n_weeks - end) % step_weeks == 0
        and all(2 * abs(end - other) >= step_weeks for other in first)
    ]
    grid.sort(key=lambda end: (end < horizon_weeks, abs(end - horizon_weeks)))
    whole = sum(end >= horizon_weeks for end in first)
    return sorted({0, *first, *grid[: max(origins - whole, 0)]}, reverse=True)


def fit_tasks(
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    channels: pl.DataFrame,
    *,
    settings: FitSettings,
    origins: int,
    step_weeks: int,
    horizon_weeks: int,
    first_forecast_weeks_ago: int,
    evidence: pl.DataFrame | None = None,
    specification_runs: bool = False,
) -> list[FitTask]:
    """Return every fit the current inputs call for, model by model, the live run last.

    With `specification_runs` also the variants of each live run.

    The run_id is a hash of kind, training data, configuration and code: the same inputs give the
    same run.
    """
    tasks = []
    code = code_hash()
    for model in models.sort("model_id").iter_rows(named=True):
        own = channels.filter(pl.col("model_id") == model["model_id"])
        priors = own.drop_nulls("share_of_kpi")
        in_pools = own.drop_nulls("pool_id")
        beliefs = _beliefs(own)
        panel = build_panel(model["model_id"], outcomes, media, drivers)
        signs = signs_of(model["model_id"], drivers)
        for end in training_ends(
            model["n_training_weeks"],
            origins=origins,
            step_weeks=step_weeks,
            horizon_weeks=horizon_weeks,
            first_forecast_weeks_ago=first_forecast_weeks_ago,
        ):
            known = panel.until(panel.weeks[-1] - np.timedelta64(7 * end, "D"))
            n_training = model["n_training_weeks"] - end
            lift_tests = _lift_tests(evidence, model["model_id"], known.weeks[-1])
            task = FitTask(
                run_id="",
                run_kind="backtest" if end else "live",
                model_id=model["model_id"],
                kpi=model["kpi"],
                panel=known,
                n_training=n_training,
                media_units=dict(own.select("channel_id", "media_unit").rows()),
                share_of_kpi=dict(priors.select("channel_id", "share_of_kpi").rows()),
                pools=dict(in_pools.select("channel_id", "pool_id").rows()),
                signs=signs,
                lift_tests=tuple(known_at(lift_tests, known, n_training)),
                beliefs=beliefs,
                kpi_form=model.get("kpi_form") or ADDITIVE,
            )
            asked = [task] if end or not specification_runs else [*_variants(task), task]
            tasks += [
                replace(t, run_id=_identity(t, settings_of(t.run_kind, settings), code))
                for t in asked
            ]
    return tasks


def _variants(task: FitTask) -> list[FitTask]:
    """Return the other specifications of a live run."""
    return [
        replace(
            task,
            run_kind="specification",
            panel=varied(task.panel, variant),
            kpi_form=FORMS.get(variant, task.kpi_form),
            variant=variant,
        )
        for variant in variants_of(task.panel, task.kpi_form)
    ]


def _identity(task: FitTask, settings: FitSettings, code: str) -> str:
    """Return the run_id of a task: a hash of kind, data, configuration and code."""
    parts = (task.model_id, task.run_kind, data_hash(task.panel), code)
    identity = "|".join((*parts, configuration(task, settings)))
    return hashlib.md5(identity.encode(), usedforsecurity=False).hexdigest()


def signs_of(model_id: str, drivers: pl.DataFrame) -> dict[str, int]:
    """Return 1 or -1 for each driver of a model whose effect has a known sign."""
    if "expected_sign" not in drivers.columns:
        return {}
    rows = drivers.filter(pl.col("model_id") == model_id, pl.col("expected_sign").is_not_null())
    return dict(rows.select("driver_id", "expected_sign").unique().sort("driver_id").rows())


def _lift_tests(
    evidence: pl.DataFrame | None, model_id: str, last_week: np.datetime64
) -> tuple[LiftTest, ...]:
    """Return the lift tests and measured decisions that count for a model by a week."""
    if evidence is None:
        return ()
    rows = evidence.filter(pl.col("is_used"), pl.col("model_id") == model_id)
    if "known_week" in rows.columns:
        rows = rows.filter(pl.col("known_week") <= last_week.item())
    return read_lift_tests(rows)


def _beliefs(channels: pl.DataFrame) -> dict[str, Belief]:
    """Return what the client believes of a model's channels, for those with a view."""
    names = [name for name in Belief.__annotations__ if name in channels.columns]
    found = {
        row["channel_id"]: Belief(**{name: row[name] for name in names})
        for row in channels.sort("channel_id").iter_rows(named=True)
    }
    return {channel: belief for channel, belief in found.items() if belief.given}


def configuration(task: FitTask, settings: FitSettings) -> str:
    """Return what was asked of a fit, as JSON with sorted keys.

    Pools and their spread are only there where channels are pooled, signs where a driver has one,
    lift tests and beliefs where there are some, the KPI's form where it is not a sum.
    """
    pools = pooled(task.panel.channels, task.pools)
    asked = asdict(settings) | {
        "kpi": task.kpi,
        "n_training_weeks": task.n_training,
        "media_units": task.media_units,
        "share_of_kpi": task.share_of_kpi,
    }
    if pools:
        asked["pools"] = pools
    else:
        del asked["pool_spread"]
    if task.kpi_form != ADDITIVE:
        asked["kpi_form"] = task.kpi_form
    if task.variant:
        asked["variant"] = task.variant
    if task.signs:
        asked["signs"] = task.signs
    if task.lift_tests:
        asked["lift_tests"] = [asdict(test) for test in task.lift_tests]
    else:
        del asked["evidence_half_life_weeks"]
    if task.beliefs:
        asked["beliefs"] = {channel: belief.given for channel, belief in task.beliefs.items()}
    return json.dumps(asked, sort_keys=True)


def _ledger_rows(
    task: FitTask, result: Fit, settings: FitSettings, fit_seconds: float
) -> pl.DataFrame:
    """Return a finished fit as rows of `schemas.POSTERIOR`."""
    rows = posterior_to_frame(result.posterior)
    place = {geo: j for j, geo in enumerate(result.posterior.geos)}
    judged = np.array(
        [result.diagnostics[term][place[geo]] for geo, term in rows.select("geo", "term_id").rows()]
    )
    told = [{k: v for k, v in row.items() if k != "moves"} for row in result.evidence]
    moves = [
        _moves(result, component) if geo == result.posterior.geos[0] and kind == "channel" else None
        for geo, kind, component in rows.select("geo", "term_type", "component_id").rows()
    ]
    asked = configuration(task, settings)
    found = {
        "mixloop": mixloop.__version__,
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONED},
    }
    facts = {
        "n_chains": settings.chains,
        "n_sweeps": result.n_sweeps,
        "n_draws": settings.draws,
        "is_converged": has_converged(result.diagnostics, task.run_kind),
        "seed": settings.seed,
        "data_hash": data_hash(task.panel),
        "config_hash": hashlib.sha256(asked.encode()).hexdigest()[:16],
        "code_hash": code_hash(),
        "draws_hash": draws_hash(rows),
        "configuration": asked,
        "dropped": json.dumps(
            {"channels": result.dropped_channels, "drivers": result.dropped_drivers}
        ),
        "evidence": json.dumps(told) if told else None,
        "versions": json.dumps(found, sort_keys=True),
        "fit_seconds": fit_seconds,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }
    columns = zip(("rhat", "ess_bulk", "ess_tail"), judged.T, strict=True)
    rows = rows.with_columns(
        *(pl.Series(name, values).fill_nan(None) for name, values in columns),
        *(pl.lit(value).alias(name) for name, value in facts.items()),
        pl.Series("evidence_moves", moves, dtype=pl.String),
    )
    return conform(rows, POSTERIOR)


def _moves(result: Fit, channel: str) -> str | None:
    """Return how far each row of evidence moved a channel, as JSON; None without evidence."""
    found = [
        {"evidence_id": row["evidence_id"]} | move
        for row in result.evidence
        for move in row["moves"]
        if move["channel_id"] == channel
    ]
    return json.dumps(found) if found else None


def _fit_one(task: FitTask, *, settings: FitSettings, clock: Callable[[], float]) -> pl.DataFrame:
    """Fit one task and return its ledger rows; runs in a worker process when there are several."""
    start = clock()
    how = settings_of(task.run_kind, settings)
    result = fit(task, how)
    return _ledger_rows(task, result, how, clock() - start)


def asked_for(
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    channels: pl.DataFrame,
    evidence: pl.DataFrame | None,
    settings: Mapping[str, float],
) -> tuple[FitSettings, list[FitTask]]:
    """Return how to fit and what to fit, from the vars a dbt model hands over."""
    fractions = ("channel_share_scale", "pool_spread", "evidence_half_life_weeks")
    integers = [name for name in FitSettings.__annotations__ if name not in fractions]
    how = FitSettings(
        **{name: float(settings[name]) for name in fractions},
        **{name: int(settings[name]) for name in integers},
    )
    tasks = fit_tasks(
        models,
        outcomes,
        media,
        drivers,
        channels,
        settings=how,
        origins=int(settings["backtest_origins"]),
        step_weeks=int(settings["backtest_step_weeks"]),
        horizon_weeks=int(settings["backtest_horizon_weeks"]),
        first_forecast_weeks_ago=int(settings["first_forecast_weeks_ago"]),
        evidence=evidence,
        specification_runs=bool(int(settings.get("specification_runs", 0))),
    )
    return how, tasks


def current_runs(
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    channels: pl.DataFrame,
    *,
    settings: Mapping[str, float],
    evidence: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the runs that today's inputs, configuration and code call for.

    Parameters
    ----------
    models, outcomes, media, drivers, channels, settings, evidence
        As in `fit_runs`.

    Returns
    -------
    polars.DataFrame
        `schemas.CURRENT_RUNS`: one live run for each model, one backtest for each origin, and the
        other specifications that are asked for.
    """
    _, tasks = asked_for(models, outcomes, media, drivers, channels, evidence, settings)
    rows = [
        {
            "run_id": task.run_id,
            "model_id": task.model_id,
            "run_kind": task.run_kind,
            "as_of_week": task.panel.weeks[-1].item(),
        }
        for task in tasks
    ]
    return pl.DataFrame(rows, schema=CURRENT_RUNS)


def fit_runs(
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    channels: pl.DataFrame,
    *,
    existing: Iterable[str],
    settings: Mapping[str, float],
    clock: Callable[[], float],
    evidence: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Fit the runs that the ledger does not hold yet.

    Parameters
    ----------
    models, outcomes, media, drivers, channels : polars.DataFrame
        The `int_mixloop__model*` tables of the same names.
    existing : iterable of str
        run_ids that are in the ledger already; they are not fitted again.
    settings : mapping
        The fields of `FitSettings` and `backtest_origins`, `backtest_step_weeks`,
        `backtest_horizon_weeks`, `first_forecast_weeks_ago`; optionally `fit_jobs`, independent
        fits side by side (1), `fit_backend`, where they run (`workers.BACKENDS`), and
        `fit_scheduler`, its address; `specification_runs`, 1 for other specifications of each live
        run (0).
    clock : callable
        Returns seconds; only differences count. A function that worker processes can import.
    evidence : polars.DataFrame, optional
        `int_mixloop__model_evidence`: the lift tests of each model.

    Returns
    -------
    polars.DataFrame
        New rows of `schemas.POSTERIOR`, possibly none; each model's live run last.
    """
    how, tasks = asked_for(models, outcomes, media, drivers, channels, evidence, settings)
    known = set(existing)
    todo = [task for task in tasks if task.run_id not in known]
    jobs = min(int(settings.get("fit_jobs", 1)), len(todo)) or 1
    frames = side_by_side(
        partial(_fit_one, settings=how, clock=clock),
        todo,
        backend=str(settings.get("fit_backend") or "loky"),
        jobs=jobs,
        scheduler=str(settings.get("fit_scheduler") or ""),
    )
    rows = pl.concat([empty(POSTERIOR), *frames])
    strange = rows.filter(pl.col("code_hash") != code_hash())
    if strange.height:
        raise RuntimeError(
            f"{strange['run_id'].n_unique()} of {len(todo)} fits ran with other source code of "
            "mixloop than this build's: install the same version on every worker"
        )
    return rows
