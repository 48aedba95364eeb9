"""Reach and frequency as media: how many people were reached, and how often each of them.

Of a channel that is modelled on reach and frequency a week's effect is

    coefficient * sum_l weights[l] * reach[t - l] / scale * saturation(frequency[t - l]),

the people reached, carried over, each worth what the week's average number of contacts makes of
them (Jin et al. 2023, "Bayesian hierarchical media mix model incorporating reach and frequency
data"). It is linear in reach: more people at the same frequency bring as much more.

The grid has the kernels and curves of every other channel, with halves in contacts a week, so that
the sampler sees one more matrix of transformed media and nothing else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixloop.sampler import transform_media
from mixloop.transforms import (
    TransformGrid,
    adstock,
    adstock_weights,
    default_grid,
    exponential,
    hill,
)

REACH_FREQUENCY = "reach_frequency"
UNITS = ("spend", "impressions", REACH_FREQUENCY)
HALVES = (1.0, 7.0)  # lowest and highest frequency of the grid at which half the effect is reached
STEEP = 3.5  # takes the place of slopes below 1: first contacts seldom do more than later ones


def reach_grid(*, has_drift: bool = False) -> TransformGrid:
    """Return the grid of a reach-and-frequency channel: `half` is in contacts per person a week.

    It has the points of the default grid. Halves are spaced in even ratios from 1 to 7 contacts,
    those in the middle (2 and 3) weigh most; Hill slopes are 1, 1.5, 2.3 and 3.5.
    """
    grid = default_grid(has_drift=has_drift)
    known, place = np.unique(grid.half, return_inverse=True)
    return replace(
        grid,
        half=np.geomspace(*HALVES, len(known))[place.ravel()],
        slope=np.where(grid.slope < 1.0, STEEP, grid.slope),
    )


def grids_of(units: tuple[str, ...], *, has_drift: bool = False) -> tuple[TransformGrid, ...]:
    """Return the grid of each channel, (C,), by its unit. All have as many points."""
    usual = default_grid(has_drift=has_drift)
    if REACH_FREQUENCY not in units:
        return (usual,) * len(units)
    reached = reach_grid(has_drift=has_drift)
    return tuple(reached if unit == REACH_FREQUENCY else usual for unit in units)


def of_frequency(
    frequency: np.ndarray, half: np.ndarray, slope: np.ndarray, is_exponential: np.ndarray
) -> np.ndarray:
    """Return what contacts make of a person reached, under each curve: (U, ...), 0 to below 1.

    Parameters
    ----------
    frequency : ndarray, (...)
        Average contacts per person reached, zero or more.
    half, slope, is_exponential : ndarray, (U,)

    Examples
    --------
    >>> curves = np.array([2.0, 2.0]), np.array([1.0, 1.0]), np.array([False, True])
    >>> of_frequency(np.array([2.0, 6.0]), *curves).tolist()
    [[0.5, 0.75], [0.5, 0.875]]
    """
    tail = (-1,) + (1,) * frequency.ndim
    out = hill(frequency[None], half.reshape(tail), slope.reshape(tail))
    if is_exponential.any():
        out[is_exponential] = exponential(frequency[None], half[is_exponential].reshape(tail))
    return out


def transform_reach(
    reach: np.ndarray,
    frequency: np.ndarray,
    grid: TransformGrid,
    carryover_weeks: int,
    years: np.ndarray | None = None,
) -> np.ndarray:
    """Apply every transform of the grid to scaled reach and frequency.

    Parameters
    ----------
    reach : ndarray, (J, T)
        People reached over the largest training week.
    frequency : ndarray, (J, T)
        Average contacts of a person reached; counts for nothing where nobody was.
    years : ndarray, (T,), optional
        As in `transforms.years_of_training`; needed where effectiveness drifts.

    Returns
    -------
    ndarray, (J, G, T)
    """
    rows = zip(grid.half, grid.slope, (s == "exponential" for s in grid.saturation), strict=True)
    place = {row: at for at, row in enumerate(dict.fromkeys(rows))}
    half, slope, family = (np.array(part) for part in zip(*place, strict=True))
    worked = reach * of_frequency(frequency, half, slope, family)  # (curves, J, T)
    carried, out = {}, np.empty((len(reach), len(grid.half), reach.shape[1]))
    for g, (kernel, decay) in enumerate(zip(grid.kernel, grid.decay, strict=True)):
        if (kernel, decay) not in carried:
            weights = adstock_weights(kernel, float(decay), carryover_weeks)
            carried[kernel, decay] = adstock(worked, weights)
        row = grid.half[g], grid.slope[g], grid.saturation[g] == "exponential"
        out[:, g] = carried[kernel, decay][place[row]]
        if grid.drift[g] and years is not None:
            out[:, g] *= np.exp(grid.drift[g] * years)
    return out


def transform_channels(
    exposure: np.ndarray,
    frequency: np.ndarray | None,
    grids: tuple[TransformGrid, ...],
    units: tuple[str, ...],
    carryover_weeks: int,
    years: np.ndarray | None = None,
) -> np.ndarray:
    """Apply to every channel the transforms of its grid: (C, J, G, T).

    Parameters
    ----------
    exposure : ndarray, (J, T, C)
        Exposure (reach, for channels modelled on it) over its training maximum.
    frequency : ndarray, (J, T, C), optional
        Needed where a channel is modelled on reach.
    """
    usual = next((g for g, u in zip(grids, units, strict=True) if u != REACH_FREQUENCY), grids[0])
    out = transform_media(exposure, usual, carryover_weeks, years)
    for c, unit in enumerate(units):
        if unit == REACH_FREQUENCY:
            reach, often = exposure[:, :, c], require_frequency(frequency)[:, :, c]
            out[c] = transform_reach(reach, often, grids[c], carryover_weeks, years)
    return out


def require_frequency(frequency: np.ndarray | None) -> np.ndarray:
    """Return the frequency that a channel modelled on reach cannot do without.

    Raises
    ------
    ValueError
        When there is none.
    """
    if frequency is None:
        raise ValueError("a channel is modelled on reach and frequency: its frequency is not given")
    return frequency


def usual_frequency(
    reach: np.ndarray, frequency: np.ndarray, n_weeks: int | None = None
) -> np.ndarray:
    """Return how often people are reached, (J, n): in weeks in which nobody was, as on average.

    Parameters
    ----------
    reach, frequency : ndarray, (J, T)
    n_weeks : int, optional
        Length of the answer, from the first week on; weeks beyond T have the average.

    Examples
    --------
    >>> usual_frequency(np.array([[3.0, 0.0, 1.0]]), np.array([[2.0, 0.0, 4.0]]), 4)
    array([[2. , 2.5, 4. , 2.5]])
    """
    count = reach.shape[1] if n_weeks is None else n_weeks
    usual = np.repeat(mean_frequency(reach, frequency)[:, None], count, axis=1)
    seen = min(count, reach.shape[1])
    known = reach[:, :seen] > 0
    usual[:, :seen] = np.where(known, frequency[:, :seen], usual[:, :seen])
    return usual


def mean_frequency(reach: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Return contacts over people reached, (J,), over the weeks of (J, T).

    A geo that reached nobody has the mean of all geos; one where nobody did, one contact.

    Examples
    --------
    >>> mean_frequency(np.array([[3.0, 1.0], [0.0, 0.0]]), np.array([[2.0, 4.0], [0.0, 0.0]]))
    array([2.5, 2.5])
    """
    people, contacts = reach.sum(axis=1), (reach * frequency).sum(axis=1)
    overall = contacts.sum() / people.sum() if people.sum() > 0 else 1.0
    return np.divide(contacts, people, out=np.full(len(people), overall), where=people > 0)
