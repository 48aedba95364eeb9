"""How good a run is: what its draws say of its fit, its errors and its baseline.

Everything is about the training weeks and the sum over the model's geos. Draws stay joint: a sum
over geos or channels is taken draw by draw.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.evaluate import (
    align,
    baseline_of,
    geo_baseline_effects,
    geo_media_effects,
    training_weeks,
)
from mixloop.forms import is_multiplicative
from mixloop.frames import range_columns, summarise
from mixloop.panel import Panel
from mixloop.posterior import Posterior
from mixloop.scores import (
    adjusted_r2,
    durbin_watson,
    largest_autocorrelation,
    rssd,
    spread_with_level,
)
from mixloop.shapes import distinct_shapes

RESIDUAL_LAGS = 4  # weeks in which what an AR(1) does not describe would show


@dataclass(frozen=True)
class RunDraws:
    """What a run's draws say of its training weeks, summed over geos. S draws, KPI units.

    Attributes
    ----------
    known : ndarray of bool, (T,)
        Training weeks whose KPI is known in every geo.
    spend : ndarray, (C,)
    effect, known_effect : ndarray, (C, S)
        Total effect of each channel over all training weeks, and over the known ones.
    baseline : ndarray, (T, S)
        Sum of all baseline components.
    components : tuple of str, (B,)
    moved : ndarray, (B, S)
        Sum over the known weeks of the absolute effect of each baseline component.
    kpi : float
        KPI of the known weeks.
    fit_steps : ndarray, (T, S)
        The fit, less what the error of the week before carries over: `f_t - rho f_(t-1)` geo by
        geo, of a product on the log scale; the first week of a stretch is scaled by
        `sqrt(1 - rho^2)`. Zero where unknown.
    innovations : ndarray, (T,)
        The same of actual minus mean fit; NaN in the first week of a stretch and where unknown.
    innovation_variance : float
        Variance of one week's innovation.
    spread : float
        `scores.spread_with_level` of a geo's innovations, mean over geos.
    """

    known: np.ndarray
    spend: np.ndarray
    effect: np.ndarray
    known_effect: np.ndarray
    baseline: np.ndarray
    components: tuple[str, ...]
    moved: np.ndarray
    kpi: float
    fit_steps: np.ndarray
    innovations: np.ndarray
    innovation_variance: float
    spread: float


def steps(values: np.ndarray, rho: float, known: np.ndarray) -> np.ndarray:
    """Return `v_t - rho v_(t-1)` over weeks (T, ...), the first of a stretch `sqrt(1 - rho^2) v_t`.

    Independent, with the variance of an innovation, where `values` are the errors of an AR(1).
    Weeks that are not known are zero, and the week after them begins a stretch.
    """
    before = np.zeros_like(values)
    before[1:] = values[:-1]
    goes_on = np.append(False, known[:-1])
    tail = (1,) * (values.ndim - 1)
    begun = goes_on.reshape(-1, *tail)
    out = np.where(begun, values - rho * before, np.sqrt(1.0 - rho**2) * values)
    return np.where(known.reshape(-1, *tail), out, 0.0)


def run_draws(posterior: Posterior, panel: Panel) -> RunDraws:
    """Return what a run's draws say of its training weeks, in one pass over the geos.

    Parameters
    ----------
    panel : Panel
        History through the run's last training week, media lead-in included.
    """
    panel = align(posterior, panel)
    keep = training_weeks(posterior, panel)
    shapes = distinct_shapes(posterior)
    baseline = baseline_of(posterior, panel)
    outcome = panel.outcome[:, keep]
    known = np.isfinite(outcome).all(axis=0)
    is_product = is_multiplicative(posterior)
    unit = np.ones_like(posterior.kpi_scale) if is_product else posterior.kpi_scale
    effect, known_effect, total, innovations, fit_steps = 0.0, 0.0, 0.0, 0.0, 0.0
    follows = known & np.append(False, known[:-1])
    spread = []
    for j in range(len(panel.geos)):
        media = geo_media_effects(posterior, shapes, panel, j, keep)
        base = geo_baseline_effects(posterior, baseline, j, keep)
        fit, actual = media.sum(axis=0) + base.sum(axis=0), outcome[j]
        if is_product:  # its errors are those of the log
            fit, actual = np.log(fit), np.log(actual)
        rho = float(posterior.rho[:, j].mean())
        effect = effect + media.sum(axis=1)
        known_effect = known_effect + media[:, known].sum(axis=1)
        total = total + base
        fit_steps = fit_steps + steps(fit, rho, known)
        shocks = steps(actual - fit.mean(axis=1), rho, known)
        spread.append(spread_with_level(np.where(follows, shocks, np.nan), fit.mean(axis=1)))
        innovations = innovations + shocks
    return RunDraws(
        known=known,
        spend=panel.spend[:, keep].sum(axis=(0, 1)),
        effect=effect,
        known_effect=known_effect,
        baseline=total.sum(axis=0),
        components=baseline.components,
        moved=np.abs(total[:, known]).sum(axis=1),
        kpi=float(outcome[:, known].sum()),
        fit_steps=fit_steps,
        innovations=np.where(follows, innovations, np.nan),
        innovation_variance=float(((posterior.sigma**2).mean(axis=0) * unit**2).sum()),
        spread=float(np.mean(spread)),
    )


def effective_parameters(draws: RunDraws) -> float:
    """Return how many free parameters the fit amounts to.

    `sum over weeks of Var(fit_t) / sigma^2`, both after the autocorrelation of the errors is taken
    out. For a linear model with normal errors and priors of known variance this is the trace of
    the matrix that turns the KPI into its fit, which for plain least squares is the number of
    columns: shrunken columns count in part, transforms by what their choice moves. NaN without
    noise.
    """
    if not draws.innovation_variance > 0:
        return float("nan")
    return float(draws.fit_steps.var(axis=1).sum() / draws.innovation_variance)


def decomposition_distance(draws: RunDraws) -> np.ndarray:
    """Return mean, 5%, 50% and 95% quantile of `scores.rssd` over the channels with spend, (4,).

    NaN where less than two channels have spend, or none has any effect: one share of one is no
    distance.
    """
    paid = draws.spend > 0
    total = draws.effect[paid].sum(axis=0)
    if paid.sum() < 2 or not (total > 0).all():
        return np.full(4, np.nan)
    spend = draws.spend[paid] / draws.spend[paid].sum()
    return summarise(rssd(spend, draws.effect[paid] / total))


def negative_baseline(draws: RunDraws) -> dict[str, float]:
    """Return how likely the baseline of all geos together is below zero.

    Sales that would have been negative without media cannot be: media have been given too much.

    Returns
    -------
    dict
        `p_negative_baseline_week` (probability that some training week is below zero),
        `p_negative_baseline_total` (that their sum is) and `negative_baseline_share` (expected
        share of weeks below zero).
    """
    below = draws.baseline < 0.0
    return {
        "p_negative_baseline_week": float(below.any(axis=0).mean()),
        "p_negative_baseline_total": float((draws.baseline.sum(axis=0) < 0.0).mean()),
        "negative_baseline_share": float(below.mean()),
    }


def fit_statistics(draws: RunDraws, r2: float) -> dict[str, float]:
    """Return the in-sample statistics that need the draws, as columns of `schemas.SCORES`."""
    parameters = effective_parameters(draws)
    distance = range_columns("rssd", decomposition_distance(draws))
    return {
        "effective_parameters": parameters,
        "adjusted_r2": adjusted_r2(r2, int(draws.known.sum()), max(parameters - 1.0, 0.0)),
        "durbin_watson_innovations": durbin_watson(draws.innovations),
        "residual_autocorrelation": largest_autocorrelation(draws.innovations, RESIDUAL_LAGS),
        "spread_with_level": draws.spread,
        **{name: float(value) for name, value in distance.items()},
        **negative_baseline(draws),
    }
