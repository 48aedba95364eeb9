"""The frames of evidence and priors: what was told to the current live runs, and what it did.

`posterior` and `models` as in `publish`.
"""

from __future__ import annotations

import json

import polars as pl

from mixloop.forecast import stable_rng
from mixloop.panel import build_panel
from mixloop.posterior import posteriors_from_frame
from mixloop.prior_predictive import prior_rows
from mixloop.publish import current_runs
from mixloop.schemas import EVIDENCE, MOVES, PRIORS, conform, empty

FACTS = ("run_id", "model_id", "seed", "configuration", "evidence")


def _current(posterior: pl.DataFrame, models: pl.DataFrame) -> list[dict]:
    """Return the facts of the current live runs, sorted by model."""
    wanted = current_runs(posterior, models)
    runs = posterior.filter(pl.col("run_id").is_in(wanted)).select(FACTS)
    return runs.unique("run_id", keep="first").sort("model_id").to_dicts()


def evidence_table(posterior: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Return `schemas.EVIDENCE` of the current live runs: what each row of evidence moved."""
    rows = [
        {name: facts.get(name) for name in EVIDENCE}
        | {"run_id": run["run_id"], "model_id": run["model_id"]}
        for run in _current(posterior, models)
        for facts in json.loads(run["evidence"] or "[]")
    ]
    if not rows:
        return empty(EVIDENCE)
    dates = [pl.col(name).str.to_date() for name in ("start_week", "end_week")]
    found = pl.DataFrame(rows, infer_schema_length=None).with_columns(*dates)
    return conform(found.sort("run_id", "evidence_id"), EVIDENCE)


def moves_table(posterior: pl.DataFrame, models: pl.DataFrame) -> pl.DataFrame:
    """Return `schemas.MOVES` of the current live runs: what each row of evidence moved where."""
    wanted = current_runs(posterior, models)
    told = posterior.filter(pl.col("run_id").is_in(wanted), pl.col("evidence_moves").is_not_null())
    rows = [
        {name: move.get(name) for name in MOVES} | {"run_id": run_id, "model_id": model_id}
        for run_id, model_id, said in told.select("run_id", "model_id", "evidence_moves").rows()
        for move in json.loads(said)
    ]
    if not rows:
        return empty(MOVES)
    found = pl.DataFrame(rows, infer_schema_length=None)
    return conform(found.sort("run_id", "evidence_id", "channel_id"), MOVES)


def priors_table(
    posterior: pl.DataFrame,
    models: pl.DataFrame,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
) -> pl.DataFrame:
    """Return `schemas.PRIORS` of the current live runs: what was believed before and after."""
    frames = []
    for facts in _current(posterior, models):
        (run,) = posteriors_from_frame(posterior.filter(pl.col("run_id") == facts["run_id"]))
        panel = build_panel(run.model_id, outcomes, media, drivers)
        rng = stable_rng(facts["seed"], run.run_id, "prior")
        frames.append(prior_rows(run, panel, json.loads(facts["configuration"]), rng))
    return pl.concat([empty(PRIORS), *frames])
