"""What each channel and hierarchy node returned, by period, geos together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mixloop.allocation import Leaves, leaves_of
from mixloop.evaluate import Components, align, hierarchy_components, training_weeks
from mixloop.forms import is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.products import product_sums, without_channel
from mixloop.reach import REACH_FREQUENCY, mean_frequency
from mixloop.schemas import PERFORMANCE, conform
from mixloop.shapes import Shapes, distinct_shapes, full_effect
from mixloop.transforms import half_life_weeks
from mixloop.trust import pool_of_nodes, pooled_components, range_notes

STEP = 0.01  # marginal returns are those of one per cent more spend
HEADROOM_LIMIT = 5.0  # the search for headroom ends at five times the current spend
HEADROOM_POINTS = 41


def periods(weeks: np.ndarray, training: np.ndarray) -> dict[str, np.ndarray]:
    """Return the reported periods and which weeks they hold.

    Parameters
    ----------
    weeks : ndarray of datetime64[D], (T,)
    training : ndarray of bool, (T,)

    Returns
    -------
    dict of str to ndarray of bool, (T,)
        `training`, `last_52_weeks`, `last_13_weeks` (all of training where it is shorter), and one
        `year_<yyyy>` for each calendar year that a training week begins in.
    """
    left = np.cumsum(training[::-1])[::-1]  # training weeks from here to the end
    years = weeks.astype("datetime64[Y]")
    out = {
        "training": training,
        "last_52_weeks": training & (left <= 52),
        "last_13_weeks": training & (left <= 13),
    }
    for year in np.unique(years[training]):
        out[f"year_{year}"] = training & (years == year)
    return out


def _total(per_shape: np.ndarray, shapes: Shapes, full: np.ndarray) -> np.ndarray:
    """Weigh a table over transforms and geos (U, J) by each draw's full effect (S, J): (S,)."""
    return (per_shape[shapes.which] * full).sum(axis=1)


def headroom(
    shapes: Shapes,
    full: np.ndarray,
    scale: np.ndarray,
    current: np.ndarray,
    hurdle: float,
    others: np.ndarray | None = None,
    *,
    exposure: np.ndarray | None = None,
    frequency: np.ndarray | None = None,
    limit: float = HEADROOM_LIMIT,
) -> np.ndarray:
    """Return how much more weekly spend is worth its hurdle, per draw.

    Parameters
    ----------
    full : ndarray, (S, J)
        Weekly effect at full saturation, KPI units.
    scale : ndarray, (J,)
        Exposure that counts as 1.
    current : ndarray, (J,)
        Current weekly spend; geos grow in proportion.
    hurdle : float
        Marginal return below which spend is not worth it.
    others : ndarray, (S, J), optional
        Of a product: the mean weekly KPI without the channel. `full` is then in log points.
    exposure : ndarray, (J,), optional
        What the current spend buys a week, where exposure is not money: it grows with the spend.
    frequency : ndarray, (J,), optional
        Contacts per person, of a channel that is modelled on reach; more spend reaches more people
        as often.
    limit : float
        The search ends at this many times the current spend.

    Returns
    -------
    ndarray, (S,)
        Spend is held every week (steady state, so carry-over does not matter). The search goes up
        from the current spend to five times of it in 40 steps and ends where the marginal return
        first falls to the hurdle, interpolated within the step: 0 where it is already there, four
        times the current spend where it never falls that far. NaN without current spend.
    """
    now = current.sum()
    if now <= 0:
        return np.full(len(full), np.nan)
    bought = current if exposure is None else exposure
    often = None if frequency is None else frequency[:, None]
    factors = np.linspace(1.0, limit, HEADROOM_POINTS)
    u = (bought / scale)[:, None] * factors  # (J, K)
    rise = shapes.rise(u[None], often) * shapes.today[:, None, None]  # (U, J, K)
    per_money = rise * (bought / now / scale)[:, None]
    marginal = np.zeros((len(full), HEADROOM_POINTS))
    for j in range(len(current)):
        worth = full[:, j, None]
        if others is not None:
            at = None if often is None else often[j]
            response = shapes.height(u[j][None], at) * shapes.today[:, None]  # (U, K)
            worth = worth * others[:, j, None] * np.exp(response[shapes.which] * worth)
        marginal += per_money[shapes.which, j] * worth
    low = marginal <= hurdle
    first = np.where(low.any(axis=1), low.argmax(axis=1), HEADROOM_POINTS)
    at = np.clip(first, 1, HEADROOM_POINTS - 1)
    rows = np.arange(len(full))
    before, after = marginal[rows, at - 1], marginal[rows, at]
    with np.errstate(divide="ignore", invalid="ignore"):
        within = (before - hurdle) / (before - after)
        crossing = factors[at - 1] + within * (factors[at] - factors[at - 1])
    found = np.where(first == 0, 1.0, crossing)
    return now * (np.where(first == HEADROOM_POINTS, limit, found) - 1.0)


