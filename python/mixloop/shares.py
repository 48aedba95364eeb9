"""The prior of the units' shares of the KPI and its learned scales, as a part of the sampler.

A unit's average share of the KPI is half-normal with scale `tau * lam * unit_scale`: tau is common
to all units, lam the unit's own, both half-Cauchy(0, 1). With several geos the share is that of the
unit's centre (`geos`). Axes as in `gibbs`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from mixloop.algebra import log_half_cauchy


class ShareScales:
    """What `gibbs.Sampler` does with the scales of shares."""

    def _unit_scales(self) -> np.ndarray:
        """Return the prior scale of each unit's average share of the KPI: (U,)."""
        return self.problem.share_scale

    def _unit_sd(self, unit: int, lam2: np.ndarray) -> np.ndarray:
        """Return the prior scale of a unit's average share of the KPI: (K,)."""
        return np.sqrt(self.tau2 * lam2) * self.unit_scale[unit]

    def _unit_shares(self) -> np.ndarray:
        """Return each unit's average share of the KPI: (J, K, U)."""
        return self.shares()

    def shares(self) -> np.ndarray:
        """Return each channel's average share of the KPI: (J, K, C)."""
        means = self.mean_media[np.arange(self.c)[None, :], :, self.grid]  # (K, C, J)
        return self.coef * means.transpose(2, 0, 1)

    def _move_centre(
        self,
        unit: int,
        linear: np.ndarray,
        known: np.ndarray,
        slope: np.ndarray,
        coef: np.ndarray,
    ) -> None:
        """Move a unit's centre over the geos, its spread and its own scale; all are (J, K)."""
        self.lam2[:, unit] = self.geos.update(
            unit,
            linear,
            known,
            slope,
            coef,
            lambda lam2: self._unit_sd(unit, lam2),
            self.lam2[:, unit],
            self._jump,
        )

    def _move_share_scale(
        self, unit: int, linear: np.ndarray, known: np.ndarray, mean: np.ndarray | float
    ) -> None:
        """Move a unit's own scale at its current transform, its coefficients integrated out.

        Given a coefficient near zero a small scale would hold itself in place. `linear` and
        `known` (J, K) are what the data say of the coefficient, `mean` its share of the KPI.
        """

        def log_weight(lam2: np.ndarray) -> np.ndarray:
            sd = self._unit_sd(unit, lam2) / mean
            root = np.sqrt(known + sd**-2)
            z = linear / root
            each = 0.5 * z**2 - np.log(root * sd) + log_ndtr(z)
            return each.sum(axis=0) + log_half_cauchy(lam2)

        lam2 = self.lam2[:, unit]
        moved = lam2 * np.exp(self._jump())
        gain = log_weight(moved) - log_weight(lam2)
        accept = -self.rng.standard_exponential(self.k) < gain
        self.lam2[:, unit] = np.where(accept, moved, lam2)

    def _update_share_scales(self) -> None:
        """Draw the global and per-unit scales of the half-normal on shares of the KPI."""
        share = self._unit_shares() / self.unit_scale
        if self.geos is not None:
            share = self.geos.centre[None] / self.unit_scale
        n_geos = len(share)
        squares = (share**2).sum(axis=0)  # (K, U)
        auxiliary = 1.0 / self._inverse_gamma(1.0, 1.0 + 1.0 / self.lam2)
        rate = auxiliary + 0.5 * squares / self.tau2[:, None]
        self.lam2 = self._inverse_gamma(0.5 * (n_geos + 1), rate)
        auxiliary = 1.0 / self._inverse_gamma(1.0, 1.0 + 1.0 / self.tau2)
        rate = auxiliary + 0.5 * (squares / self.lam2).sum(axis=1)
        self.tau2 = self._inverse_gamma(0.5 * (n_geos * len(self.unit_scale) + 1), rate)
        # Only the products tau * lam touch the data: trade one against the other by their priors.
        factor = np.exp(self._jump())
        tau2, lam2 = self.tau2 * factor, self.lam2 / factor[:, None]
        gain = log_half_cauchy(tau2) - log_half_cauchy(self.tau2)
        gain += (log_half_cauchy(lam2) - log_half_cauchy(self.lam2)).sum(axis=1)
        accept = -self.rng.standard_exponential(self.k) < gain
        self.tau2 = np.where(accept, tau2, self.tau2)
        self.lam2 = np.where(accept[:, None], lam2, self.lam2)
