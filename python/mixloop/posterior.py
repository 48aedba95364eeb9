"""What a run learned: posterior draws and all that is needed to evaluate them at any week."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class BaselineColumn:
    """One column of the baseline, evaluated at week t of geo j as `(raw - center_j) / scale_j`.

    Attributes
    ----------
    name : str
        `level`, `trend`, `hinge:<ISO week>`, `season:sin1`, `season:cos1`, ... or a driver's name.
    component : str
        The published component it adds to: `level`, `trend`, `season` or the driver's name.
    center, scale : ndarray, (J,)
        Fixed at training; scale is above zero.
    """

    name: str
    component: str
    center: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """S joint draws of a model with J geos, C channels and P baseline columns.

    All effects are in shares of an average training week: multiply by `kpi_scale` for KPI units.

    Attributes
    ----------
    model_id, kpi, run_kind, run_id : str
    geos, channels : tuple of str
    media_units : tuple of str, (C,)
        `spend` or `impressions`.
    first_week, last_week : datetime64[D]
        First and last training week. Trend and seasons count from `first_week`.
    kpi_scale : ndarray, (J,)
        Training mean of the KPI.
    exposure_scale : ndarray, (J, C)
        Training maximum of weekly exposure, above zero.
    carryover_weeks : int
        L, the longest lag of the adstock kernels.
    baseline : tuple of BaselineColumn, (P,)
    kernel : ndarray of str, (S, C)
        Adstock kernel of each draw (`geometric`, `delayed`).
    decay, half, slope : ndarray, (S, C)
        Transform of each draw, shared by the geos.
    coef : ndarray, (S, J, C)
        b >= 0, effect at full saturation.
    baseline_coef : ndarray, (S, J, P)
    sigma, rho : ndarray, (S, J)
        Innovation standard deviation and autocorrelation of the errors.
    last_error : ndarray, (S, J)
        Error e of the last training week, from which a forecast carries on.
    """

    run_id: str
    run_kind: str
    model_id: str
    kpi: str
    geos: tuple[str, ...]
    channels: tuple[str, ...]
    media_units: tuple[str, ...]
    first_week: np.datetime64
    last_week: np.datetime64
    kpi_scale: np.ndarray
    exposure_scale: np.ndarray
    carryover_weeks: int
    baseline: tuple[BaselineColumn, ...]
    kernel: np.ndarray
    decay: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    coef: np.ndarray
    baseline_coef: np.ndarray
    sigma: np.ndarray
    rho: np.ndarray
    last_error: np.ndarray
