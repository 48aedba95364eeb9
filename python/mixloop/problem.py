"""What one fit asks of the sampler."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixloop.evidence import Evidence
from mixloop.pooling import Pool
from mixloop.signed import Signed


@dataclass(frozen=True)
class Problem:
    """What the sampler needs to know, in shares of an average week.

    Attributes
    ----------
    y : ndarray, (J, T)
        KPI divided by its training mean; NaN where unknown.
    media : ndarray, (C, J, G, T)
        Every channel's exposure under every transform of the grid.
    log_prior : ndarray, (C, G)
        Log prior weight of each grid point.
    baseline : ndarray, (J, T, P)
        Columns whose coefficients may have either sign.
    group : ndarray of int, (P,)
        Ridge group of each baseline column.
    group_scale : ndarray, (groups,)
        Median of each group's half-Cauchy prior scale.
    is_fixed : ndarray of bool, (groups,)
        Groups whose scale is fixed at `group_scale` instead of learned.
    jumps : ndarray of int
        Groups whose scale also jumps with the baseline integrated out, in the order of the jumps
        of one sweep: for groups that the data may shrink to nothing.
    share_scale : ndarray, (C,)
        Prior scale of each channel's average share of the KPI. A pool has the sum of its channels'.
    pools : tuple of Pool
        No channel is in two.
    evidence : tuple of Evidence
        Lift tests and beliefs about returns.
    signed : Signed, optional
        Baseline columns whose coefficients have a known sign.
    intensity : ndarray, (C, J), optional
        How strongly each channel runs in each geo (`geos.exposure_intensity`). With it the geos of
        a channel are drawn around one centre; without it they are independent.
    has_shocks : bool
        Whether single weeks may be set aside as shocks (`shocks`).
    """

    y: np.ndarray
    media: np.ndarray
    log_prior: np.ndarray
    baseline: np.ndarray
    group: np.ndarray
    group_scale: np.ndarray
    is_fixed: np.ndarray
    jumps: np.ndarray
    share_scale: np.ndarray
    pools: tuple[Pool, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    signed: Signed | None = None
    intensity: np.ndarray | None = None
    has_shocks: bool = False
