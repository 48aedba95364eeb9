"""Draws of runs, read when they are needed."""

from __future__ import annotations

from collections.abc import Iterable

import duckdb
import polars as pl


class Draws:
    """The posterior's rows, of which only those that are asked for are read.

    Parameters
    ----------
    posterior : DataFrame or DuckDBPyRelation
        Rows of `schemas.POSTERIOR`.
    """

    def __init__(self, posterior: pl.DataFrame | duckdb.DuckDBPyRelation) -> None:
        self._rows = posterior
        if isinstance(posterior, pl.DataFrame):
            facts = posterior.group_by("run_id").agg(pl.col("carryover_weeks").first())
        else:
            facts = posterior.aggregate(
                "run_id, any_value(carryover_weeks) as carryover_weeks", "run_id"
            ).pl()
        self.carryover_weeks: dict[str, int] = dict(facts.rows())

    def of(self, run_ids: Iterable[str]) -> pl.DataFrame:
        """Return the rows of some runs."""
        wanted = list(run_ids)
        if isinstance(self._rows, pl.DataFrame):
            return self._rows.filter(pl.col("run_id").is_in(wanted))
        texts = ", ".join("'" + run_id.replace("'", "''") + "'" for run_id in wanted)
        return self._rows.filter(f"run_id in ({texts})").pl()