@dataclass(frozen=True)
class ChannelSums:
    """Draws of what each channel did in one period, geos together.

    Attributes
    ----------
    spend : ndarray, (C,)
    effect, known_effect, increment, saturation, half_life, headroom : ndarray, (C, S)
        Effect in KPI units, over all weeks and over the weeks whose KPI is known in every geo; the
        change that one per cent more exposure in the period makes until the end of the data; share
        of the full effect that was reached; weeks; weekly spend.
    """

    spend: np.ndarray
    effect: np.ndarray
    known_effect: np.ndarray
    increment: np.ndarray
    saturation: np.ndarray
    half_life: np.ndarray
    headroom: np.ndarray


@dataclass(frozen=True)
class LeafSums:
    """Draws of what each leaf below a modelled channel did in one period, geos together.

    Attributes
    ----------
    spend : ndarray, (L,)
    effect, known_effect, increment : ndarray, (L, S)
        As in `ChannelSums`: shares of the channel's effect, and the change in the channel's effect
        that one per cent more of this leaf's exposure makes.
    """

    spend: np.ndarray
    effect: np.ndarray
    known_effect: np.ndarray
    increment: np.ndarray


def leaf_sums(
    posterior: Posterior,
    panel: Panel,
    leaves: Leaves,
    channel: int,
    shapes: Shapes,
    response: np.ndarray,
    windows: list[np.ndarray],
) -> np.ndarray:
    """Return effect, known effect and increment of one channel's leaves: (W, 3, n, S).

    Parameters
    ----------
    response : ndarray, (U, J, T)
        The channel's saturated response.
    """
    asked = (posterior, panel, leaves, channel, shapes, response, windows)
    if not shapes.is_reach:
        return _leaf_sums(*asked, slice(None))
    # leaves of a reach channel have a path for every curve: many geos at once would not fit
    return sum(_leaf_sums(*asked, slice(j, j + 1)) for j in range(len(panel.geos)))


def _leaf_sums(
    posterior: Posterior,
    panel: Panel,
    leaves: Leaves,
    channel: int,
    shapes: Shapes,
    response: np.ndarray,
    windows: list[np.ndarray],
    geos: slice,
) -> np.ndarray:
    """Return `leaf_sums` of some geos."""
    at = leaves.below(channel)
    scale = posterior.exposure_scale[geos, channel, None]
    full = full_effect(posterior, channel)[:, geos]
    years = posterior.years(panel.weeks)
    known = np.isfinite(panel.outcome).all(axis=0)
    exposure = np.moveaxis(leaves.exposure[geos][..., at], -1, 0)  # (n, J, T)
    often, whole = leaves.frequency_of(at, geos), panel.frequency_of(channel, geos)
    response = response[:, geos]
    shares, row_of = shapes.leaf_shares(exposure, often, whole)
    worked = shapes.leaf_exposure(exposure, often, whole) if shapes.is_reach else None
    out = np.empty((len(windows), 3, len(at), len(full)))
    for i, share in enumerate(shares):
        part = response * share[row_of]
        for k, window in enumerate(windows):
            if worked is not None:
                rise = shapes.carried(STEP * window * worked[i] / scale, years)
            else:
                grown = panel.exposure[geos, :, channel] + STEP * window * exposure[i]
                rise = shapes.saturated(grown, scale, years) - response
            out[k, 0, i] = _total(part[..., window].sum(axis=-1), shapes, full)
            out[k, 1, i] = _total(part[..., window & known].sum(axis=-1), shapes, full)
            out[k, 2, i] = _total(rise.sum(axis=-1), shapes, full)
    return out


