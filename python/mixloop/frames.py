"""Draws to ranges, and dense arrays to long frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
import polars.selectors as cs

RANGE_PARTS = ("mean", "p05", "p50", "p95")
RANGE_LEVELS = (0.05, 0.50, 0.95)
NORMAL_90 = 2 * 1.6448536269514722  # standard deviations between the 5% and the 95% quantile


def summarise(draws: np.ndarray) -> np.ndarray:
    """Return mean, 5%, 50% and 95% quantile of draws.

    Parameters
    ----------
    draws : ndarray, (..., S)

    Returns
    -------
    ndarray, (..., 4)
        Quantiles are interpolated linearly between order statistics. NaN where any draw is NaN.

    Examples
    --------
    >>> summarise(np.array([4.0, 0.0, 2.0])).round(4).tolist()
    [2.0, 0.2, 2.0, 3.8]
    """
    count = draws.shape[-1]
    ordered = np.sort(draws, axis=-1)  # NaN goes last
    out = np.empty((*draws.shape[:-1], 4))
    out[..., 0] = draws.mean(axis=-1)
    for k, level in enumerate(RANGE_LEVELS, start=1):
        position = level * (count - 1)
        low = int(position)
        high = min(low + 1, count - 1)
        share = position - low
        out[..., k] = ordered[..., low] + share * (ordered[..., high] - ordered[..., low])
    out[np.isnan(ordered[..., -1]), 1:] = np.nan
    return out


def fixed(values: np.ndarray) -> np.ndarray:
    """Return the ranges (..., 4) of values (...) that are known: all four parts are the value."""
    return np.repeat(np.asarray(values, dtype=float)[..., None], len(RANGE_PARTS), axis=-1)


def range_columns(stem: str, ranges: np.ndarray) -> dict[str, np.ndarray]:
    """Return columns `<stem>_mean`, `_p05`, `_p50`, `_p95` of ranges (..., 4)."""
    return {f"{stem}_{part}": ranges[..., k] for k, part in enumerate(RANGE_PARTS)}


def grid_frame(axes: Mapping[str, Sequence], columns: Mapping[str, object]) -> pl.DataFrame:
    """Return one row for every combination of the axes' values, the last axis moving fastest.

    Parameters
    ----------
    axes : mapping of column name to its values
        In the order of the arrays' axes.
    columns : mapping of column name to array or scalar
        Each broadcastable to the axes' lengths. Numbers that are not finite become null; arrays of
        objects are texts or None.

    Examples
    --------
    >>> frame = grid_frame({"geo": ["a", "b"], "point": [1, 2]}, {"x": [[1.0], [np.nan]]})
    >>> frame.rows()
    [('a', 1, 1.0), ('a', 2, 1.0), ('b', 1, None), ('b', 2, None)]
    """
    shape = tuple(len(values) for values in axes.values())
    data = {}
    for k, (name, values) in enumerate(axes.items()):
        along = [-1 if axis == k else 1 for axis in range(len(shape))]
        data[name] = np.broadcast_to(np.asarray(values).reshape(along), shape).ravel()
    for name, values in columns.items():
        spread = np.broadcast_to(np.asarray(values), shape).ravel()
        data[name] = (
            pl.Series(spread.tolist(), dtype=pl.String) if spread.dtype == object else spread
        )
    return pl.DataFrame(data).with_columns(
        pl.when(cs.float().is_finite()).then(cs.float()).name.keep()
    )
