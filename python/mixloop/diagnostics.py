"""Convergence of Markov chains: rank-normalised split R-hat, bulk and tail effective sample size.

Formulas: Vehtari, Gelman, Simpson, Carpenter and Bürkner (2021), "Rank-normalization, folding, and
localization: an improved R-hat for assessing convergence of MCMC", Bayesian Analysis 16(2).
A quantity that never moves has no evidence of convergence: its values are NaN, never "converged".
"""

from __future__ import annotations

import numpy as np
from scipy.fft import next_fast_len
from scipy.special import ndtri
from scipy.stats import rankdata


def _split(draws: np.ndarray) -> np.ndarray:
    """Cut each chain in halves: (K, N, ...) -> (2K, N // 2, ...)."""
    half = draws.shape[1] // 2
    return np.concatenate([draws[:, :half], draws[:, draws.shape[1] - half :]], axis=0)


def _rank_normal(draws: np.ndarray) -> np.ndarray:
    """Replace draws by normal scores of their ranks over all chains, per quantity."""
    flat = draws.reshape(-1, draws.shape[-1])
    n = len(flat)
    order = np.argsort(flat, axis=0)
    ranks = np.empty(flat.shape)
    np.put_along_axis(ranks, order, np.arange(1.0, n + 1.0)[:, None], axis=0)
    inorder = np.take_along_axis(flat, order, axis=0)
    tied = ~(inorder[1:] > inorder[:-1]).all(axis=0)  # equal draws share their mean rank
    ranks[:, tied] = rankdata(flat[:, tied], axis=0)
    return ndtri((ranks - 0.375) / (n + 0.25)).reshape(draws.shape)


def _rhat(draws: np.ndarray) -> np.ndarray:
    """Return the potential scale reduction of (K, N, Q) chains, (Q,)."""
    n = draws.shape[1]
    between = n * draws.mean(axis=1).var(axis=0, ddof=1)
    within = draws.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(((n - 1) / n * within + between / n) / within)


def _autocovariance(draws: np.ndarray) -> np.ndarray:
    """Return the biased autocovariance of each chain by lag, (K, N, Q)."""
    n = draws.shape[1]
    centred = draws - draws.mean(axis=1, keepdims=True)
    size = next_fast_len(2 * n, real=True)
    spectrum = np.fft.rfft(centred, n=size, axis=1)
    return np.fft.irfft(np.abs(spectrum) ** 2, n=size, axis=1)[:, :n] / n


def _ess(draws: np.ndarray) -> np.ndarray:
    """Return the effective sample size of (K, N, Q) chains by Geyer's initial monotone sequence."""
    k, n, _ = draws.shape
    covariance = _autocovariance(draws)
    within = covariance[:, 0].mean(axis=0) * n / (n - 1)
    total = within * (n - 1) / n + draws.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        rho = 1.0 - (within - covariance.mean(axis=0) * n / (n - 1)) / total  # (N, Q)
    rho[0] = 1.0
    pairs = rho[: n - n % 2].reshape(n // 2, 2, -1).sum(axis=1)
    negative = pairs < 0.0
    first_negative = np.where(negative.any(axis=0), negative.argmax(axis=0), len(pairs))
    monotone = np.minimum.accumulate(pairs, axis=0)
    monotone[np.arange(len(pairs))[:, None] >= first_negative] = 0.0
    tau = np.maximum(-1.0 + 2.0 * monotone.sum(axis=0), 1.0 / np.log10(k * n))
    return k * n / tau


def convergence(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Judge Q quantities sampled by K chains of N draws.

    Parameters
    ----------
    draws : ndarray, (K, N, Q)
        Two chains or more, eight draws or more.

    Returns
    -------
    rhat, ess_bulk, ess_tail : ndarray, (Q,)
        The worse of bulk and folded split R-hat; effective sample size of the rank-normalised
        draws and the smaller one of the 5% and 95% tail indicators. NaN where a quantity is
        constant or not finite.

    Raises
    ------
    ValueError
        When there are too few chains or draws to judge.
    """
    if draws.ndim != 3 or draws.shape[0] < 2 or draws.shape[1] < 8:
        raise ValueError(f"need (chains >= 2, draws >= 8, quantities), got shape {draws.shape}")
    split = _split(draws)
    flat = split.reshape(-1, split.shape[-1])
    unusable = ~np.isfinite(flat).all(axis=0) | (np.ptp(flat, axis=0) == 0.0)
    folded = np.abs(split - np.median(flat, axis=0))
    bulk = _rank_normal(split)
    rhat = np.maximum(_rhat(bulk), _rhat(_rank_normal(folded)))
    tails = [split <= limit for limit in np.quantile(flat, (0.05, 0.95), axis=0)]
    ess_tail = np.minimum(*(_ess(tail.astype(float)) for tail in tails))
    ess_bulk = _ess(bulk)
    for values in (rhat, ess_bulk, ess_tail):
        values[unusable] = np.nan
    return rhat, ess_bulk, ess_tail
