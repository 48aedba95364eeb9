"""What the sampler's updates share: AR(1) products, truncated normals, the half-Cauchy prior."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

TINY = 1e-12


def ar_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a'b, a'Jb and a'Nb over the last axis, stacked first: (3, ...)."""
    whole = np.einsum("...t,...t->...", a, b)
    ends = a[..., 0] * b[..., 0] + a[..., -1] * b[..., -1]
    beside = np.einsum("...t,...t->...", a[..., 1:], b[..., :-1])
    beside += np.einsum("...t,...t->...", a[..., :-1], b[..., 1:])
    return np.stack([whole, whole - ends, beside])


def ar_apply(r: np.ndarray, rho: np.ndarray) -> np.ndarray:
    """Return Kr r over the last axis; rho has the axes of r before it, or the last of them."""
    rho = rho[..., None]
    out = (1.0 + rho**2) * r
    out[..., 0] = r[..., 0]
    out[..., -1] = r[..., -1]
    out[..., 1:] -= rho * r[..., :-1]
    out[..., :-1] -= rho * r[..., 1:]
    return out


def log_half_cauchy(variance: np.ndarray) -> np.ndarray:
    """Return the log density of log(variance) when its root is half-Cauchy(0, 1), unnormalised."""
    return 0.5 * np.log(variance) - np.log1p(variance)


def positive_normal(rng: np.random.Generator, z: np.ndarray) -> np.ndarray:
    """Draw a normal with mean z and standard deviation one, given that it is above zero."""
    log_u = -rng.standard_exponential(z.shape)
    return np.maximum(z - ndtri_exp(log_u + log_ndtr(z)), 0.0)


def truncated_normal(
    rng: np.random.Generator,
    mean: np.ndarray,
    sd: np.ndarray,
    low: np.ndarray | float,
    high: np.ndarray | float,
) -> np.ndarray:
    """Draw a normal between low and high by inverting its distribution on a log scale.

    One of the two ends may be infinite.
    """
    # Mirrored so that the upper end is the nearer one: the tail then keeps its digits.
    near_high = mean > 0.5 * (np.asarray(low) + high)
    sign = np.where(near_high, 1.0, -1.0)
    bottom, top = np.where(near_high, low, np.negative(high)), np.where(near_high, high, -1.0 * low)
    a, b = (bottom - sign * mean) / sd, (top - sign * mean) / sd
    u = rng.random(mean.shape)
    log_p = np.logaddexp(np.log1p(-u) + log_ndtr(a), np.log(u) + log_ndtr(b))
    return sign * np.clip(sign * mean + sd * ndtri_exp(log_p), bottom, top)
