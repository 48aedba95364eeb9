"""Shocks: weeks whose error no ordinary week would make, found and set aside by the sampler.

The error of a week is `e + d`: e the stationary AR(1) of every week, d a shock that is zero in
almost all weeks and otherwise normal with `SHOCK_SCALE` times the standard deviation of e (a
spike and slab; additive outliers as in Fox 1972, drawn as in McCulloch and Tsay 1994, "Bayesian
analysis of autoregressive time series via the Gibbs sampler"). Given the shocks nothing else in
the model changes, so one strange week neither bends a curve nor widens every range.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from mixloop.gibbs import Sampler

SHOCK_SCALE = 6.0
# Beta prior on the share of weeks with a shock: about one in a hundred, known from a year of weeks.
SHARE_PRIOR = (1.0, 99.0)
LIMIT = 500.0


def neighbours(error: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what an AR(1)'s other weeks say of each week.

    Parameters
    ----------
    error : ndarray, (..., T)
    rho : ndarray, (...)

    Returns
    -------
    mean : ndarray, (..., T)
        Expected value given both neighbours (one at the ends).
    precision : ndarray, (..., T)
        Its precision in units of 1 / sigma^2.
    """
    rho = rho[..., None]
    beside = np.zeros_like(error)
    beside[..., 1:] += error[..., :-1]
    beside[..., :-1] += error[..., 1:]
    precision = np.broadcast_to(1.0 + rho**2, error.shape).copy()
    precision[..., 0] = precision[..., -1] = 1.0
    return rho * beside / precision, precision


def draw_shocks(
    whole: np.ndarray,
    shock: np.ndarray,
    *,
    rho: np.ndarray,
    sigma2: np.ndarray,
    share: np.ndarray,
    known: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw every week's shock given the other weeks', odd and even weeks in turn.

    Parameters
    ----------
    whole : ndarray, (J, K, T)
        Error with the shocks in it.
    shock : ndarray, (J, K, T)
        The present shocks.
    rho, sigma2, share : ndarray, (J, K)
        Autocorrelation, innovation variance, and probability of a shock.
    known : ndarray of bool, (J, T)
        Weeks whose KPI is known; the others have no shock.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, (J, K, T)
    """
    shock = shock.copy()
    slab = SHOCK_SCALE**2 * sigma2[..., None]
    log_odds = np.log(share / (1.0 - share))[..., None]
    for first in (0, 1):
        weeks = slice(first, None, 2)
        mean, precision = neighbours(whole - shock, rho)
        gap = (whole - mean)[..., weeks]
        ordinary = sigma2[..., None] / precision[..., weeks]
        wide = ordinary + slab
        gain = 0.5 * gap**2 * (1.0 / ordinary - 1.0 / wide) - 0.5 * np.log(wide / ordinary)
        chance = 1.0 / (1.0 + np.exp(-np.clip(gain + log_odds, -LIMIT, LIMIT)))
        hit = (rng.random(chance.shape) < chance) & known[:, None, weeks]
        weight = slab / wide
        drawn = weight * gap + np.sqrt(weight * ordinary) * rng.standard_normal(gap.shape)
        shock[..., weeks] = np.where(hit, drawn, 0.0)
    return shock


class Shocks:
    """The shocks of all chains and how common they are.

    Parameters
    ----------
    known : ndarray of bool, (J, T)
        Weeks whose KPI is known.
    n_chains : int

    Attributes
    ----------
    size : ndarray, (J, K, T)
        Zero in weeks without a shock.
    share : ndarray, (J, K)
        Probability of a shock in a week.
    """

    def __init__(self, known: np.ndarray, n_chains: int) -> None:
        n_geos, n_weeks = known.shape
        self.known = known
        self.size = np.zeros((n_geos, n_chains, n_weeks))
        self.share = np.full((n_geos, n_chains), SHARE_PRIOR[0] / sum(SHARE_PRIOR))

    def update(self, sampler: Sampler) -> None:
        """Draw which weeks had a shock and how large it was, then how common shocks are."""
        whole = sampler.error + self.size
        drawn = draw_shocks(
            whole,
            self.size,
            rho=sampler.rho,
            sigma2=sampler.sigma2,
            share=self.share,
            known=self.known,
            rng=sampler.rng,
        )
        sampler.residual += self.size - drawn
        sampler.error = whole - drawn
        self.size = drawn
        hits = (drawn != 0.0).sum(axis=2)
        rare, common = SHARE_PRIOR
        missed = self.known.sum(axis=1)[:, None] - hits
        self.share = np.clip(sampler.rng.beta(rare + hits, common + missed), 1e-9, 0.5)
