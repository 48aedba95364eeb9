"""Channels of one pool share a return: what the sampler needs beyond what single channels need.

A pool is a set of sibling channels too alike for the data to tell apart. In each geo

    v_c = w_c V m_c,    m_c ~ N(1, spread^2) above zero,

where v_c is the channel's average share of the KPI, w_c its share of the pool's exposure and V the
pool's share of the KPI, which has the prior that a single channel's share has. Given the ratios m
the pool is one channel with V as its coefficient; given V every channel has a normal prior above
zero. Both ways of seeing it are used, because either one alone is slow where the other is quick:
V given the ratios where the data say little about the sum, V given the shares where they say much
(Yu and Meng 2011, "To center or not to center"). Between them the ratios move along the directions
that the data tell apart and those they do not.

Axes as in `gibbs`: J geos, K chains; n channels of one pool.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.algebra import TINY, positive_normal, truncated_normal

RESCALINGS = 8  # tries to move the total with the shares held, in one sweep


@dataclass(frozen=True)
class Pool:
    """Channels that are drawn together.

    Attributes
    ----------
    members : ndarray of int, (n,)
        Indices of the channels, two or more.
    weight : ndarray, (n, J)
        Each channel's share of the pool's exposure, above zero.
    spread : float
        Prior relative spread of the channels' returns, above zero.
    """

    members: np.ndarray
    weight: np.ndarray
    spread: float


def exposure_weights(exposure: np.ndarray, units: tuple[str, ...]) -> np.ndarray:
    """Return each channel's share of a pool's exposure in each geo.

    Parameters
    ----------
    exposure : ndarray, (J, T, n)
        Training weeks; every channel has some exposure somewhere.
    units : tuple of str, (n,)
        `spend` or `impressions`. Where they differ, exposure counts in largest weeks of its
        channel: money and impressions cannot be added.

    Returns
    -------
    ndarray, (n, J)
        Above zero; they sum to one in a geo where all channels ran. A channel that never ran in a
        geo has its share over all geos there, for the day it starts.
    """
    if len(set(units)) > 1:
        exposure = exposure / exposure.max(axis=(0, 1))
    by_geo = exposure.sum(axis=1)  # (J, n)
    overall = by_geo.sum(axis=0) / by_geo.sum()
    total = by_geo.sum(axis=1, keepdims=True)
    share = by_geo / np.where(total > 0, total, 1.0)
    return np.where(by_geo > 0, share, overall).T


def draw_total(
    rng: np.random.Generator,
    linear: np.ndarray,
    known: np.ndarray,
    sd: np.ndarray,
    mean: np.ndarray | float = 0.0,
) -> np.ndarray:
    """Draw the pool's share of the KPI given its channels' ratios: normal above zero.

    Parameters
    ----------
    linear, known : ndarray, (J, K)
        What the data say of one unit of V: log likelihood `linear V - known V^2 / 2`.
    sd, mean : ndarray, (K,) or (J, K)
        Prior of V: normal above zero.

    Returns
    -------
    ndarray, (J, K), at least `TINY` so that ratios to it exist
    """
    root = np.sqrt(known + sd**-2)
    return np.maximum(positive_normal(rng, (linear + mean / sd**2) / root) / root, TINY)


def draw_free_ratios(
    rng: np.random.Generator,
    gram: np.ndarray,
    pull: np.ndarray,
    total: np.ndarray,
    spread: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the ratios as if they could be negative, and say how well they explain the data.

    Parameters
    ----------
    gram : ndarray, (J, K, n, n)
    pull : ndarray, (J, K, n)
        Log likelihood at a total of one: `pull'm - m'gram m / 2`.
    total : ndarray, (J, K)

    Returns
    -------
    evidence : ndarray, (J, K)
        Log of the likelihood integrated over the prior of the ratios, up to a constant.
    ratio : ndarray, (J, K, n)
    """
    precision = gram * (total**2)[..., None, None] + np.eye(pull.shape[2]) * spread**-2
    linear = pull * total[..., None] + spread**-2
    factor = np.linalg.cholesky(precision)
    half = np.linalg.solve(factor, linear[..., None])[..., 0]
    diagonal = np.einsum("jknn->jkn", factor)
    evidence = 0.5 * (half**2).sum(axis=2) - np.log(diagonal).sum(axis=2)
    noise = half + rng.standard_normal(half.shape)
    return evidence, np.linalg.solve(np.swapaxes(factor, 2, 3), noise[..., None])[..., 0]


