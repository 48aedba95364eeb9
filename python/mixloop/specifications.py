"""Near-equal answers: what a channel's effect is under each transform that the data allow.

The posterior averages over transforms. Among its draws every transform comes as often as it is
probable, so the draws that share one are the answer under it, free of charge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from mixloop.evaluate import align, geo_media_effects, training_weeks
from mixloop.frames import range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.reach import REACH_FREQUENCY
from mixloop.schemas import SPECIFICATIONS, conform
from mixloop.shapes import distinct_shapes
from mixloop.transforms import adstock_weights, half_life_weeks

# upper bounds of bands and what they are called, lowest first
HALF_LIFE = ((1.0, "under 1 week"), (2.0, "1 to 2 weeks"), (4.0, "2 to 4 weeks"),
             (np.inf, "4 weeks or more"))  # fmt: skip
HALF_SATURATION = ((0.35, "saturates early"), (1.0, "saturates in the usual range"),
                   (np.inf, "nearly linear"))  # fmt: skip
HALF_FREQUENCY = ((2.0, "half at under 2 contacts a week"), (4.0, "half at 2 to 4 contacts a week"),
                  (np.inf, "half at 4 or more contacts a week"))  # fmt: skip
EFFECTIVENESS = ((0.0, "falls"), (1e-9, "constant"), (np.inf, "rises"))
SLOPE = ((1.0, "below 1"), (1.0 + 1e-9, "1"), (np.inf, "above 1 (S-shaped)"))


def half_lives(posterior: Posterior) -> np.ndarray:
    """Return the half-life of every draw's kernel in weeks, (S, C)."""
    out = np.empty(posterior.decay.shape)
    for c in range(out.shape[1]):
        pairs = list(zip(posterior.kernel[:, c], posterior.decay[:, c], strict=True))
        by_kernel = {
            (kernel, decay): float(
                half_life_weeks(
                    adstock_weights(str(kernel), float(decay), posterior.carryover_weeks)
                )
            )
            for kernel, decay in set(pairs)
        }
        out[:, c] = [by_kernel[pair] for pair in pairs]
    return out


def banded(values: np.ndarray, bands: Sequence[tuple[float, str]]) -> np.ndarray:
    """Return which band each value lies in, its upper bound excluded.

    Examples
    --------
    >>> banded(np.array([0.5, 1.0, 9.0]), ((1.0, "low"), (np.inf, "high"))).tolist()
    [0, 1, 1]
    """
    return np.searchsorted([bound for bound, _ in bands[:-1]], values, side="right")


def _called(*bands: Sequence[tuple[float, str]]) -> tuple[str, ...]:
    """Return the names of bands, one list after another."""
    return tuple(name for each in bands for _, name in each)


def dimensions(posterior: Posterior) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
    """Return for every dimension which specification each draw has, (S, C), and their names."""
    names = tuple(sorted(np.unique(posterior.kernel)))
    half = banded(posterior.half, HALF_SATURATION)
    reached = np.array([unit == REACH_FREQUENCY for unit in posterior.media_units], dtype=bool)
    half[:, reached] = len(HALF_SATURATION) + banded(posterior.half[:, reached], HALF_FREQUENCY)
    slope = banded(posterior.slope, SLOPE)
    slope[posterior.saturation == "exponential"] = len(SLOPE)
    return {
        "all": (np.zeros(posterior.half.shape, dtype=int), ("all",)),
        "kernel": (np.searchsorted(names, posterior.kernel), names),
        "half_life": (banded(half_lives(posterior), HALF_LIFE), _called(HALF_LIFE)),
        "half_saturation": (half, _called(HALF_SATURATION, HALF_FREQUENCY)),
        "effectiveness": (banded(posterior.drift, EFFECTIVENESS), _called(EFFECTIVENESS)),
        "slope": (slope, (*_called(SLOPE), "none: exponential")),
    }


