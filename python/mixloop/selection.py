"""What every variable adds to a run: how much of the KPI it moves, and what the fit left out."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from mixloop.design import group_of, season_pairs
from mixloop.evaluate import align, training_weeks
from mixloop.frames import range_columns, summarise
from mixloop.judging import RunDraws, run_draws
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import SELECTION, conform, empty

NO_EXPOSURE, NEVER_VARIES, TOO_SHORT = "no_exposure", "never_varies", "too_short"
LEVEL = "level"  # always there: no choice is made about it


def probability_positive(posterior: Posterior, component: str) -> float:
    """Return the probability that a variable raises the KPI, its effects added over the geos.

    NaN for components of several columns (trend, season), which rise and fall.
    """
    at = [p for p, column in enumerate(posterior.baseline) if column.component == component]
    if len(at) != 1 or group_of(component) not in ("context", "event"):
        return float("nan")
    slope = posterior.baseline_coef[:, :, at[0]] / posterior.baseline[at[0]].scale
    return float(((slope * posterior.kpi_scale).sum(axis=1) > 0).mean())


def kpi_at_stake(posterior: Posterior, panel: Panel, names: list[str]) -> np.ndarray:
    """Return the KPI that each variable could move, (N,): of an event, that of its own weeks.

    An event of one week a year is small beside a year, however large it is in its week.

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    """
    keep = training_weeks(posterior, panel)
    kpi = panel.outcome[:, keep].sum(axis=0)
    touched = (panel.driver_values[:, keep] != 0).any(axis=0)  # (T, D)
    weeks = {name: touched[:, d] for d, name in enumerate(panel.drivers)}
    return np.array(
        [np.nansum(kpi[weeks[n]] if group_of(n) == "event" else kpi) for n in names], dtype=float
    )


def _fitted(
    posterior: Posterior, panel: Panel, draws: RunDraws, material_share: float
) -> pl.DataFrame:
    """Return the rows of the variables that the run was fitted with."""
    kept = [k for k, name in enumerate(draws.components) if name != LEVEL]
    names = [*posterior.channels, *(draws.components[k] for k in kept)]
    moved = np.concatenate([draws.known_effect, draws.moved[kept]])
    share = moved / draws.kpi if draws.kpi > 0 else np.full_like(moved, np.nan)
    stake = kpi_at_stake(posterior, align(posterior, panel), names)
    material = (moved > material_share * stake[:, None]).mean(axis=1)
    positive = [probability_positive(posterior, name) for name in names]
    n_channels = len(posterior.channels)
    return pl.DataFrame(
        {
            "variable_id": names,
            "variable_type": ["channel"] * n_channels + [group_of(n) for n in names[n_channels:]],
            "is_fitted": True,
            "drop_reason": pl.Series([None] * len(names), dtype=pl.String),
            **range_columns("share_of_kpi", summarise(share)),
            "p_material": np.where(stake > 0, material, np.nan),
            "p_positive": [float("nan")] * n_channels + positive[n_channels:],
        }
    )


def _left_out(posterior: Posterior, dropped: str, n_weeks: int) -> pl.DataFrame:
    """Return the rows of what the fit could not use."""
    found = json.loads(dropped)
    rows = [(name, "channel", NO_EXPOSURE) for name in found.get("channels", ())]
    rows += [(name, group_of(name), NEVER_VARIES) for name in found.get("drivers", ())]
    if season_pairs(n_weeks) == 0 and all(c.component != "season" for c in posterior.baseline):
        rows.append(("season", "season", TOO_SHORT))
    return pl.DataFrame(
        rows,
        schema={"variable_id": pl.String, "variable_type": pl.String, "drop_reason": pl.String},
        orient="row",
    ).with_columns(is_fitted=pl.lit(False))


def selection_rows(
    posterior: Posterior, panel: Panel, dropped: str, *, material_share: float
) -> pl.DataFrame:
    """Return one row for every variable of a run but the level.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    dropped : str
        JSON of the ledger: channels without exposure, drivers without variation.
    material_share : float
        Share of the KPI from which a variable counts as material; of an event, share of the KPI of
        the weeks that it touches.

    Returns
    -------
    DataFrame in `schemas.SELECTION`
        `share_of_kpi` is what the variable moves: the sum over weeks of its absolute effect, all
        geos together, over the KPI of the same weeks. A channel only adds, so this is its share; a
        season moves the KPI up and down. Null for what was left out, and without a positive KPI.
    """
    draws = run_draws(posterior, panel)
    rows = pl.concat(
        [
            empty(SELECTION).drop("run_id", "model_id"),
            _fitted(posterior, panel, draws, material_share),
            _left_out(posterior, dropped, len(draws.known)),
        ],
        how="diagonal_relaxed",
    )
    rows = rows.with_columns(
        pl.col(pl.Float64).fill_nan(None),
        run_id=pl.lit(posterior.run_id),
        model_id=pl.lit(posterior.model_id),
    )
    return conform(rows, SELECTION)
