"""The best split of a fixed budget over channels, exact on a grid of equal steps of money.

A channel's value may be any function of its money, S-shaped ones included: nothing is assumed of
slopes, so nothing can stop at a local best. Dynamic programming over the channels (Bellman 1957):
with V_c(s) the best value of the first c channels that together get s steps,

    V_c(s) = max over k of V_(c-1)(s - k) + value_c(k),    low_c <= k <= high_c
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Values that differ by less than this share of the largest are the same: the smaller move wins.
SAME = 1e-12


@dataclass(frozen=True)
class Choices:
    """What one channel may get, and what it is worth.

    Attributes
    ----------
    low : int
        Fewest steps, may be below zero where steps are changes from today.
    value : ndarray, (K,)
        Value of `low`, `low + 1`, ... steps.
    """

    low: int
    value: np.ndarray

    @property
    def high(self) -> int:
        """Most steps."""
        return self.low + len(self.value) - 1


def _require(choices: Sequence[Choices], total: int) -> None:
    """Raise when there is nothing to choose from, a value is unknown or the bounds do not allow."""
    if not choices:
        raise ValueError("there is no channel to give the budget to")
    for c, choice in enumerate(choices):
        if len(choice.value) == 0:
            raise ValueError(f"channel {c}: its lower bound lies above its upper bound")
        if not np.isfinite(choice.value).all():
            raise ValueError(f"channel {c}: some of its values are not finite")
    low, high = sum(c.low for c in choices), sum(c.high for c in choices)
    if not low <= total <= high:
        raise ValueError(
            f"the budget of {total} steps cannot be spent within the bounds: they add up to "
            f"{low} at least and {high} at most; change the bounds or the budget"
        )


def allocate(choices: Sequence[Choices], total: int) -> np.ndarray:
    """Return the steps of each channel, (C,), whose sum is `total` and whose value is largest.

    Among allocations of the same value, one with small numbers of steps is taken: where steps are
    changes from today, nothing moves for nothing. The same inputs give the same answer.

    Parameters
    ----------
    choices : sequence of Choices
    total : int
        Steps to give away, all of them.

    Raises
    ------
    ValueError
        When no allocation within the bounds adds up to `total`, or a value is not finite.

    Examples
    --------
    >>> s_shaped = Choices(0, np.array([0.0, 0.1, 0.3, 2.0]))
    >>> concave = Choices(0, np.array([0.0, 1.0, 1.2, 1.3]))
    >>> allocate([s_shaped, concave], 3).tolist(), allocate([s_shaped, concave], 2).tolist()
    ([3, 0], [0, 2])
    """
    _require(choices, total)
    margin = SAME * max(float(np.abs(choice.value).max()) for choice in choices)
    lows = np.cumsum([choice.low for choice in choices])
    best, taken = np.zeros(1), []
    for choice in choices:
        count = len(choice.value)
        reached = np.full(len(best) + count - 1, -np.inf)
        step = np.zeros(len(reached), dtype=int)
        for i in sorted(range(count), key=lambda i: (abs(choice.low + i), i)):
            here = slice(i, i + len(best))
            value = best + choice.value[i]
            is_better = value > reached[here] + margin
            reached[here] = np.where(is_better, value, reached[here])
            step[here] = np.where(is_better, i, step[here])
        best = reached
        taken.append(step)
    out = np.zeros(len(choices), dtype=int)
    at = total - int(lows[-1])
    for c in reversed(range(len(choices))):
        i = int(taken[c][at])
        out[c] = choices[c].low + i
        at -= i
    return out


def value_of(choices: Sequence[Choices], steps: np.ndarray) -> float:
    """Return the value of an allocation."""
    pairs = zip(choices, steps, strict=True)
    return float(sum(choice.value[step - choice.low] for choice, step in pairs))
