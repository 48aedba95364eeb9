"""Decision backtests: whether we would be ahead, had the advice of an earlier origin been followed.

The advice of an origin comes from the fit that knew nothing after it, on the money of the weeks up
to it. What it would have brought is the opinion of the newest run: what was done, with the advised
changes, at the same budget, against what was done.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from mixloop.evaluate import align, training_weeks
from mixloop.frames import range_columns, summarise
from mixloop.panel import Panel
from mixloop.planning.advise import Advice, advise, bounds
from mixloop.planning.response import WEEK, joint_change, window_of
from mixloop.posterior import Posterior
from mixloop.schemas import DECISION_BACKTESTS, conform


@dataclass(frozen=True)
class Terms:
    """How advice is given.

    Attributes
    ----------
    horizon_weeks : int
    change_max, step : float
        As in `recommend.recommendation_rows`.
    """

    horizon_weeks: int
    change_max: float
    step: float


def status_quo(panel: Panel, n_weeks: int) -> Panel:
    """Return the panel with its last weeks repeated once: money as it was, n weeks on."""
    ahead = panel.weeks[-1] + WEEK * np.arange(1, n_weeks + 1)
    unknown = np.full((len(panel.geos), n_weeks), np.nan)

    def repeated(values: np.ndarray) -> np.ndarray:
        return np.concatenate([values, values[:, -n_weeks:]], axis=1)

    return replace(
        panel,
        weeks=np.concatenate([panel.weeks, ahead]),
        outcome=np.concatenate([panel.outcome, unknown], axis=1),
        exposure=repeated(panel.exposure),
        spend=repeated(panel.spend),
        driver_values=repeated(panel.driver_values),
        frequency=None if panel.frequency is None else repeated(panel.frequency),
    )


def advice_at(run: Posterior, panel: Panel, terms: Terms) -> Advice:
    """Return what a run advised at its last training week, from nothing that came later.

    Parameters
    ----------
    panel : Panel
        The model's history; cut here after the run's last training week. The plan is the money of
        the last `horizon_weeks` once more, media prices, timing and context included.
    """
    known = align(run, panel.until(run.last_week))
    ahead = status_quo(known, min(terms.horizon_weeks, len(known.weeks)))
    in_window = ahead.weeks > run.last_week
    low, high = bounds(ahead, training_weeks(run, ahead), in_window, terms.change_max)
    return advise(window_of(run, ahead, in_window), low, high, step=terms.step)


def followed(factor: np.ndarray, done: np.ndarray) -> np.ndarray:
    """Return the multiple of what was done that following the advice means, at the same budget.

    Parameters
    ----------
    factor : ndarray, (C,)
        Advised multiples; NaN for channels that the advice did not know, whose money stays.
    done : ndarray, (C,)
        Money of the window.

    Examples
    --------
    >>> followed(np.array([1.2, 0.8, np.nan]), np.array([100.0, 50.0, 7.0])).round(4).tolist()
    [1.125, 0.75, 1.0]
    """
    known = np.isfinite(factor)
    wanted = (factor[known] * done[known]).sum()
    out = np.ones(len(factor))
    if wanted > 0:
        out[known] = factor[known] * done[known].sum() / wanted
    return out


def _advised(run: Posterior, advice: Advice, newest: Posterior) -> np.ndarray:
    """Return the advised multiples in the order of the newest run's channels, NaN for new ones."""
    by_name = dict(zip(run.channels, advice.factor, strict=True))
    return np.array([by_name.get(channel, np.nan) for channel in newest.channels])


def hindsight_row(
    run: Posterior, newest: Posterior, panel: Panel, terms: Terms
) -> dict[str, object] | None:
    """Return how the advice of one origin did, or None where no week has come since.

    Parameters
    ----------
    run, newest : Posterior
        The fit at the origin, and the model's current live run.
    panel : Panel
        The model's history through the newest run's last training week.
    """
    history = align(newest, panel.until(newest.last_week))
    end = run.last_week + WEEK * terms.horizon_weeks
    in_window = (history.weeks > run.last_week) & (history.weeks <= end)
    if not in_window.any():
        return None
    advice = advice_at(run, panel, terms)
    window = window_of(newest, history, in_window, with_later=True)
    multiple = followed(_advised(run, advice, newest), window.spend)
    if not advice.is_moved.any():
        multiple = np.ones(len(multiple))
    inside, after = joint_change(window, multiple)
    actual = float(history.outcome[:, in_window].sum())
    shift = window.spend * (multiple - 1.0)
    moved = advice.is_moved.any()
    names = np.array(newest.channels)
    order = np.argsort(-np.abs(shift), kind="stable")
    return {
        "run_id": run.run_id,
        "newest_run_id": newest.run_id,
        "model_id": run.model_id,
        "origin_week": run.last_week.item(),
        "first_week": history.weeks[in_window][0].item(),
        "last_week": history.weeks[in_window][-1].item(),
        "n_weeks": int(in_window.sum()),
        "budget": float(window.spend.sum()),
        "moved_spend": float(np.abs(shift).sum() / 2.0),
        "n_moved": int(advice.is_moved.sum()),
        "more_for": ", ".join(names[c] for c in order if shift[c] > 0) or None,
        "less_for": ", ".join(names[c] for c in order if shift[c] < 0) or None,
        "budget_then": float(advice.spend.sum()),
        **_range("expected_gain", advice.gain),
        "p_better_then": float((advice.gain > 0).mean()) if moved else None,
        **_range("gain", inside + after),
        "p_gain": float((inside + after > 0).mean()) if moved else None,
        **_range("gain_in_window", inside),
        "gain_after_mean": float(after.mean()),
        "actual_kpi": actual if np.isfinite(actual) else None,
        **_range("kpi_if_followed", actual + inside),
        "inputs_hash": None,
    }


def _range(stem: str, draws: np.ndarray) -> dict[str, float | None]:
    """Return the range of draws (S,) as columns; None where they are unknown."""
    found = range_columns(stem, summarise(draws))
    return {name: float(v) if np.isfinite(v) else None for name, v in found.items()}


def hindsight_rows(
    newest: Posterior, earlier: list[Posterior], panel: Panel, terms: Terms
) -> pl.DataFrame:
    """Return `schemas.DECISION_BACKTESTS` of one model: a row for each earlier run."""
    rows = [hindsight_row(run, newest, panel, terms) for run in earlier]
    found = [row for row in rows if row is not None]
    return conform(pl.DataFrame(found, schema=DECISION_BACKTESTS), DECISION_BACKTESTS)
