"""How to split the money of a plan better: advice from one run, with what it should bring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.panel import Panel
from mixloop.planning.allocate import Choices, allocate
from mixloop.planning.response import Window, effect_changes, joint_change

NOWHERE = 1e-9  # share of a step by which a bound may be missed for rounding


@dataclass(frozen=True)
class Advice:
    """A split of a window's budget and what it should bring.

    Attributes
    ----------
    spend : ndarray, (C,)
        Money of the plan over the window.
    low, high : ndarray, (C,)
        Least and most multiple of it that the bounds allow.
    factor : ndarray, (C,)
        The advised multiple; the budget stays what it was.
    effect_now, effect_change : ndarray, (C, S)
        Draws of what the plan's money brings, and what its change does, channel by channel.
    gain : ndarray, (S,)
        Draws of what all changes bring together.
    """

    spend: np.ndarray
    low: np.ndarray
    high: np.ndarray
    factor: np.ndarray
    effect_now: np.ndarray
    effect_change: np.ndarray
    gain: np.ndarray

    @property
    def is_moved(self) -> np.ndarray:
        """Whether each channel's money is changed, (C,) bool."""
        return self.factor != 1.0


def bounds(
    panel: Panel, in_training: np.ndarray, in_window: np.ndarray, change_max: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the most multiple of each channel's plan, (C,) each.

    No more than `change_max` up or down, and no week of the plan outside the training weeks'
    range of exposure (all geos together): where it is outside already, no further.
    """
    training = panel.exposure[:, in_training].sum(axis=0)  # (T', C)
    planned = panel.exposure[:, in_window].sum(axis=0)
    top, bottom = planned.max(axis=0), planned.min(axis=0)
    safe_top, safe_bottom = np.where(top > 0, top, 1.0), np.where(bottom > 0, bottom, 1.0)
    most = np.where(top > 0, training.max(axis=0) / safe_top, 1.0)
    least = np.where(bottom > 0, training.min(axis=0) / safe_bottom, 0.0)
    high = np.clip(most, 1.0, 1.0 + change_max)
    return np.clip(least, 1.0 - change_max, 1.0), high


def advise(window: Window, low: np.ndarray, high: np.ndarray, *, step: float) -> Advice:
    """Return the split of the window's budget with the largest expected effect.

    Parameters
    ----------
    low, high : ndarray, (C,)
        Least and most multiple of each channel's money, around one.
    step : float
        Smallest amount of money that is moved, as a share of the budget. Channels move by whole
        steps, so that the budget stays exactly what it was.

    Raises
    ------
    ValueError
        When the bounds do not hold today's split, or the step is not a share.
    """
    if not 0.0 < step <= 1.0:
        raise ValueError(f"the step must be a share of the budget above 0 and up to 1, not {step}")
    if (low > 1.0).any() or (high < 1.0).any() or (low < 0.0).any():
        raise ValueError("bounds must be multiples of today's money that hold 1, from 0 up")
    amount = step * window.spend.sum()
    n_draws = len(window.posterior.coef)
    now = np.zeros((len(window.spend), n_draws))
    changes, choices = [], []
    for c, spend in enumerate(window.spend):
        down, up = (
            int(np.floor(room * spend / amount + NOWHERE)) if amount > 0 else 0
            for room in (1.0 - low[c], high[c] - 1.0)
        )
        factors = 1.0 + np.arange(-down, up + 1) * (amount / spend if spend > 0 else 0.0)
        found = effect_changes(window, c, np.append(factors, 0.0))
        found[down] = 0.0  # no change, without rounding
        now[c] = -found[-1]
        changes.append(found[:-1])
        choices.append(Choices(-down, found[:-1].mean(axis=1)))
    steps = allocate(choices, 0)
    at = [int(steps[c]) - choice.low for c, choice in enumerate(choices)]
    paid = window.spend > 0
    factor = 1.0 + steps * amount / np.where(paid, window.spend, 1.0)
    change = np.stack([found[i] for found, i in zip(changes, at, strict=True)])
    gain = joint_change(window, factor).sum(axis=0)
    return Advice(window.spend, low, high, factor, now, change, gain)