def draw_ratios(
    rng: np.random.Generator,
    ratio: np.ndarray,
    gram: np.ndarray,
    linear: np.ndarray,
    spread: float,
) -> np.ndarray:
    """Draw the channels' ratios given the total, along the axes of what the data know.

    Siblings that move together have a well-known sum and an unknown split: one at a time, each
    would hold the others in place. Along these axes they do not. Each step is exact: a normal
    between the points where some ratio would fall below zero.

    Parameters
    ----------
    ratio : ndarray, (J, K, n)
        The present state.
    gram : ndarray, (J, K, n, n)
    linear : ndarray, (J, K, n)
        Log likelihood `linear'm - m'gram m / 2`.

    Returns
    -------
    ndarray, (J, K, n)
    """
    known, axes = np.linalg.eigh(gram)
    prior = spread**-2
    precision = np.maximum(known, 0.0) + prior
    pull = np.einsum("jkni,jkn->jki", axes, linear + prior)
    for i in range(ratio.shape[2]):
        axis = axes[..., i]
        here = np.einsum("jkn,jkn->jk", axis, ratio)
        with np.errstate(divide="ignore", invalid="ignore"):
            end = -ratio / axis  # how far each ratio can go until it is zero
        low = np.where(axis > 0.0, end, -np.inf).max(axis=2)
        high = np.where(axis < 0.0, end, np.inf).min(axis=2)
        mean = pull[..., i] / precision[..., i] - here
        step = truncated_normal(rng, mean, precision[..., i] ** -0.5, low, high)
        ratio = np.maximum(ratio + step[..., None] * axis, 0.0)
    return ratio


def rescale_total(
    rng: np.random.Generator,
    total: np.ndarray,
    ratio: np.ndarray,
    sd: np.ndarray,
    spread: float,
    mean: np.ndarray | float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Move the total with the shares held, so that all ratios move the other way.

    The data do not see it: only the priors of V and of the shares given V count. Metropolis on
    the log scale, where the target is
    `(1 - n) log V - (V - mean)^2 / (2 sd^2) - sum (m - 1)^2 / (2 s^2)`.

    Parameters
    ----------
    total : ndarray, (J, K)
    ratio : ndarray, (J, K, n)
    sd, mean : ndarray, (K,) or (J, K)
        Prior of V: normal above zero.

    Returns
    -------
    total, ratio
        Their products are what they were.
    """
    n = ratio.shape[2]

    def log_weight(total: np.ndarray, ratio: np.ndarray) -> np.ndarray:
        misfit = ((ratio - 1.0) ** 2).sum(axis=2) / spread**2
        return (1 - n) * np.log(total) - 0.5 * (((total - mean) / sd) ** 2 + misfit)

    current = log_weight(total, ratio)
    for _ in range(RESCALINGS):
        size = spread / np.sqrt(n) * np.exp(rng.uniform(-0.5, 1.5, total.shape))
        factor = np.exp(size * rng.standard_normal(total.shape))
        moved = total * factor, ratio / factor[..., None]
        value = log_weight(*moved)
        accept = (-rng.standard_exponential(total.shape) < value - current) & (moved[0] >= TINY)
        total = np.where(accept, moved[0], total)
        ratio = np.where(accept[..., None], moved[1], ratio)
        current = np.where(accept, value, current)
    return total, ratio
