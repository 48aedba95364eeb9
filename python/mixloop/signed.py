"""Baseline columns whose effect has a known sign: drawn one by one, like media.

A context variable that can only raise the KPI, or only lower it, has a half-normal prior with its
group's learned scale, so it cannot be part of the Gaussian block that the sampler integrates out.
Given all else its coefficient is a truncated normal, the rest of the baseline integrated out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mixloop.algebra import TINY, ar_apply, positive_normal

if TYPE_CHECKING:
    from mixloop.gibbs import Sampler


@dataclass(frozen=True)
class Signed:
    """The Q columns of a problem's baseline that have a sign.

    Attributes
    ----------
    values : ndarray, (J, T, Q)
        Standardised as the other columns are.
    sign : ndarray, (Q,)
        1 or -1: the sign of the coefficient.
    group : ndarray of int, (Q,)
        Ridge group, shared with columns that have no sign.
    """

    values: np.ndarray
    sign: np.ndarray
    group: np.ndarray


class SignedColumns:
    """Signed columns in the sampler's chains. Inside, every coefficient is zero or more.

    Attributes
    ----------
    group : ndarray of int, (Q,)
    size : ndarray, (J, K, Q)
        Absolute coefficients.
    """

    def __init__(self, signed: Signed | None, n_geos: int, n_chains: int) -> None:
        if signed is None:
            signed = Signed(np.empty((n_geos, 0, 0)), np.empty(0), np.empty(0, dtype=int))
        self.sign, self.group = signed.sign, signed.group
        self.columns = np.swapaxes(signed.values * signed.sign, 1, 2)  # (J, Q, T)
        self.size = np.zeros((n_geos, n_chains, len(self.group)))

    @property
    def coef(self) -> np.ndarray:
        """The coefficients with their signs, (J, K, Q)."""
        return self.size * self.sign

    def log_prior(self, group_var: np.ndarray) -> np.ndarray:
        """Return the log density of the coefficients under ridge variances (K, groups): (K,)."""
        var = group_var[:, self.group]
        squares = (self.size**2).sum(axis=0)  # (K, Q)
        return -0.5 * (squares / var + len(self.size) * np.log(var)).sum(axis=1)

    def update(self, sampler: Sampler) -> None:
        """Draw every coefficient given the others, then each group's scale together with them."""
        for q in sampler.rng.permutation(len(self.group)):
            self._draw(sampler, int(q))
        for group in np.unique(self.group):
            if group in sampler.learned:
                self._stretch(sampler, int(group))

    def _draw(self, sampler: Sampler, q: int) -> None:
        """Draw one coefficient from its truncated normal, the free baseline integrated out."""
        column = self.columns[:, None, q]  # (J, 1, T)
        residual = sampler.residual + self.size[:, :, q, None] * column
        seen = sampler._project(np.stack([np.broadcast_to(column, residual.shape), residual]))
        known, linear = np.einsum("jot,njkt->njk", column, seen)
        root = np.sqrt(np.maximum(known, TINY) + 1.0 / sampler.group_var[:, self.group[q]])
        self.size[:, :, q] = positive_normal(sampler.rng, linear / root) / root
        sampler.residual = residual - self.size[:, :, q, None] * column

    def _stretch(self, sampler: Sampler, group: int) -> None:
        """Move a group's scale and its signed coefficients by one factor (Metropolis).

        Given coefficients near zero a small scale holds itself in place; this move changes both.
        The free columns of the group are integrated out, before and after.
        """
        members = self.group == group
        columns, size = self.columns[:, members], self.size[:, :, members]
        effect = np.matmul(size, columns)  # (J, K, T)
        log_factor = 0.5 * sampler._jump()
        moved = sampler.residual - np.expm1(log_factor)[:, None] * effect
        proposal = sampler.group_var.copy()
        proposal[:, group] *= np.exp(2.0 * log_factor)
        before = self._log_target(sampler, sampler.group_var, sampler.residual)
        self.size[:, :, members] = size * np.exp(log_factor)[:, None]
        gain = self._log_target(sampler, proposal, moved) - before
        gain += size.shape[0] * size.shape[2] * log_factor  # of the change of variables
        accept = -sampler.rng.standard_exponential(sampler.k) < gain
        self.size[:, :, members] = np.where(accept[:, None], self.size[:, :, members], size)
        sampler.residual = np.where(accept[:, None], moved, sampler.residual)
        sampler.group_var = np.where(accept[:, None], proposal, sampler.group_var)

    def _log_target(
        self, sampler: Sampler, group_var: np.ndarray, residual: np.ndarray
    ) -> np.ndarray:
        """Return log p(KPI, signed coefficients | ridge variances) plus their prior: (K,)."""
        kr = ar_apply(residual, sampler.rho)
        linear = np.matmul(kr, np.swapaxes(sampler.z, 1, 2)) / sampler.sigma2[..., None]
        error = (residual * kr).sum(axis=2) / sampler.sigma2
        return sampler._log_evidence(group_var, linear) - 0.5 * error.sum(axis=0)
