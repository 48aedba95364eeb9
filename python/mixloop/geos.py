"""Geos of one channel share a return: its coefficients are drawn around one centre.

A unit (a channel, or a pool of channels) has in geo j the coefficient

    x_j = C a_j m_j,    m_j ~ N(1, s^2) above zero,    log s ~ N(log 0.3, 0.7^2),

where C is the unit's average share of the KPI over the geos, with the half-normal prior that a
single geo's share has, and a_j turns it into the coefficient that it means in geo j. The spread s
is learned: geos that respond alike lend each other strength, geos that do not are left alone.

Given C and s every coefficient has a normal prior above zero, so the integral over it is closed
and C, s and the unit's own scale move with all coefficients integrated out.

Axes as in `gibbs`: J geos, K chains, U units.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import log_ndtr

from mixloop.algebra import TINY, log_half_cauchy, positive_normal

SPREAD_PRIOR = (np.log(0.3), 0.7)  # mean and standard deviation of log s
SPREAD_LIMITS = (1e-3, 1e3)
MOVES = 3  # tries for the centre and the spread, each time a unit is drawn


def exposure_intensity(exposure: np.ndarray, kpi_scale: np.ndarray) -> np.ndarray:
    """Return how strongly each channel runs in each geo, for the size of the geo.

    Equal returns do not mean equal shares of the KPI: where a channel spends four times as much for
    each unit of KPI it should bring more, and less than four times more. The square root of the
    intensity stands between the two; the learned spread allows for what it gets wrong.

    Parameters
    ----------
    exposure : ndarray, (J, T, C)
        Training weeks.
    kpi_scale : ndarray, (J,)

    Returns
    -------
    ndarray, (C, J)
        Above zero, with mean one over the geos where the channel ran; one where it never ran.
    """
    rate = exposure.mean(axis=1) / kpi_scale[:, None]  # (J, C)
    ran = rate > 0
    weight = np.sqrt(np.where(ran, rate, 0.0))
    mean = weight.sum(axis=0) / np.maximum(ran.sum(axis=0), 1)
    return np.where(ran, weight / np.where(mean > 0, mean, 1.0), 1.0).T


def log_evidence(
    linear: np.ndarray, known: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> np.ndarray:
    """Return the log likelihood with the coefficients integrated out, (K,).

    Parameters
    ----------
    linear, known : ndarray, (J, K)
        What the data say of a coefficient x: `linear x - known x^2 / 2`.
    mean : ndarray, (J, K)
        C a_j, above zero.
    spread : ndarray, (K,)
        s, so that the prior is N(mean, (s mean)^2) above zero.
    """
    sd = spread * mean
    root = np.sqrt(known + sd**-2)
    z = (linear + 1.0 / (spread * sd)) / root
    each = 0.5 * z**2 - np.log(root * sd) + log_ndtr(z)
    prior = 0.5 * spread**-2 + log_ndtr(1.0 / spread)
    return each.sum(axis=0) - len(linear) * prior


def log_spread_prior(spread: np.ndarray) -> np.ndarray:
    """Return the log density of log(s), unnormalised."""
    middle, sd = SPREAD_PRIOR
    return -0.5 * ((np.log(spread) - middle) / sd) ** 2


class GeoCentres:
    """The centre C and the spread s of every unit in every chain.

    Attributes
    ----------
    centre, spread : ndarray, (K, U)
    """

    def __init__(self, scale: np.ndarray, n_chains: int, rng: np.random.Generator) -> None:
        shape = (n_chains, len(scale))
        self.centre = scale * np.exp(rng.normal(0.0, 0.5, size=shape))
        self.spread = 0.3 * np.exp(rng.normal(0.0, 0.5, size=shape))
        self.rng = rng

    def prior(self, unit: int, slope: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the coefficients' prior, both like `slope`.

        Parameters
        ----------
        slope : ndarray, (J, K, ...)
            a_j: the coefficient that a centre of one means.
        """
        tail = (1,) * (slope.ndim - 2)
        mean = slope * self.centre[:, unit].reshape(1, -1, *tail)
        return mean, mean * self.spread[:, unit].reshape(1, -1, *tail)

    def update(
        self,
        unit: int,
        linear: np.ndarray,
        known: np.ndarray,
        slope: np.ndarray,
        coef: np.ndarray,
        scale: Callable[[np.ndarray], np.ndarray],
        lam2: np.ndarray,
        jump: Callable[[], np.ndarray],
    ) -> np.ndarray:
        """Move a unit's centre, its spread and its own scale; return the scale, (K,).

        The centre is first drawn with the ratios held, then everything moves with the
        coefficients integrated out: these must be drawn next.

        Parameters
        ----------
        linear, known : ndarray, (J, K)
            What the data say of the coefficients at their present transform.
        slope, coef : ndarray, (J, K)
        scale : callable
            Prior scale of the unit's share given its lam2: (K,) to (K,).
        lam2 : ndarray, (K,)
        jump : callable
            Returns symmetric steps on a log variance, (K,).
        """
        rng, sd = self.rng, scale(lam2)
        centre, spread = self.centre[:, unit], self.spread[:, unit]
        ratio = coef / centre  # the coefficients follow when the centre moves
        root = np.sqrt((known * ratio**2).sum(axis=0) + sd**-2)
        centre = np.maximum(positive_normal(rng, (linear * ratio).sum(axis=0) / root) / root, TINY)

        def weight(centre: np.ndarray, spread: np.ndarray, lam2: np.ndarray) -> np.ndarray:
            relative = centre / scale(lam2)
            prior = np.log(relative) - 0.5 * relative**2
            prior += log_spread_prior(spread) + log_half_cauchy(lam2)
            return log_evidence(linear, known, centre * slope, spread) + prior

        state = (centre, spread, lam2)
        value = weight(*state)
        # Along these directions, on the log scale: the centre, the spread, and the centre
        # with its scale, which a small centre would hold in place.
        for along in (*(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)) * MOVES), (0.5, 0.0, 1.0)):
            step = jump()
            moved = tuple(
                old * np.exp(a * step) if a else old for a, old in zip(along, state, strict=True)
            )
            new = weight(*moved)
            accept = -rng.standard_exponential(len(step)) < new - value
            low, high = SPREAD_LIMITS
            accept &= (moved[0] >= TINY) & (moved[1] > low) & (moved[1] < high)
            state = tuple(np.where(accept, m, s) for m, s in zip(moved, state, strict=True))
            value = np.where(accept, new, value)
        self.centre[:, unit], self.spread[:, unit], lam2 = state
        return lam2
