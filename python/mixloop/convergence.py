"""Whether the chains of a fit agree: every term judged, and the bar of the run's kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, replace

import numpy as np

from mixloop.diagnostics import convergence
from mixloop.pooling import Pool
from mixloop.posterior import NOISE_TERMS
from mixloop.sampler import Chains

# Largest R-hat and smallest effective sample of a converged run. A live run's draws become
# published ranges: Vehtari et al. (2021), section 4. Others' are averaged into scores, where a
# tenth of a standard deviation of Monte Carlo error (100 draws) is far below the noise of a week.
CONVERGED = {"live": (1.01, 400.0), "backtest": (1.05, 100.0), "specification": (1.05, 100.0)}

# With many geos judging every term takes seconds: as long as these do not agree, no others do.
GEOS_OF_A_FIRST_LOOK = 3


def diagnose(
    chains: Chains, channels: Iterable[str], columns: Iterable[str], pools: tuple[Pool, ...] = ()
) -> dict[str, np.ndarray]:
    """Return R-hat, bulk and tail ESS of every term in every geo, by term name: (J, 3).

    A channel is judged by its coefficient and by its share of the KPI, a channel of a pool also by
    the pool's total and by the sum of its channels' shares; the worst one counts. `columns` are
    the names of the baseline's.
    """

    def judge(draws: np.ndarray) -> np.ndarray:  # (K, N, J) -> (J, 3)
        return np.stack(convergence(draws), axis=1)

    def worst(found: np.ndarray) -> np.ndarray:  # (judgements, J, 3) -> (J, 3)
        return np.column_stack([found[..., 0].max(axis=0), found[..., 1:].min(axis=0)])

    of_pool = {}
    for q, pool in enumerate(pools):
        together = chains.share[..., pool.members].sum(axis=-1)
        of_pool |= dict.fromkeys(pool.members, (judge(chains.pool_total[..., q]), judge(together)))
    out = {}
    for c, name in enumerate(channels):
        found = [judge(chains.coef[..., c]), judge(chains.share[..., c]), *of_pool.get(c, ())]
        out[f"channel:{name}"] = worst(np.stack(found))
    for p, name in enumerate(columns):
        out[name] = judge(chains.baseline_coef[..., p])
    for name in NOISE_TERMS:
        out[f"noise:{name}"] = judge(getattr(chains, name))
    return out


def has_converged(diagnostics: dict[str, np.ndarray], run_kind: str) -> bool:
    """Say whether every term's R-hat and effective sample sizes meet the bar of the run's kind.

    A term without a value (it never moved) counts as not converged, and so does a fit without
    terms: nothing was judged.
    """
    if not diagnostics:
        return False
    max_rhat, min_ess = CONVERGED[run_kind]
    rhat, bulk, tail = np.concatenate(list(diagnostics.values())).T
    return bool((rhat < max_rhat).all() and (np.minimum(bulk, tail) >= min_ess).all())


def of_geos(chains: Chains, geos: list[int]) -> Chains:
    """Return the chains of some geos only."""
    parts = {f.name: getattr(chains, f.name) for f in fields(chains) if f.name != "grid"}
    return replace(chains, **{name: values[:, :, geos] for name, values in parts.items()})


class Judge:
    """Judges the chains of one fit as they grow; the last ones judged are remembered."""

    def __init__(
        self,
        channels: tuple[str, ...],
        columns: tuple[str, ...],
        pools: tuple[Pool, ...],
        run_kind: str,
    ) -> None:
        self._terms, self._kind = (channels, columns, pools), run_kind
        self._chains: Chains | None = None
        self._found: dict[str, np.ndarray] = {}

    def found(self, chains: Chains) -> dict[str, np.ndarray]:
        """Return `diagnose` of the chains."""
        if self._chains is not chains:
            self._chains, self._found = chains, diagnose(chains, *self._terms)
        return self._found

    def is_enough(self, chains: Chains) -> bool:
        """Say whether the chains have converged; a few geos are asked before all of them."""
        n_geos = chains.coef.shape[2]
        if n_geos > GEOS_OF_A_FIRST_LOOK:
            few = np.linspace(0, n_geos - 1, GEOS_OF_A_FIRST_LOOK).round().astype(int).tolist()
            if not has_converged(diagnose(of_geos(chains, few), *self._terms), self._kind):
                return False
        return has_converged(self.found(chains), self._kind)
