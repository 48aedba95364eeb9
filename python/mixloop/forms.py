"""The KPI's form: a sum of parts, or a product of factors (a sum on the log scale).

Additive, for geo j and week t, in shares of an average training week:

    KPI_t / scale = level + others_t + media_t + e_t

Multiplicative, with the geometric mean of the training weeks as scale and all parts in log points
(a part of 0.1 lifts the KPI by about a tenth):

    log(KPI_t / scale) = level + others_t + media_t + e_t

A product has no parts of its own that add up, so its effects are defined here, in one place, by
the log-mean Divisia split (Ang 2004, "Decomposition analysis for policymaking in energy: which is
the preferred method?"), which leaves no remainder. With `growth(x) = (exp(x) - 1) / x`:

    level's effect        scale exp(level)
    other baseline part   part   x  scale exp(level) growth(sum of others)
    channel               part   x  scale exp(level + others) growth(sum of media)

All others together are then what they add to the level, all media what they add to the baseline:
`fitted - fitted without media`, split over the channels in proportion to their log points.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixloop.posterior import ADDITIVE, MULTIPLICATIVE, Posterior

FORMS = (ADDITIVE, MULTIPLICATIVE)
LEVEL = "level"


def is_multiplicative(posterior: Posterior) -> bool:
    """Say whether a run's KPI is a product."""
    return posterior.kpi_form == MULTIPLICATIVE


def scale_of(outcome: np.ndarray, form: str) -> np.ndarray:
    """Return the KPI of an average training week of each geo, (J,), from (J, T) with NaN.

    Examples
    --------
    >>> kpi = np.array([[1.0, 4.0, np.nan]])
    >>> scale_of(kpi, "additive").tolist(), scale_of(kpi, "multiplicative").round(9).tolist()
    ([2.5], [2.0])
    """
    if form == MULTIPLICATIVE:
        return np.exp(np.nanmean(np.log(outcome), axis=1))
    return np.nanmean(outcome, axis=1)


def scaled(outcome: np.ndarray, scale: np.ndarray, form: str) -> np.ndarray:
    """Return the KPI as the model sees it, (J, T): over its scale, or the log of that."""
    shares = outcome / scale[:, None]
    return np.log(shares) if form == MULTIPLICATIVE else shares


def in_log_points(posterior: Posterior) -> Posterior:
    """Return a product's posterior as that of a sum, whose effects are its parts in log points."""
    return replace(posterior, kpi_form=ADDITIVE, kpi_scale=np.ones_like(posterior.kpi_scale))


def growth(x: np.ndarray) -> np.ndarray:
    """Return (exp(x) - 1) / x, which is 1 at zero: what a log point brings on the way from 0 to x.

    Examples
    --------
    >>> growth(np.array([0.0, np.log(2.0)])).round(6).tolist()
    [1.0, 1.442695]
    """
    small = np.abs(x) < 1e-9
    safe = np.where(small, 1.0, x)
    return np.where(small, 1.0 + 0.5 * x, np.expm1(safe) / safe)


def media_weight(baseline: np.ndarray, media: np.ndarray, scale: float) -> np.ndarray:
    """Return what a log point of media is worth in KPI units, (T, S).

    Parameters
    ----------
    baseline, media : ndarray, (T, S)
        Sum of the baseline's parts and of the channels', log points.
    """
    return scale * np.exp(baseline) * growth(media)


def split_baseline(parts: np.ndarray, components: tuple[str, ...], scale: float) -> np.ndarray:
    """Return the effects of baseline components, (B, T, S), from their log points."""
    at = components.index(LEVEL)
    level = parts[at]
    effects = parts * (scale * np.exp(level) * growth(parts.sum(axis=0) - level))
    effects[at] = scale * np.exp(level)
    return effects