def variance_between(values: np.ndarray, group: np.ndarray) -> float:
    """Return the share of the variance of draws (S,) that lies between groups.

    Law of total variance: 0 where every group has the same mean or there is only one, 1 where
    groups are points. NaN without variance.

    Examples
    --------
    >>> variance_between(np.array([1.0, 3.0, 5.0, 7.0]), np.array([0, 0, 1, 1]))
    0.8
    """
    total = values.var()
    if not total > 0:
        return float("nan")
    if (group == group[0]).all():
        return 0.0
    count = np.bincount(group)
    mean = np.bincount(group, weights=values) / np.maximum(count, 1)
    return float((count * (mean - values.mean()) ** 2).sum() / len(values) / total)


def channel_effects(posterior: Posterior, panel: Panel, keep: np.ndarray) -> np.ndarray:
    """Return each channel's total effect over the kept weeks and all geos, (C, S).

    Parameters
    ----------
    panel : Panel
        Aligned to the posterior.
    keep : ndarray of bool, (T,)
    """
    shapes = distinct_shapes(posterior)
    total = np.zeros((len(shapes), len(posterior.coef)))
    for j in range(len(panel.geos)):
        total += geo_media_effects(posterior, shapes, panel, j, keep).sum(axis=1)
    return total


def specification_rows(
    posterior: Posterior, panel: Panel, variants: Sequence[tuple[str, Posterior]] = ()
) -> pl.DataFrame:
    """Return what each channel of a run did under every transform among its draws.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    variants : sequence of (name, Posterior)
        Runs of the same model and weeks with another baseline.

    Returns
    -------
    DataFrame in `schemas.SPECIFICATIONS`
        Effects over the training weeks, all geos together, for each specification that some draw
        has; `all` is the average over everything. Probabilities of one channel and dimension add
        up to one; those of other baselines (`baseline`) are unknown. ROI is null without spend.
    """
    aligned = align(posterior, panel)
    keep = training_weeks(posterior, aligned)
    effect = channel_effects(posterior, aligned, keep)
    spend = dict(
        zip(posterior.channels, aligned.spend[:, keep].sum(axis=(0, 1)).tolist(), strict=True)
    )
    rows = []
    for dimension, (group, names) in dimensions(posterior).items():
        for c, channel in enumerate(posterior.channels):
            between = variance_between(effect[c], group[:, c])
            for g in np.unique(group[:, c]):
                own = effect[c, group[:, c] == g]
                facts = {
                    "source_run_id": posterior.run_id,
                    "dimension": dimension,
                    "specification": str(names[g]),
                    "position": int(g) + 1,
                    "probability": len(own) / effect.shape[1],
                    "variance_share": between,
                }
                rows.append(facts | _answer(channel, own, spend[channel]))
    for k, (name, variant) in enumerate(variants, start=1):
        of_variant = channel_effects(variant, align(variant, panel), keep)
        for channel, own in zip(variant.channels, of_variant, strict=True):
            facts = {
                "source_run_id": variant.run_id,
                "dimension": "baseline",
                "specification": name,
                "position": k,
            }
            rows.append(facts | _answer(channel, own, spend[channel]))
    own = {"run_id": posterior.run_id, "model_id": posterior.model_id}
    frame = pl.DataFrame(
        [dict.fromkeys(SPECIFICATIONS) | own | row for row in rows], SPECIFICATIONS
    )
    return conform(frame.with_columns(pl.col(pl.Float64).fill_nan(None)), SPECIFICATIONS)


def _answer(channel: str, effect: np.ndarray, spend: float) -> dict[str, object]:
    """Return one channel's effect and return from draws of its effect, (n,)."""
    found = summarise(effect)
    roi = found / spend if spend > 0 else np.full(4, np.nan)
    ranges = range_columns("effect", found) | range_columns("roi", roi)
    return {"channel_id": channel, "n_draws": len(effect), "spend": spend} | {
        name: float(value) for name, value in ranges.items()
    }
