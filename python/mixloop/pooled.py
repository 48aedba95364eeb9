"""The sampler with pools: siblings whose returns are drawn together (`pooling` has the prior)."""

from __future__ import annotations

import numpy as np

from mixloop.algebra import TINY
from mixloop.gibbs import Sampler
from mixloop.pooling import Pool, draw_free_ratios, draw_ratios, draw_total, rescale_total


class PooledSampler(Sampler):
    """A sampler whose units are the channels alone, in their order, then the Q pools.

    A channel of a pool is drawn given the pool's total, half the time alone and half the time with
    its siblings' coefficients integrated out, so that they follow when its transform changes. Once
    a sweep two channels may swap their transforms, and the pool's scale, its total and its
    channels' ratios move at theirs.
    """

    def _unit_scales(self) -> np.ndarray:
        problem = self.problem
        self.pool_of = {int(c): q for q, pool in enumerate(problem.pools) for c in pool.members}
        self.alone = np.array([c for c in range(self.c) if c not in self.pool_of], dtype=int)
        together = [problem.share_scale[pool.members].sum() for pool in problem.pools]
        return np.append(problem.share_scale[self.alone], together)

    def _start(self) -> None:
        super()._start()
        scale = self.unit_scale[len(self.alone) :]
        shape = (self.j, self.k, len(scale))
        self.total = scale * np.exp(self.rng.normal(0.0, 0.5, size=shape))  # V

    def _geo_slopes(self) -> np.ndarray:
        weight = self.problem.intensity
        means = [(weight[p.members] * p.weight).sum(axis=0) for p in self.problem.pools]
        self.pool_slope = np.array([mean / mean.mean() for mean in means])  # (Q, J)
        return super()._geo_slopes()

    def _unit_shares(self) -> np.ndarray:
        return np.concatenate([self.shares()[:, :, self.alone], self.total], axis=2)

    def _update_channels(self) -> None:
        super()._update_channels()
        for q in range(len(self.problem.pools)):
            self._update_pool(q)

    def _unit_of(self, channel: int) -> int:
        return int(np.searchsorted(self.alone, channel))

    def _update_channel(self, channel: int) -> None:
        if channel in self.pool_of:
            self._update_member(channel, with_siblings=self.rng.random() < 0.5)
        else:
            super()._update_channel(channel)

    def _effect(self, members: np.ndarray) -> np.ndarray:
        """Return the summed weekly effect of channels: (J, K, T)."""
        return sum(self.coef[:, :, c, None] * self._current(c) for c in members)

    def _slope(self, pool: Pool, total: np.ndarray, members: np.ndarray) -> np.ndarray:
        """Return the coefficients that ratios of one stand for: (n, J, K)."""
        weight = np.stack([pool.weight[pool.members == c][0] for c in members])  # (n, J)
        mean = np.stack([self.mean_media[c][:, self.grid[:, c]] for c in members])  # (n, J, K)
        return weight[:, :, None] * total / mean

    def _update_member(self, channel: int, *, with_siblings: bool) -> None:
        """Draw the transform and coefficients of a pool's channel given the pool's total.

        With prior N(mu, s^2) above zero the integral over b >= 0 is that of a prior around zero
        with mu / s^2 added to the linear term; what else mu adds is the same for every transform.
        """
        q = self.pool_of[channel]
        pool = self.problem.pools[q]
        others = pool.members[pool.members != channel]
        moving = np.append(others, channel) if with_siblings else np.array([channel])
        self.residual += self._effect(moving)
        toward = self._project(self.residual)
        linear = np.matmul(toward, np.swapaxes(self.problem.media[channel], 1, 2))  # (J, K, G)
        self.lifts.add_linear(channel, linear)
        share = pool.weight[pool.members == channel][0][:, None] * self.total[:, :, q]
        prior_sd = pool.spread * share[:, :, None] / self.mean_media[channel][:, None, :]
        linear += 1.0 / (pool.spread * prior_sd)
        if with_siblings:
            self._draw_with_siblings(channel, others, toward, linear, prior_sd)
        else:
            drawn = self._draw_channel(channel, linear, self.precision[channel], prior_sd)
            self.grid[:, channel], self.coef[:, :, channel] = drawn
        self.residual -= self._effect(moving)

    def _draw_with_siblings(
        self,
        channel: int,
        others: np.ndarray,
        toward: np.ndarray,
        linear: np.ndarray,
        prior_sd: np.ndarray,
    ) -> None:
        """Draw a channel with its siblings' ratios integrated out, then those.

        The ratios are integrated over all values, like the baseline: the draw is exact where none
        comes out negative, and chains where one does stay as they were.
        """
        q = self.pool_of[channel]
        pool = self.problem.pools[q]
        slope = self._slope(pool, self.total[:, :, q], others)  # (n, J, K)
        media = np.stack([self._current(c) for c in others]) * slope[..., None]
        seen = self._project(media)
        gram = np.einsum("njkt,mjkt->jknm", media, seen)
        pull = np.einsum("njkt,jkt->jkn", media, toward) + pool.spread**-2
        self.lifts.add_ratios(others, self.grid, slope, gram, pull)
        spread = np.linalg.inv(gram + np.eye(len(others)) * pool.spread**-2)
        cross = np.matmul(seen, np.swapaxes(self.problem.media[channel], 1, 2))  # (n, J, K, G)
        explained = np.einsum("jknm,mjkg->njkg", spread, cross)
        linear = linear - np.einsum("njkg,jkn->jkg", explained, pull)
        precision = self.precision[channel] - np.einsum("njkg,njkg->jkg", explained, cross)
        at, coef = self._draw_channel(channel, linear, np.maximum(precision, TINY), prior_sd)

        chosen = cross[:, :, np.arange(self.k), at].transpose(1, 2, 0)  # (J, K, n)
        mean = np.einsum("jknm,jkm->jkn", spread, pull - chosen * coef[..., None])
        noise = self.rng.standard_normal(mean.shape)
        ratio = mean + np.einsum("jknm,jkm->jkn", np.linalg.cholesky(spread), noise)
        moves = (ratio >= 0.0).all(axis=(0, 2))  # (K,)
        self.grid[:, channel] = np.where(moves, at, self.grid[:, channel])
        new = np.append(ratio * slope.transpose(1, 2, 0), coef[..., None], axis=2)
        moving = np.append(others, channel)
        old = self.coef[:, :, moving]
        self.coef[:, :, moving] = np.where(moves[:, None], new, old)

    def _update_pool(self, q: int) -> None:
        """Move a pool's scale, its total and its channels' ratios, and let two swap transforms."""
        pool, unit = self.problem.pools[q], len(self.alone) + q
        members, total = pool.members, self.total[:, :, q]
        self.residual += self._effect(members)
        gram, pull = self._known_of(pool)
        slope = self._slope(pool, total, members).transpose(1, 2, 0)
        ratio = self.coef[:, :, members] / slope
        gram, pull, ratio = self._swap_transforms(pool, total, gram, pull, ratio)

        linear = np.einsum("jkn,jkn->jk", ratio, pull)
        known = np.maximum(np.einsum("jkn,jknm,jkm->jk", ratio, gram, ratio), 0.0)
        if self.geos is None:
            self._move_share_scale(unit, linear, known, 1.0)
            mean, sd = 0.0, self._unit_sd(unit, self.lam2[:, unit])
        else:
            slope = np.repeat(self.pool_slope[q][:, None], self.k, axis=1)
            self._move_centre(unit, linear, known, slope, total)
            mean, sd = self.geos.prior(unit, slope)
        total = draw_total(self.rng, linear, known, sd, mean)
        scaled = gram * (total**2)[..., None, None]
        ratio = draw_ratios(self.rng, ratio, scaled, pull * total[..., None], pool.spread)
        total, ratio = rescale_total(self.rng, total, ratio, sd, pool.spread, mean)

        self.total[:, :, q] = total
        slope = self._slope(pool, total, members).transpose(1, 2, 0)
        self.coef[:, :, members] = ratio * slope
        self.residual -= self._effect(members)

    def _known_of(self, pool: Pool) -> tuple[np.ndarray, np.ndarray]:
        """Return what the data say of a pool's ratios m at a total of one: gram and pull.

        The log likelihood is `pull'm - m'gram m / 2`, with (J, K, n, n) and (J, K, n). The pool's
        channels must be out of the residual.
        """
        slope = self._slope(pool, np.ones((self.j, self.k)), pool.members)
        media = np.stack([self._current(c) for c in pool.members]) * slope[..., None]
        seen = self._project(np.concatenate([media, self.residual[None]]))
        products = np.einsum("njkt,mjkt->jknm", media, seen)
        gram, pull = products[..., :-1], products[..., -1]
        self.lifts.add_ratios(pool.members, self.grid, slope, gram, pull)
        return gram, pull

    def _swap_transforms(
        self, pool: Pool, total: np.ndarray, gram: np.ndarray, pull: np.ndarray, ratio: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Let two channels swap their transforms, all ratios integrated out.

        Where siblings move together, theirs swapped fit nearly as well, and no change of one
        channel leads there. Metropolis; as in `_draw_with_siblings` the new ratios are drawn from
        all values, and a chain where one is negative stays. Returns the three as they are then.
        """
        a, b = pool.members[self.rng.permutation(len(pool.members))[:2]]
        log_prior, grid = self.problem.log_prior, self.grid.copy()
        evidence, _ = draw_free_ratios(self.rng, gram, pull, total, pool.spread)
        before = evidence.sum(axis=0) + log_prior[a][grid[:, a]] + log_prior[b][grid[:, b]]
        self.grid[:, [a, b]] = grid[:, [b, a]]
        new = self._known_of(pool)
        evidence, drawn = draw_free_ratios(self.rng, *new, total, pool.spread)
        after = evidence.sum(axis=0) + log_prior[a][grid[:, b]] + log_prior[b][grid[:, a]]
        accept = -self.rng.standard_exponential(self.k) < after - before
        accept &= (drawn >= 0.0).all(axis=(0, 2))
        self.grid = np.where(accept[:, None], self.grid, grid)
        return (
            np.where(accept[:, None, None], new[0], gram),
            np.where(accept[:, None], new[1], pull),
            np.where(accept[:, None], drawn, ratio),
        )
