"""Directional consistency: whether earlier origins of a model said what its live run says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from mixloop.evaluate import align
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.schemas import CONSISTENCY, conform
from mixloop.specifications import channel_effects


def _returns(run: Posterior, panel: Panel, weeks: tuple[date, date]) -> dict[str, float]:
    """Return the median return of each paid channel of a run over some weeks."""
    panel = align(run, panel)
    low, high = (np.datetime64(week) for week in weeks)
    keep = (panel.weeks >= low) & (panel.weeks <= high)
    spend = panel.spend[:, keep].sum(axis=(0, 1))
    effect = np.median(channel_effects(run, panel, keep), axis=1)
    return {
        channel: float(effect[c] / spend[c])
        for c, channel in enumerate(run.channels)
        if spend[c] > 0
    }


def _ranks(returns: dict[str, float]) -> dict[str, int]:
    """Return ranks by return, 1 the highest; names decide between equals."""
    order = sorted(returns, key=lambda channel: (-returns[channel], channel))
    return {channel: k for k, channel in enumerate(order, start=1)}


def consistency_rows(
    live: Posterior, earlier: Sequence[Posterior], panel: Panel, *, hurdle_roi: float
) -> pl.DataFrame:
    """Return how often earlier origins of a model agree with its live run, channel by channel.

    Every run is asked about the same weeks, those all of them were trained on: answers differ by
    what the runs knew, not by what happened since.

    Parameters
    ----------
    live : Posterior
    earlier : sequence of Posterior
        Backtest runs of the same model, possibly none.
    panel : Panel
        The model's history, media lead-in included.
    hurdle_roi : float

    Returns
    -------
    DataFrame in `schemas.CONSISTENCY`
        One row for each channel of the live run with spend in these weeks. Ranks are among the
        channels that all runs estimate, so that a new channel moves nobody; it has no rank itself.
        Shares are null without earlier origins that estimate the channel.
    """
    runs = [live, *earlier]
    weeks = (live.first_week.item(), min(run.last_week for run in runs).item())
    returns = [_returns(run, panel, weeks) for run in runs]
    shared = set(returns[0]).intersection(*returns[1:])
    ranks = [_ranks({c: r for c, r in found.items() if c in shared}) for found in returns]
    middle = [np.median([r[c] for c in shared]) if shared else np.nan for r in returns]
    rows = []
    for channel, roi in sorted(returns[0].items()):
        others = [found[channel] for found in returns[1:] if channel in found]
        rows.append(
            {
                "run_id": live.run_id,
                "model_id": live.model_id,
                "channel_id": channel,
                "n_origins": len(others),
                "first_week": weeks[0],
                "last_week": weeks[1],
                "n_channels": len(shared),
                "roi": roi,
                "roi_lowest": min([roi, *others]),
                "roi_highest": max([roi, *others]),
                "is_above_hurdle": roi > hurdle_roi,
                "share_same_side_of_hurdle": _agree(
                    [other > hurdle_roi for other in others], roi > hurdle_roi
                ),
                **(_ranked(channel, ranks, returns, middle) if channel in shared else {}),
            }
        )
    return conform(pl.DataFrame(rows, schema=CONSISTENCY), CONSISTENCY)


def _agree(others: list, own: object) -> float | None:
    """Return the share of the others that equal one's own answer; None without others."""
    return sum(other == own for other in others) / len(others) if others else None


def _ranked(
    channel: str, ranks: list[dict[str, int]], returns: list[dict[str, float]], middle: list[float]
) -> dict[str, object]:
    """Return what a channel that all runs estimate has to say of ranks."""
    rank = [found[channel] for found in ranks]
    above = [found[channel] > m for found, m in zip(returns, middle, strict=True)]
    return {
        "rank": rank[0],
        "rank_lowest": max(rank),
        "rank_highest": min(rank),
        "is_above_median": above[0],
        "share_same_rank": _agree(rank[1:], rank[0]),
        "share_same_side_of_median": _agree(above[1:], above[0]),
    }