def channel_sums(
    posterior: Posterior, panel: Panel, leaves: Leaves, windows: list[np.ndarray], hurdle: float
) -> list[tuple[ChannelSums, LeafSums]]:
    """Return the channels' and the leaves' sums over each window of weeks.

    Weeks are summed for every distinct transform before draws are looked up, so the cost does not
    grow with draws x weeks.

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    windows : list of ndarray of bool, (T,)
    """
    if is_multiplicative(posterior):
        return _product_sums(posterior, panel, leaves, windows, hurdle)
    n_draws = len(posterior.coef)
    sums = np.empty((len(windows), 6, len(posterior.channels), n_draws))
    parts = np.empty((len(windows), 3, len(leaves.ids), n_draws))
    known = np.isfinite(panel.outcome).all(axis=0)
    years = posterior.years(panel.weeks)
    for c, shapes in enumerate(distinct_shapes(posterior)):
        exposure = panel.exposure[:, :, c]
        scale = posterior.exposure_scale[:, c]
        full = full_effect(posterior, c)
        ever = exposure.any(axis=1)
        often = panel.frequency_of(c)
        response = shapes.saturated(exposure, scale[:, None], years, often)  # (U, J, T)
        unlimited = shapes.unlimited(exposure, scale[:, None], years) if shapes.is_reach else None
        half_life = half_life_weeks(shapes.weights)[shapes.kernel_of][shapes.which]
        at = leaves.below(c)
        if len(at):
            parts[:, :, at] = leaf_sums(posterior, panel, leaves, c, shapes, response, windows)
        for k, window in enumerate(windows):
            more = shapes.saturated(exposure * (1.0 + STEP * window), scale[:, None], years, often)
            effect = _total(response[..., window].sum(axis=-1), shapes, full)
            lasting = shapes.effectiveness(years[window]).sum(axis=1)[shapes.which]
            reachable = (full * ever).sum(axis=1) * lasting
            if unlimited is not None:
                reachable = _total(unlimited[..., window].sum(axis=-1), shapes, full)
            sums[k, 0, c] = effect
            sums[k, 1, c] = _total(response[..., window & known].sum(axis=-1), shapes, full)
            sums[k, 2, c] = _total((more - response).sum(axis=-1), shapes, full)
            sums[k, 3, c] = np.divide(
                effect, reachable, out=np.zeros_like(effect), where=reachable > 0
            )
            sums[k, 4, c] = half_life
            now = _now(posterior, panel, c, window)
            sums[k, 5, c] = headroom(shapes, full, scale, hurdle=hurdle, **now)
    return _as_sums(panel, leaves, windows, sums, parts)


def _now(posterior: Posterior, panel: Panel, channel: int, window: np.ndarray) -> dict[str, Any]:
    """Return what `headroom` needs of a window: money, what it buys, and how far more may go.

    People beyond the largest week of training have not been reached for any money, so that the
    spend that reaches them is not known: headroom on reach ends there.
    """
    unit = posterior.media_units[channel]
    out = {"current": panel.spend[:, window, channel].mean(axis=1)}
    if unit == "spend":
        return out
    exposure = panel.exposure[:, :, channel]
    out["exposure"] = exposure[:, window].mean(axis=1)
    if unit == REACH_FREQUENCY:
        out["frequency"] = mean_frequency(
            exposure[:, window], panel.frequency_of(channel)[:, window]
        )
        largest = exposure[:, training_weeks(posterior, panel)].sum(axis=0).max()
        now = out["exposure"].sum()
        out["limit"] = min(max(largest / now, 1.0), HEADROOM_LIMIT) if now > 0 else HEADROOM_LIMIT
    return out


def _as_sums(
    panel: Panel, leaves: Leaves, windows: list[np.ndarray], sums: np.ndarray, parts: np.ndarray
) -> list[tuple[ChannelSums, LeafSums]]:
    """Put the money of each window beside the draws (W, 6, C, S) and (W, 3, L, S)."""
    return [
        (
            ChannelSums(panel.spend[:, window].sum(axis=(0, 1)), *sums[k]),
            LeafSums(leaves.spend[:, window].sum(axis=(0, 1)), *parts[k]),
        )
        for k, window in enumerate(windows)
    ]


