"""Like with like: recent weeks beside the same weeks of earlier years, and how far is ordinary.

Weeks are whole numbers, one more each week; a year is 52 of them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

YEAR = 52


def reference_weights(window: np.ndarray, training: np.ndarray) -> np.ndarray:
    """Return how much each training week counts in what a window is compared with, (N,).

    Where every week of the window has the same week of another year in training, it is compared
    with those (their mean, where there are several); otherwise with all training weeks alike.
    Weeks of the window itself never count.

    Parameters
    ----------
    window : ndarray of int
    training : ndarray of int, (N,), increasing without gaps

    Examples
    --------
    >>> reference_weights(np.array([104, 105]), np.arange(104)).nonzero()[0].tolist()
    [0, 1, 52, 53]
    >>> reference_weights(np.array([30]), np.arange(30)).sum().round(6).item()
    1.0
    """
    away = np.abs(training[None, :] - window[:, None])
    same_season = (away % YEAR == 0) & ~np.isin(training, window)
    counts = same_season.sum(axis=1, keepdims=True)
    if (counts > 0).all():
        weights = (same_season / counts).sum(axis=0)
    else:
        weights = (~np.isin(training, window)).astype(float)
    total = weights.sum()
    return weights / total if total > 0 else weights


def ordinary_movement(
    distance: Callable[[np.ndarray, np.ndarray], float], training: np.ndarray, length: int
) -> float:
    """Return the largest distance between training's own windows and their references.

    Windows of `length` weeks follow each other backwards from the last training week; NaN where
    training holds fewer than two of them.

    Parameters
    ----------
    distance : callable
        Takes a window and the reference weights over training.
    training : ndarray of int, (N,)
    """
    ends = range(len(training), length - 1, -length)
    windows = [training[end - length : end] for end in ends]
    if len(windows) < 2:
        return np.nan
    found = np.array([distance(window, reference_weights(window, training)) for window in windows])
    return float(np.nanmax(found)) if np.isfinite(found).any() else np.nan


def total_variation(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of money that would have to move to turn one mix into another.

    Half the sum of absolute differences of shares: 0 the same, 1 nothing in common; NaN where one
    of them has no money.

    Examples
    --------
    >>> total_variation(np.array([75.0, 25.0]), np.array([50.0, 50.0]))
    0.25
    """
    if one.sum() <= 0 or other.sum() <= 0:
        return np.nan
    return float(0.5 * np.abs(one / one.sum() - other / other.sum()).sum())


def longest_gap(active: np.ndarray) -> int:
    """Return the longest run of inactive weeks between the first active one and the end.

    Examples
    --------
    >>> longest_gap(np.array([False, False, True, False, True]))
    1
    """
    found = np.flatnonzero(active)
    if len(found) == 0:
        return 0
    return int(np.diff(np.append(found, len(active))).max() - 1)
