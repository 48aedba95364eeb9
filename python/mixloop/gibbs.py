"""The collapsed Gibbs sampler: media transforms on a grid, the baseline integrated out.

Axes: J geos, K chains, T weeks, C channels, G grid points, P baseline columns. For geo j and
error precision `Kr = I + rho^2 J - rho N` (J: identity without its two ends, N: the first
off-diagonals; the stationary AR(1) up to sigma^2), the inner product that has the baseline
integrated out is

    <a, b> = a'Kr b / s2 - (Z'Kr a)' M^-1 (Z'Kr b) / s2^2,    M = Z'Kr Z / s2 + D^-1.

One sweep: channels in random order (transform, then coefficients, from their joint conditional),
baseline columns with a sign (`signed`), the other baseline coefficients, unknown weeks of the KPI,
weeks with a shock (`shocks`), sigma, rho, and the scales of both priors.

A unit is what has a learned scale of its share of the KPI (`shares`). Here it is a channel;
`pooled` adds channels that are drawn together, whose unit is their pool. There are U units. The
learned scales of the baseline are in `ridge`.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from mixloop.algebra import (
    TINY,
    ar_apply,
    ar_products,
    positive_normal,
    truncated_normal,
)
from mixloop.evidence import Lifts
from mixloop.geos import GeoCentres
from mixloop.problem import Problem
from mixloop.ridge import RidgeScales
from mixloop.shares import ShareScales
from mixloop.shocks import Shocks
from mixloop.signed import SignedColumns

RHO_LIMIT = 0.95
RHO_PRIOR_SD = 0.4
SIGMA_PRIOR_SHAPE, SIGMA_PRIOR_RATE = 1.0, 1e-4  # inverse gamma on sigma^2, in shares of the KPI
# Work of one sweep: transforms of all channels up to this many geos, of fewer channels beyond.
GEOS_OF_A_FULL_SWEEP = 20


class Sampler(ShareScales, RidgeScales):
    """All chains of one problem, advanced together.

    Parameters
    ----------
    problem : Problem
    n_chains : int
        K, two or more.
    rng : numpy.random.Generator
        The only source of randomness.
    """

    def __init__(self, problem: Problem, n_chains: int, rng: np.random.Generator) -> None:
        self.problem, self.rng, self.k = problem, rng, n_chains
        self.c, self.j, self.g, self.t = problem.media.shape
        self.p = problem.baseline.shape[2]
        self.mean_media = np.maximum(problem.media.mean(axis=3), TINY)  # (C, J, G)
        # A geo where the channel never ran says nothing: its share is the coefficient itself.
        self.mean_media[problem.media.max(axis=3) <= 0.0] = 1.0
        self.unit_scale = self._unit_scales()
        self.lifts = Lifts(problem.evidence, n_chains)
        pooled = [c for pool in problem.pools for c in pool.members]
        self.always_moving = np.array([*pooled, *(row.channel for row in problem.evidence)], int)
        self.has_centres = problem.intensity is not None and self.j > 1
        self._precompute()
        if self.has_centres:
            self.geo_slope = self._geo_slopes()
            self.geo_moves = self._geo_moves()
        self._start()

    def _unit_of(self, channel: int) -> int:
        """Return the unit of a channel that is a unit of its own."""
        return channel

    def _precompute(self) -> None:
        """Products that never change: the three AR parts of f'f, Z'f and Z'Z."""
        media, z = self.problem.media, np.swapaxes(self.problem.baseline, 1, 2)  # z: (J, P, T)
        self.z = z
        self.ff = ar_products(media, media)  # (3, C, J, G)
        self.zz = ar_products(z[:, :, None, :], z[:, None, :, :])  # (3, J, P, P)
        self.zf = np.empty((self.j, self.c, 3, self.p * self.g))  # of one geo and channel at hand
        for j in range(self.j):
            f = media[:, j]
            inner = f.copy()
            inner[..., [0, -1]] = 0.0
            beside = np.zeros_like(f)
            beside[..., 1:] += f[..., :-1]
            beside[..., :-1] += f[..., 1:]
            for a, part in enumerate((f, inner, beside)):
                self.zf[j, :, a] = np.matmul(z[j], np.swapaxes(part, 1, 2)).reshape(self.c, -1)

    def _geo_slopes(self) -> np.ndarray:
        """Return the coefficient that a centre of one means in each geo: (C, J, G)."""
        weight = self.problem.intensity[:, :, None]
        ran = self.problem.media.max(axis=(2, 3))[:, :, None] > 0.0
        mean = (weight * self.mean_media * ran).sum(axis=1, keepdims=True)
        return weight * np.maximum(ran.sum(axis=1, keepdims=True), 1) / np.maximum(mean, TINY)

    def _geo_moves(self) -> np.ndarray:
        """Return how much the effect of a centre of one moves from week to week: (C, G)."""
        variance = self.problem.media.var(axis=3) * self.geo_slope**2  # (C, J, G)
        return np.sqrt(np.maximum(variance.mean(axis=1), TINY**2))

    def _start(self) -> None:
        """Overdispersed starting points: random transforms, no media effect, flat baseline."""
        p, rng = self.problem, self.rng
        shape = (self.j, self.k)
        self.missing = np.argwhere(np.isnan(p.y))  # (n, 2): geo, week
        self.shocks = Shocks(~np.isnan(p.y), self.k) if p.has_shocks else None
        y = np.nan_to_num(p.y, nan=1.0)
        self.grid = rng.integers(0, self.g, size=(self.k, self.c))
        self.coef = np.zeros((self.j, self.k, self.c))
        self.residual = np.repeat(y[:, None, :], self.k, axis=1)  # y minus all media: (J, K, T)
        self.sigma2 = np.exp(rng.normal(np.log(0.05**2), 0.5, size=shape))
        self.rho = rng.uniform(0.0, 0.5, size=shape)
        self.group_var = np.tile(p.group_scale**2, (self.k, 1))
        self.signed = SignedColumns(p.signed, self.j, self.k)
        self.group = np.append(p.group, self.signed.group)  # of free, then of signed columns
        used = np.bincount(self.group, minlength=len(p.group_scale)) > 0
        self.learned = np.flatnonzero(used & ~p.is_fixed)
        self.jumps = [group for group in p.jumps if group in self.learned]
        self.tau2 = np.ones(self.k)
        self.lam2 = np.ones((self.k, len(self.unit_scale)))
        self.precision = np.ones((self.c, self.j, self.k, self.g))
        self.total = np.empty((*shape, 0))  # totals of pools: there are none
        self.geos = GeoCentres(self.unit_scale, self.k, rng) if self.has_centres else None

    # --- one sweep ------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Update every unknown once."""
        self._prepare()
        self._update_channels()
        self.lifts.redraw(self.rng, self.grid, self.coef)
        self.signed.update(self)
        self._jump_group_scales()
        self._update_baseline()
        self._update_missing()
        if self.shocks is not None:
            self.shocks.update(self)
        self._update_errors()
        self._update_group_scales()
        self._update_share_scales()

    def _update_channels(self) -> None:
        """Draw every channel's transform and coefficients, in random order."""
        for channel in self.rng.permutation(self.moving):
            self._update_channel(int(channel))
        if len(self.moving) < self.c:
            self._update_coefficients(np.setdiff1d(np.arange(self.c), self.moving))

    def _mix(self) -> np.ndarray:
        """Return the weights of the three parts of Kr, over sigma^2: (3, J, K)."""
        return np.stack([np.ones_like(self.rho), self.rho**2, -self.rho]) / self.sigma2

    def _prepare(self) -> None:
        """Factorise M and form every <f, f> for the current error and ridge parameters."""
        mix = self._mix()
        self.fixed_matrix = np.einsum("ajk,ajpq->jkpq", mix, self.zz)
        self.root = np.linalg.inv(self._factorise(self.group_var))  # R with R'R = M^-1
        self.moving = self._choose_moving()
        explained = np.empty((len(self.moving), self.j, self.k, self.g))
        for j in range(self.j):
            weights, root = mix[:, j].T.copy(), self.root[j]
            for i, channel in enumerate(self.moving):
                zkf = (weights @ self.zf[j, channel]).reshape(self.k, self.p, self.g)
                w = np.matmul(root, zkf)
                np.einsum("kpg,kpg->kg", w, w, out=explained[i, j])
        raw = np.einsum("ajk,acjg->cjkg", mix, self.ff[:, self.moving])
        # That of channels which do not move is not looked at in this sweep.
        self.precision[self.moving] = np.maximum(raw - explained, TINY)  # (C, J, K, G)
        self.lifts.add_precision(self.precision)

    def _choose_moving(self) -> np.ndarray:
        """Return the channels whose transforms are drawn in this sweep.

        All of them, but with many geos, where weighing every transform of every channel is most of
        a sweep's work, a few at random; the others' coefficients are drawn at their present
        transforms. Channels of pools and channels with evidence are always among them.
        """
        count = -(-self.c * GEOS_OF_A_FULL_SWEEP // self.j)
        if count >= self.c:
            return np.arange(self.c)
        some = self.rng.permutation(self.c)[:count]
        return np.union1d(some, self.always_moving).astype(int)

    def _project(self, r: np.ndarray) -> np.ndarray:
        """Return q with f'q = <f, r> for any f; r and q are (..., J, K, T)."""
        kr = ar_apply(r, self.rho)
        fitted = np.matmul(self._baseline_mean(kr), self.z)
        return (kr - ar_apply(fitted, self.rho)) / self.sigma2[..., None]

    def _baseline_mean(self, kr: np.ndarray) -> np.ndarray:
        """Return M^-1 Z'Kr r / s2: (..., J, K, P)."""
        zkr = np.matmul(kr, np.swapaxes(self.z, 1, 2)) / self.sigma2[..., None]
        half = np.matmul(self.root, zkr[..., None])
        return np.matmul(np.swapaxes(self.root, 2, 3), half)[..., 0]

    def _current(self, channel: int) -> np.ndarray:
        """Return each chain's current transform of the channel: (J, K, T)."""
        return self.problem.media[channel][:, self.grid[:, channel], :]

    def _update_channel(self, channel: int) -> None:
        """Draw a channel's transform for all geos and its coefficients, from their joint."""
        media = self.problem.media[channel]  # (J, G, T)
        self.residual += self.coef[:, :, channel, None] * self._current(channel)
        q = self._project(self.residual)
        linear = np.matmul(q, np.swapaxes(media, 1, 2))  # (J, K, G)
        self.lifts.add_linear(channel, linear)
        chains, at = np.arange(self.k), self.grid[:, channel]
        precision, mean = self.precision[channel], self.mean_media[channel]  # (J, K, G), (J, G)
        unit = self._unit_of(channel)
        here = linear[:, chains, at], precision[:, chains, at]
        weight = 0.0
        if self.geos is None:
            self._move_share_scale(unit, *here, mean[:, at])
            scale = self._unit_sd(unit, self.lam2[:, unit])
            prior_sd = scale[None, :, None] / mean[:, None, :]
        else:
            slope = self.geo_slope[channel]  # (J, G)
            self._move_centre(unit, *here, slope[:, at], self.coef[:, :, channel])
            centre, weight = self._centres(channel, unit)  # (K, G)
            spread = self.geos.spread[:, unit, None]
            prior_sd = spread * centre * slope[:, None, :]
            linear = linear + 1.0 / (spread * prior_sd)
        at, coef = self._draw_channel(channel, linear, precision, prior_sd, weight)
        if self.geos is not None:
            self.geos.centre[:, unit] = centre[chains, at]
        self.grid[:, channel], self.coef[:, :, channel] = at, coef
        self.residual -= coef[:, :, None] * self._current(channel)

    def _update_coefficients(self, channels: np.ndarray) -> None:
        """Draw the coefficients of channels whose transforms stay, in random order.

        All that the data say of n coefficients b together is `pull'b - b'gram b / 2`, so one pass
        over the weeks serves all of them.
        """
        media = np.stack([self._current(c) for c in channels], axis=2)  # (J, K, n, T)
        seen = ar_apply(media, self.rho[..., None]) / self.sigma2[..., None, None]
        explained = np.matmul(seen, np.swapaxes(self.z, 1, 2)[:, None])
        explained = np.matmul(explained, np.swapaxes(self.root, 2, 3))  # (J, K, n, P)
        gram = np.matmul(media, np.swapaxes(seen, 2, 3))
        gram -= np.matmul(explained, np.swapaxes(explained, 2, 3))
        old = self.coef[:, :, channels]
        pull = np.matmul(media, self._project(self.residual)[..., None])
        pull = (pull + np.matmul(gram, old[..., None]))[..., 0]
        new = old.copy()
        for i in self.rng.permutation(len(channels)):
            row, known = gram[:, :, i], np.maximum(gram[:, :, i, i], TINY)
            linear = pull[:, :, i] - (row * new).sum(axis=2) + row[..., i] * new[:, :, i]
            new[:, :, i] = self._draw_coefficient(int(channels[i]), linear, known)
        self.coef[:, :, channels] = new
        self.residual -= np.matmul((new - old)[:, :, None], media)[:, :, 0]

    def _draw_coefficient(self, channel: int, linear: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Draw a channel's coefficients at its present transform; all are (J, K)."""
        unit, at = self._unit_of(channel), self.grid[:, channel]
        if self.geos is None:
            mean = self.mean_media[channel][:, at]
            self._move_share_scale(unit, linear, known, mean)
            middle, sd = 0.0, self._unit_sd(unit, self.lam2[:, unit]) / mean
        else:
            slope = self.geo_slope[channel][:, at]
            self._move_centre(unit, linear, known, slope, self.coef[:, :, channel])
            middle, sd = self.geos.prior(unit, slope)
        root = np.sqrt(known + sd**-2)
        return positive_normal(self.rng, (linear + middle / sd**2) / root) / root

    def _centres(self, channel: int, unit: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the centre that goes with each transform and its log weight, (K, G) each.

        What the data know is how much a channel's effect moves, not how large it is. So the centre
        follows when the transform changes: its ups and downs stay as large as they are. The weight
        is the centre's prior with the change of variables.
        """
        moves = self.geo_moves[channel]  # (G,)
        size = self.geos.centre[:, unit] * moves[self.grid[:, channel]]
        centre = size[:, None] / moves
        scale = self._unit_sd(unit, self.lam2[:, unit])[:, None]
        return centre, -0.5 * (centre / scale) ** 2 - np.log(moves)

    def _draw_channel(
        self,
        channel: int,
        linear: np.ndarray,
        precision: np.ndarray,
        prior_sd: np.ndarray,
        weight: np.ndarray | float = 0.0,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Weigh every grid point with the coefficients integrated out over b >= 0, and draw.

        Parameters
        ----------
        linear, precision : ndarray, (J, K, G)
            What the data say of b at each point: log likelihood `linear b - precision b^2 / 2`.
        prior_sd : ndarray, (J, K, G)
        weight : ndarray, (K, G), optional
            Log weight of each point besides its prior.

        Returns
        -------
        grid : ndarray of int, (K,)
        coef : ndarray, (J, K)
        """
        # In units of the prior: b = prior_sd x, x ~ N(0, 1) above zero.
        size = precision * prior_sd**2 + 1.0
        z = linear * prior_sd / np.sqrt(size)  # the conditional mean of b in its own deviations
        each = 0.5 * z**2 - 0.5 * np.log(size) + log_ndtr(z)
        total = each.sum(axis=0) + self.problem.log_prior[channel] + weight
        gumbel = -np.log(self.rng.standard_exponential(total.shape))
        chosen, chains = np.argmax(total + gumbel, axis=1), np.arange(self.k)
        sd = prior_sd[:, chains, chosen] / np.sqrt(size[:, chains, chosen])
        return chosen, positive_normal(self.rng, z[:, chains, chosen]) * sd

    def _jump(self) -> np.ndarray:
        """Return a symmetric step on a log variance for each chain, small to large: (K,)."""
        return self.rng.standard_normal(self.k) * np.exp(self.rng.uniform(-1.0, 1.5, self.k))

    def _update_baseline(self) -> None:
        """Draw the baseline coefficients and refresh the errors."""
        mean = self._baseline_mean(ar_apply(self.residual, self.rho))
        noise = self.rng.standard_normal((self.j, self.k, self.p, 1))
        self.baseline_coef = mean + np.matmul(np.swapaxes(self.root, 2, 3), noise)[..., 0]
        self.error = self.residual - np.matmul(self.baseline_coef, self.z)

    def _update_missing(self) -> None:
        """Draw the errors of unknown weeks given their neighbours', one week at a time."""
        for j, t in self.missing:
            near, n = np.zeros(self.k), np.ones(self.k)
            if 0 < t < self.t - 1:
                near = self.error[j, :, t - 1] + self.error[j, :, t + 1]
                n = 1.0 + self.rho[j] ** 2
            elif self.t > 1:
                near = self.error[j, :, 1 if t == 0 else t - 1]
            sd = np.sqrt(self.sigma2[j] / n)
            drawn = self.rho[j] * near / n + sd * self.rng.standard_normal(self.k)
            self.residual[j, :, t] += drawn - self.error[j, :, t]
            self.error[j, :, t] = drawn

    def _update_errors(self) -> None:
        """Draw sigma^2 (inverse gamma), then rho (truncated normal, corrected for the start)."""
        whole, inner, beside = ar_products(self.error, self.error)
        quadratic = whole + self.rho**2 * inner - self.rho * beside
        shape = SIGMA_PRIOR_SHAPE + 0.5 * self.t
        self.sigma2 = self._inverse_gamma(shape, SIGMA_PRIOR_RATE + 0.5 * quadratic)
        precision = inner / self.sigma2 + RHO_PRIOR_SD**-2
        mean = 0.5 * beside / self.sigma2 / precision
        sd = 1.0 / np.sqrt(precision)
        proposal = truncated_normal(self.rng, mean, sd, -RHO_LIMIT, RHO_LIMIT)
        log_ratio = 0.5 * (np.log1p(-(proposal**2)) - np.log1p(-(self.rho**2)))
        accept = -self.rng.standard_exponential(log_ratio.shape) < log_ratio
        self.rho = np.where(accept, proposal, self.rho)

    def _inverse_gamma(self, shape: float, rate: np.ndarray) -> np.ndarray:
        return rate / np.maximum(self.rng.standard_gamma(shape, size=rate.shape), 1e-300)