def _product_sums(
    posterior: Posterior, panel: Panel, leaves: Leaves, windows: list[np.ndarray], hurdle: float
) -> list[tuple[ChannelSums, LeafSums]]:
    """Return `channel_sums` of a product, draw by draw."""
    known, parts = product_sums(posterior, panel, leaves, windows, STEP)
    sums = np.empty((len(windows), 6, *known.shape[2:]))
    sums[:, :4] = known
    others = without_channel(posterior, panel, windows)
    for c, shapes in enumerate(distinct_shapes(posterior)):
        full, scale = full_effect(posterior, c), posterior.exposure_scale[:, c]
        sums[:, 4, c] = half_life_weeks(shapes.weights)[shapes.kernel_of][shapes.which]
        for k, window in enumerate(windows):
            now = _now(posterior, panel, c, window)
            sums[k, 5, c] = headroom(shapes, full, scale, hurdle=hurdle, others=others[k, c], **now)
    return _as_sums(panel, leaves, windows, sums, parts)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """Return top / bottom, NaN where the bottom is zero or unknown."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


def _node_metrics(
    sums: ChannelSums, leaves: LeafSums, nodes: Components, known_kpi: float, hurdle: float
) -> dict[str, np.ndarray]:
    """Return one period's columns for every node: (N,) or ranges (N, 4)."""
    spend = nodes.total(sums.spend, leaves.spend)
    effect = nodes.total(sums.effect, leaves.effect)
    increment = nodes.total(
        sums.increment * (sums.spend > 0)[:, None], leaves.increment * (leaves.spend > 0)[:, None]
    )
    known_effect = nodes.total(sums.known_effect, leaves.known_effect)
    marginal = _ratio(increment, STEP * spend[:, None])
    cost = summarise(_ratio(spend[:, None], np.where(spend[:, None] > 0, effect, 0.0)))
    cost[:, 0] = _ratio(spend, np.where(spend > 0, effect.mean(axis=1), 0.0))
    above = np.where(spend > 0, (marginal > hurdle).mean(axis=1), np.nan)

    def of_channels(values: np.ndarray) -> np.ndarray:
        """Ranges of a figure that only single channels have."""
        ranges = summarise(nodes.members @ np.nan_to_num(values))
        defined = nodes.members @ np.isnan(values).any(axis=1) == 0
        return np.where((nodes.is_additive & defined)[:, None], ranges, np.nan)

    return {
        "spend": spend,
        "share_of_spend": _ratio(spend, np.array(sums.spend.sum())),
        **range_columns("effect", summarise(effect)),
        **range_columns("share_of_effect", summarise(_ratio(effect, sums.effect.sum(axis=0)))),
        **range_columns("share_of_kpi", summarise(_ratio(known_effect, np.array(known_kpi)))),
        **range_columns("roi", summarise(_ratio(effect, spend[:, None]))),
        **range_columns("marginal_roi", summarise(marginal)),
        **range_columns("cost_per_outcome", cost),
        **range_columns("saturation", of_channels(sums.saturation)),
        **range_columns("half_life_weeks", of_channels(sums.half_life)),
        **range_columns("headroom_spend", of_channels(sums.headroom)),
        "p_marginal_roi_above_hurdle": above,
    }


def performance_rows(
    posterior: Posterior,
    panel: Panel,
    nodes: pl.DataFrame,
    hurdle_roi: float,
    leaf_media: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Return the performance of one run's channels and hierarchy nodes.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    nodes : DataFrame
        model_id, hierarchy_id, node_id, channel_id, leaf_id.
    hurdle_roi : float
        Return that spend must beat.
    leaf_media : DataFrame, optional
        geo, week, leaf_id, spend, exposure of this model; needed when nodes name leaves.

    Returns
    -------
    DataFrame in `schemas.PERFORMANCE`
        Effects are those that fell in the period. `roi`, `marginal_roi` and `cost_per_outcome` are
        null without spend; the mean of `cost_per_outcome` is spend / mean effect, because the mean
        of its draws does not exist for effects near zero. A node's marginal return is that of one
        per cent more on each of its paid channels, or leaves where it holds a channel in part: a
        leaf's exposure goes through its channel's curve on top of all that the channel has.
        Saturation, half-life and headroom are given for modelled channels only. `share_of_kpi` is
        over the weeks whose KPI is known in every geo.
    """
    panel = align(posterior, panel)
    found = periods(panel.weeks, training_weeks(posterior, panel))
    tree = hierarchy_components(posterior, nodes)
    leaves = leaves_of(panel, tree.leaves, leaf_media)
    kpi = panel.outcome.sum(axis=0)
    sums = channel_sums(posterior, panel, leaves, list(found.values()), hurdle_roi)
    metrics = [
        _node_metrics(*part, tree, float(np.nansum(kpi[window])), hurdle_roi)
        for part, window in zip(sums, found.values(), strict=True)
    ]
    bounds = np.array([panel.weeks[window][[0, -1]] for window in found.values()])
    frame = grid_frame(
        {"period_id": list(found), "node_id": tree.ids},
        {
            "run_id": posterior.run_id,
            "model_id": posterior.model_id,
            "period_start": bounds[:, :1],
            "period_end": bounds[:, 1:],
            "is_additive": tree.is_additive,
            "allocation": tree.allocation,
            "hierarchy_id": np.array(tree.hierarchy, object),
            "is_pooled": pooled_components(posterior, tree),
            "pool_id": pool_of_nodes(posterior, tree),
            "range_note": range_notes(posterior, tree),
            "hurdle_roi": hurdle_roi,
            **{name: np.stack([part[name] for part in metrics]) for name in metrics[0]},
        },
    )
    return conform(frame, PERFORMANCE)
