"""How much one channel's media can tell: variation, likeness to others, independent weeks.

Every array of media is (J, T) or (J, T, N): J geos, T weeks, N channels. Likeness is measured
within geos, each week centred on the mean of its geo: a model tells the effect of a channel from
its ups and downs and not from one geo being larger than another.
"""

from __future__ import annotations

import numpy as np

MAX_VIF = 1e6  # nothing is told apart beyond it; keeps a perfect copy a finite number
TINY = 1e-12  # relative spread below which a series counts as constant


def centred(media: np.ndarray) -> np.ndarray:
    """Return media minus each geo's mean over the weeks, same shape; constant series are zero."""
    deviation = media - media.mean(axis=1, keepdims=True)
    moves = np.abs(deviation).max(axis=1, keepdims=True) > TINY * np.abs(media).max(
        axis=1, keepdims=True
    )
    return np.where(moves, deviation, 0.0)


def variation(media: np.ndarray) -> float:
    """Return standard deviation over mean of one channel's weekly media.

    Of several geos it is the root mean square of their own ratios, each weighted by its squared
    mean: a geo counts by its size, and differences between geos count as no variation.

    Parameters
    ----------
    media : ndarray, (J, T)

    Returns
    -------
    float
        Zero or more; NaN without any media. Population standard deviation.

    Examples
    --------
    >>> variation(np.array([[1.0, 3.0]])), variation(np.array([[1.0, 3.0], [100.0, 300.0]]))
    (0.5, 0.5)
    """
    level = (media.mean(axis=1) ** 2).sum()
    if level == 0:
        return float("nan")
    return float(np.sqrt((centred(media) ** 2).mean(axis=1).sum() / level))


def correlations(media: np.ndarray) -> np.ndarray:
    """Return the correlations of channels within geos, (N, N); NaN where one never moves.

    Parameters
    ----------
    media : ndarray, (J, T, N)

    Examples
    --------
    >>> media = np.array([[[1.0, 4.0, 7.0], [2.0, 2.0, 7.0], [3.0, 0.0, 7.0]]])
    >>> correlations(media).round(6).tolist()
    [[1.0, -1.0, nan], [-1.0, 1.0, nan], [nan, nan, nan]]
    """
    deviation = centred(media).reshape(media.shape[0] * media.shape[1], media.shape[2])
    size = np.sqrt((deviation**2).sum(axis=0))
    unit = deviation / np.where(size > 0, size, np.nan)
    found = np.clip(unit.T @ unit, -1.0, 1.0)
    np.fill_diagonal(found, np.where(size > 0, 1.0, np.nan))
    return found


def variance_inflation(correlation: np.ndarray, channel: int, others: list[int]) -> float:
    """Return 1 / (1 - R2) of one channel regressed on others, from their correlations.

    The factor by which the variance of the channel's coefficient grows because the others move
    with it (Marquardt 1970, Technometrics 12, 591-612).

    Parameters
    ----------
    correlation : ndarray, (N, N)
        As from `correlations`.
    channel : int
    others : list of int
        Channels that never move are left out; they explain nothing.

    Returns
    -------
    float
        From 1 to `MAX_VIF`; NaN where the channel itself never moves.

    Examples
    --------
    >>> round(variance_inflation(np.array([[1.0, 0.6], [0.6, 1.0]]), 0, [1]), 6)
    1.5625
    """
    if np.isnan(correlation[channel, channel]):
        return float("nan")
    known = [other for other in others if not np.isnan(correlation[other, other])]
    if not known:
        return 1.0
    among = np.linalg.pinv(correlation[np.ix_(known, known)], rcond=1e-10, hermitian=True)
    shared = correlation[known, channel]
    explained = float(shared @ among @ shared)
    return float(1.0 / np.clip(1.0 - explained, 1.0 / MAX_VIF, 1.0))


def lag_one(media: np.ndarray) -> float:
    """Return the lag-1 autocorrelation of one channel within geos; NaN where it never moves.

    Parameters
    ----------
    media : ndarray, (J, T)
    """
    deviation = centred(media)
    total = (deviation**2).sum()
    if total == 0:
        return float("nan")
    return float((deviation[:, 1:] * deviation[:, :-1]).sum() / total)


def effective_observations(media: np.ndarray) -> float:
    """Return how many independent weeks a channel's weeks are worth: n (1 - r) / (1 + r).

    n is weeks x geos and r the lag-1 autocorrelation. For an AR(1) series the mean of n weeks is as
    uncertain as that of so many independent ones (Bayley and Hammersley 1946, Supplement to the
    JRSS 8, 184-197, for long series). A negative r counts as zero: at most n.

    Parameters
    ----------
    media : ndarray, (J, T)

    Returns
    -------
    float
        NaN where the channel never moves.

    Examples
    --------
    >>> effective_observations(np.array([[1.0, -1.0, 1.0, -1.0]]))
    4.0
    """
    r = np.maximum(lag_one(media), 0.0)
    return float(media.size * (1.0 - r) / (1.0 + r))
