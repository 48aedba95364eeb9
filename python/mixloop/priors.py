"""What the client believes of a channel before looking at the data, as the sampler sees it.

Whether its effectiveness may drift over the years is such a weight, too.
Ranges are 90% ranges: the client would be surprised to find the truth outside. Carry-over and
saturation beliefs weigh the points of the transform grid; a belief about the return is a row of
evidence over the whole training window.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mixloop.evidence import Evidence
from mixloop.sampler import transform_media
from mixloop.transforms import TransformGrid, adstock_weights, half_life_weeks

RANGE_90 = 2 * 1.6448536269514722  # standard deviations from the 5% to the 95% quantile


@dataclass(frozen=True)
class Belief:
    """90% ranges for one channel; None where the client has no view.

    Attributes
    ----------
    roi_low, roi_high : float, optional
        KPI per unit of money over the training weeks.
    half_life_low_weeks, half_life_high_weeks : float, optional
        Weeks until half of an exposure's effect has come, above zero.
    saturation_low, saturation_high : float, optional
        Share of the channel's full effect that its largest training week reaches when it is held
        week after week, between 0 and 1.
    half_frequency_low, half_frequency_high : float, optional
        Contacts per person a week at which half of the full effect is reached, above zero: for
        channels that are modelled on reach and frequency, which have no saturation of reach.
    drift_per_year : float, optional
        How much the channel's effectiveness may change in a year: standard deviation of the log
        change, above zero. Without it the effectiveness is constant.
    """

    roi_low: float | None = None
    roi_high: float | None = None
    half_life_low_weeks: float | None = None
    half_life_high_weeks: float | None = None
    saturation_low: float | None = None
    saturation_high: float | None = None
    half_frequency_low: float | None = None
    half_frequency_high: float | None = None
    drift_per_year: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in (
            ("roi", self.roi_low, self.roi_high),
            ("half_life_weeks", self.half_life_low_weeks, self.half_life_high_weeks),
            ("saturation", self.saturation_low, self.saturation_high),
            ("half_frequency", self.half_frequency_low, self.half_frequency_high),
        ):
            if (low is None) != (high is None) or (low is not None and not low < high):
                raise ValueError(
                    f"prior range of {name} must have a low and a higher high, not {low} to {high}"
                )
        if self.drift_per_year is not None and not self.drift_per_year > 0:
            raise ValueError(f"drift_per_year must be above zero, not {self.drift_per_year}")

    @property
    def given(self) -> dict[str, float]:
        """Return the ends of the ranges that the client gave, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def grid_half_lives(grid: TransformGrid, carryover_weeks: int) -> np.ndarray:
    """Return the half-life of every point of the grid, in weeks: (G,)."""
    shapes = zip(grid.kernel, grid.decay, strict=True)
    weights = [adstock_weights(kernel, float(d), carryover_weeks) for kernel, d in shapes]
    return half_life_weeks(np.stack(weights))


def grid_saturations(grid: TransformGrid) -> np.ndarray:
    """Return the share of the full effect at the largest training week, held: (G,)."""
    return transform_media(np.ones((1, 1, 1)), grid, 0)[0, 0, :, 0]


def _log_normal(at: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return the log density, up to a constant, of a normal with this 90% range."""
    return -0.5 * ((at - 0.5 * (low + high)) / ((high - low) / RANGE_90)) ** 2


def _logit(share: np.ndarray | float) -> np.ndarray:
    return np.log(share) - np.log1p(-np.asarray(share))


def log_drift_prior(drift: np.ndarray, scale: float | None) -> np.ndarray:
    """Return the log weight of every point's drift: (G,).

    Half the weight says that nothing drifts (all of it without a scale); the other half is a normal
    with this standard deviation, over the drifts of the grid.

    Examples
    --------
    >>> np.exp(log_drift_prior(np.array([-0.2, 0.0, 0.2]), 0.2)).round(3).tolist()
    [0.137, 0.726, 0.137]
    >>> np.exp(log_drift_prior(np.array([-0.2, 0.0]), None)).tolist()
    [0.0, 1.0]
    """
    if scale is None:
        return np.where(drift == 0.0, 0.0, -np.inf)
    density = {d: np.exp(-0.5 * (d / scale) ** 2) for d in np.unique(drift)}
    total = sum(density.values())
    weight = [0.5 * (d == 0.0) + 0.5 * density[d] / total for d in drift]
    return np.log(np.maximum(weight, 1e-300))


def channel_log_prior(grid: TransformGrid, carryover_weeks: int, belief: Belief) -> np.ndarray:
    """Weigh the grid's own prior by what is believed of carry-over, saturation and drift.

    Half-lives and half frequencies are log-normal, saturation is normal on the log odds, each with
    the client's 90% range, and multiply the grid's weights. A range between two points of the grid
    leaves the weight to those nearest to it. Saturation is believed of channels whose exposure
    saturates, half frequency of those that are modelled on reach (`reach`): their grids differ.

    Returns
    -------
    ndarray, (G,)
        Log of weights that sum to one.
    """
    log_prior = np.array(grid.log_prior)
    if belief.half_life_low_weeks is not None:
        low, high = np.log([belief.half_life_low_weeks, belief.half_life_high_weeks])
        log_prior += _log_normal(np.log(grid_half_lives(grid, carryover_weeks)), low, high)
    if belief.saturation_low is not None:
        low, high = _logit(belief.saturation_low), _logit(belief.saturation_high)
        log_prior += _log_normal(_logit(grid_saturations(grid)), float(low), float(high))
    if belief.half_frequency_low is not None:
        low, high = np.log([belief.half_frequency_low, belief.half_frequency_high])
        log_prior += _log_normal(np.log(grid.half), low, high)
    log_prior += log_drift_prior(grid.drift, belief.drift_per_year)
    shaped = belief.half_life_low_weeks, belief.saturation_low, belief.half_frequency_low
    if not (any(shaped) or belief.drift_per_year):
        return log_prior
    log_prior -= log_prior.max()
    return log_prior - np.log(np.exp(log_prior).sum())


def roi_evidence(belief: Belief, channel: int, whole: np.ndarray, spend: float) -> Evidence | None:
    """Return a belief about the return as evidence on the training window's total effect.

    Parameters
    ----------
    whole : ndarray, (J, G)
        The channel's effect over all training weeks that a coefficient of one stands for.
    spend : float
        Training spend over all geos.

    Returns
    -------
    Evidence or None
        None without a belief, or where the channel cost nothing.
    """
    if belief.roi_low is None or not spend > 0:
        return None
    return Evidence(
        channel=channel,
        d=whole,
        lift=0.5 * (belief.roi_low + belief.roi_high) * spend,
        se=(belief.roi_high - belief.roi_low) / RANGE_90 * spend,
    )
