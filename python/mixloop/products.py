"""Sums over weeks for a multiplicative KPI, draw by draw: what `performance` and `curves` need.

What a channel adds to a product depends on all other parts of the same draw and week, so its
weeks cannot be summed for each transform before the draws are looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixloop.allocation import Leaves
from mixloop.evaluate import baseline_of, geo_baseline_effects, geo_media_effects
from mixloop.forms import in_log_points, media_weight
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.shapes import Shapes, distinct_shapes


@dataclass(frozen=True)
class GeoWeeks:
    """One geo's weeks from the first training week on, T' weeks, S draws.

    Attributes
    ----------
    geo : int
    parts : ndarray, (C, T', S)
        The channels' log points.
    weight : ndarray, (T', S)
        What a log point of media is worth, KPI units.
    fitted : ndarray, (T', S)
        The model's KPI without noise.
    """

    geo: int
    parts: np.ndarray
    weight: np.ndarray
    fitted: np.ndarray


def weeks_by_geo(
    posterior: Posterior, shapes: tuple[Shapes, ...], panel: Panel
) -> Iterator[GeoWeeks]:
    """Yield every geo's weeks from the first training week to the panel's last one."""
    logs = in_log_points(posterior)
    keep = panel.weeks >= posterior.first_week
    baseline = baseline_of(logs, panel)
    for j, scale in enumerate(posterior.kpi_scale):
        parts = geo_media_effects(logs, shapes, panel, j, keep)
        base = geo_baseline_effects(logs, baseline, j, keep).sum(axis=0)
        media = parts.sum(axis=0)
        weight = media_weight(base, media, scale)
        yield GeoWeeks(j, parts, weight, scale * np.exp(base + media))


def without_channel(posterior: Posterior, panel: Panel, windows: list[np.ndarray]) -> np.ndarray:
    """Return the mean weekly KPI of the model without each channel, by window: (W, C, S, J).

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    windows : list of ndarray of bool, (T,)
    """
    shapes = distinct_shapes(posterior)
    keep = panel.weeks >= posterior.first_week
    out = np.empty((len(windows), len(shapes), len(posterior.coef), len(panel.geos)))
    for weeks in weeks_by_geo(posterior, shapes, panel):
        for c, part in enumerate(weeks.parts):
            rest = weeks.fitted * np.exp(-part)
            for k, window in enumerate(windows):
                out[k, c, :, weeks.geo] = rest[window[keep]].mean(axis=0)
    return out


def _below(
    shape: Shapes,
    split: np.ndarray,
    often: np.ndarray | None,
    whole: np.ndarray | None,
    keep: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Return one geo's leaves of a channel: shares and their rows, and their own reach at work."""
    if not len(split):
        return np.empty((0, 1, int(keep.sum()))), shape.kernel_of, None
    shares, row_of = shape.leaf_shares(split, often, whole)
    own = shape.leaf_exposure(split, often, whole) if shape.is_reach else None
    return shares[..., keep], row_of, own


def product_sums(
    posterior: Posterior, panel: Panel, leaves: Leaves, windows: list[np.ndarray], step: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return sums over each window, geos together.

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    windows : list of ndarray of bool, (T,)
    step : float
        Relative increase of exposure that the increments stand for.

    Returns
    -------
    channels : ndarray, (W, 4, C, S)
        Effect, effect over weeks whose KPI is known in every geo, increment, and the share of the
        log points at unlimited exposure that was reached (0 where the channel never ran).
    parts : ndarray, (W, 3, L, S)
        Effect, known effect and increment of the leaves.
    """
    shapes = distinct_shapes(posterior)
    keep = panel.weeks >= posterior.first_week
    years = posterior.years(panel.weeks)
    known = np.isfinite(panel.outcome).all(axis=0)[keep]
    at = [window[keep] for window in windows]
    sums = np.zeros((len(windows), 4, len(shapes), len(posterior.coef)))
    reachable = np.zeros((len(windows), len(shapes), len(posterior.coef)))
    parts = np.zeros((len(windows), 3, len(leaves.ids), len(posterior.coef)))
    for weeks in weeks_by_geo(posterior, shapes, panel):
        j, scale = weeks.geo, posterior.kpi_scale[weeks.geo]
        for c, shape in enumerate(shapes):
            exposure, coef = panel.exposure[j, :, c], posterior.coef[:, j, c]
            unit, often = posterior.exposure_scale[j, c], panel.frequency_of(c, j)

            def gained(response: np.ndarray, c: int = c, weeks: GeoWeeks = weeks) -> np.ndarray:
                """Return what the KPI gains in all weeks with another response (U, T): (S,)."""
                rise = response[:, keep].T[:, shapes[c].which] * posterior.coef[:, weeks.geo, c]
                return (weeks.fitted * np.expm1(rise - weeks.parts[c])).sum(axis=0)

            effect = weeks.parts[c] * weeks.weight
            below = leaves.below(c)
            split = leaves.exposure[j][:, below].T  # (n, T)
            of_leaves = leaves.frequency_of(below, j)
            shares, row_of, own = _below(shape, split, of_leaves, often, keep)
            now = shape.saturated(exposure, unit, years, often) if own is not None else None
            for k, window in enumerate(windows):
                sums[k, 0, c] += effect[at[k]].sum(axis=0)
                sums[k, 1, c] += effect[at[k] & known].sum(axis=0)
                more = exposure * (1.0 + step * window)
                sums[k, 2, c] += gained(shape.saturated(more, unit, years, often))
                sums[k, 3, c] += scale * weeks.parts[c][at[k]].sum(axis=0)
                lasting = shape.effectiveness(years[keep][at[k]]).sum(axis=1)
                if shape.is_reach:
                    lasting = shape.unlimited(exposure, unit, years)[:, window].sum(axis=1)
                reachable[k, c] += scale * coef * exposure.any() * lasting[shape.which]
                for i, (leaf, share) in enumerate(zip(below, shares, strict=True)):
                    of_leaf = share.T[:, row_of[shape.which]] * effect
                    parts[k, 0, leaf] += of_leaf[at[k]].sum(axis=0)
                    parts[k, 1, leaf] += of_leaf[at[k] & known].sum(axis=0)
                    if own is not None:
                        grown = now + shape.carried(step * window * own[i] / unit, years)
                    else:
                        grown = shape.saturated(exposure + step * window * split[i], unit, years)
                    parts[k, 2, leaf] += gained(grown)
    top = sums[:, 3]
    sums[:, 3] = np.divide(top, reachable, out=np.zeros_like(top), where=reachable > 0)
    return sums, parts
