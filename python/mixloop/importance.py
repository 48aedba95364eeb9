"""Pareto-smoothed importance sampling: what draws of one posterior say of another one.

Vehtari, Simpson, Gelman, Yao and Gabry (2024), "Pareto smoothed importance sampling", JMLR 25(72);
the generalised Pareto fit is that of Zhang and Stephens (2009), "A new and efficient estimation
method for the generalized Pareto distribution", Technometrics 51(3).
"""

from __future__ import annotations

import numpy as np

from mixloop.frames import RANGE_LEVELS, RANGE_PARTS

TRUSTED_K = 0.7  # above it the weights' variance is infinite in practice


def pareto_fit(excess: np.ndarray) -> tuple[float, float]:
    """Fit a generalised Pareto to values above zero, sorted; return shape k and scale.

    The shape is drawn towards 0.5 by the weight of ten values, as in the paper.
    """
    n = len(excess)
    m = 30 + int(np.sqrt(n))
    theta = 1.0 / excess[-1] + (1.0 - np.sqrt(m / (np.arange(1, m + 1) - 0.5))) / (
        3.0 * excess[int(n / 4 + 0.5) - 1]
    )
    k = np.log1p(-theta[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-theta / k) - k - 1.0)
    weight = np.exp(profile - profile.max())
    best = float(theta @ (weight / weight.sum()))
    shape = float(np.log1p(-best * excess).mean())
    scale = -shape / best
    return (n * shape + 5.0) / (n + 10.0), scale


def smoothed_weights(log_ratio: np.ndarray) -> tuple[np.ndarray, float]:
    """Return importance weights that sum to one, their largest ones smoothed, and Pareto's k.

    Parameters
    ----------
    log_ratio : ndarray, (S,)
        Log of the wanted density over the one that was drawn from, up to a constant.

    Returns
    -------
    weights : ndarray, (S,)
    k : float
        Shape of the weights' tail: up to 0.7 they can be trusted. Minus infinity where the weights
        have no tail, because the two densities are alike.
    """
    log_weight = log_ratio - log_ratio.max()
    weight = np.exp(log_weight)
    size = int(min(0.2 * len(weight), 3.0 * np.sqrt(len(weight))))
    order = np.argsort(weight, kind="stable")
    tail, cutoff = order[-size:], weight[order[-size - 1]]
    excess = weight[tail] - cutoff
    k = -np.inf
    if size >= 5 and excess[int(size / 4 + 0.5) - 1] > 1e-10:
        k, scale = pareto_fit(excess)
        at = (np.arange(1, size + 1) - 0.5) / size
        quantile = (
            scale * np.expm1(-k * np.log1p(-at)) / k if abs(k) > 1e-12 else (-scale * np.log1p(-at))
        )
        weight[tail] = np.minimum(cutoff + quantile, 1.0)
    return weight / weight.sum(), float(k)


def weighted_summary(draws: np.ndarray, weight: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Return mean, standard deviation and the published quantiles of weighted draws (S,)."""
    mean = float(weight @ draws)
    sd = float(np.sqrt(max(weight @ (draws - mean) ** 2, 0.0)))
    order = np.argsort(draws, kind="stable")
    reached = np.cumsum(weight[order]) - 0.5 * weight[order]
    return mean, sd, np.interp(RANGE_LEVELS, reached, draws[order])


def range_values(
    stem: str, mean: float, levels: np.ndarray, *, over: float = 1.0
) -> dict[str, float]:
    """Return `<stem>_mean`, `_p05`, `_p50`, `_p95` as plain numbers, each divided by `over`."""
    values = (mean, *levels)
    return {
        f"{stem}_{part}": float(value / over)
        for part, value in zip(RANGE_PARTS, values, strict=True)
    }
