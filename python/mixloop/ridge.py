"""The learned ridge penalties of the baseline, as a part of the sampler.

Every group of baseline columns has a variance with a half-Cauchy prior on its root. Axes as in
`gibbs`.
"""

from __future__ import annotations

import numpy as np

from mixloop.algebra import ar_apply, log_half_cauchy

VARIANCE_LIMITS = (1e-12, 1e6)  # of a learned ridge variance; far outside anything the data say


class RidgeScales:
    """What `gibbs.Sampler` does with the variances of the baseline's groups."""

    def _factorise(self, group_var: np.ndarray) -> np.ndarray:
        """Return the Cholesky factor of M under the given ridge variances: (J, K, P, P)."""
        matrix = self.fixed_matrix.copy()
        diagonal = np.arange(self.p)
        matrix[:, :, diagonal, diagonal] += 1.0 / group_var[:, self.problem.group]
        return np.linalg.cholesky(matrix)

    def _log_evidence(self, group_var: np.ndarray, linear: np.ndarray) -> np.ndarray:
        """Return log p(residual | ridge variances) plus their prior on the log scale: (K,).

        The baseline coefficients are integrated out: -log|D|/2 - log|M|/2 + h'M^-1 h / 2 with
        h = Z'Kr r / s2. The prior is half-Cauchy on each standard deviation.
        """
        p = self.problem
        factor = self._factorise(group_var)
        half = np.linalg.solve(factor, linear[..., None])[..., 0]
        diagonal = np.einsum("jkpp->jkp", factor)
        fit = 0.5 * (half**2).sum(axis=2) - np.log(diagonal).sum(axis=2)
        relative = group_var[:, self.learned] / p.group_scale[self.learned] ** 2
        prior = log_half_cauchy(relative).sum(axis=1) + self.signed.log_prior(group_var)
        return fit.sum(axis=0) - 0.5 * self.j * np.log(group_var)[:, p.group].sum(axis=1) + prior

    def _jump_group_scales(self) -> None:
        """Move learned ridge variances with the baseline coefficients integrated out.

        Given the coefficients alone a small variance holds itself in place; these jumps do not
        depend on them. Metropolis on the log scale with steps of mixed size.
        """
        low, high = VARIANCE_LIMITS
        kr = ar_apply(self.residual, self.rho)
        linear = np.matmul(kr, np.swapaxes(self.z, 1, 2)) / self.sigma2[..., None]
        current = self._log_evidence(self.group_var, linear)
        for group in self.jumps:
            proposal = self.group_var.copy()
            moved = proposal[:, group] * np.exp(self._jump())
            proposal[:, group] = np.clip(moved, low, high)
            value = self._log_evidence(proposal, linear)
            accept = -self.rng.standard_exponential(self.k) < value - current
            accept &= (moved >= low) & (moved <= high)
            self.group_var = np.where(accept[:, None], proposal, self.group_var)
            current = np.where(accept, value, current)
        self.root = np.linalg.inv(self._factorise(self.group_var))

    def _update_group_scales(self) -> None:
        """Draw the learned ridge variances given the coefficients.

        A half-Cauchy is two inverse gammas with one auxiliary variable (Wand et al. 2011, "Mean
        field variational Bayes for elaborate distributions", result 5).
        """
        p = self.problem
        coef = np.concatenate([self.baseline_coef, self.signed.size], axis=2)
        squares = (coef**2).sum(axis=0)  # (K, P + Q)
        for group in self.learned:
            members = self.group == group
            count = int(members.sum()) * self.j
            rate = p.group_scale[group] ** -2 + 1.0 / self.group_var[:, group]
            auxiliary = 1.0 / self._inverse_gamma(1.0, rate)
            rate = auxiliary + 0.5 * squares[:, members].sum(axis=1)
            self.group_var[:, group] = self._inverse_gamma(0.5 * (count + 1), rate)
