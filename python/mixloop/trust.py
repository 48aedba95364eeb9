"""Which published rows hold only part of a pool, and whose range is the one to trust."""

from __future__ import annotations

import numpy as np

from mixloop.evaluate import Components
from mixloop.posterior import Posterior


def _held(nodes: Components) -> tuple[np.ndarray, np.ndarray]:
    """Return which channels each node holds something of, and which it holds whole: (N, C) each."""
    whole = nodes.members > 0
    some = whole.copy()
    for c in range(whole.shape[1]):
        below = [at for at, (channel, _) in enumerate(nodes.leaves) if channel == c]
        if below:
            some[:, c] |= nodes.portions[:, below].any(axis=1)
            whole[:, c] |= nodes.portions[:, below].all(axis=1)
    return some, whole


def _pools(posterior: Posterior) -> dict[str, np.ndarray]:
    """Return the places of each pool's channels, by pool, sorted."""
    return {
        pool: np.flatnonzero([posterior.pools.get(c) == pool for c in posterior.channels])
        for pool in sorted(set(posterior.pools.values()))
    }


def pooled_components(posterior: Posterior, nodes: Components) -> np.ndarray:
    """Return which components hold some but not all of a pool's channels, (K,) bool.

    These are the channels of a pool, what is below them, and nodes of other hierarchies that cut
    through a pool. A node that holds a pool whole is not among them: its range is that of the sum.
    """
    some, whole = _held(nodes)
    out = np.zeros(len(nodes.ids), dtype=bool)
    for members in _pools(posterior).values():
        cut = some[:, members].any(axis=1) & ~whole[:, members].all(axis=1)
        out[: len(cut)] |= cut
    return out


def pool_of_nodes(posterior: Posterior, nodes: Components) -> np.ndarray:
    """Return the pool of nodes at or below one pooled channel, (N,); None for the others."""
    some, _ = _held(nodes)
    out = np.full(len(some), None, dtype=object)
    for node in np.flatnonzero(some.sum(axis=1) == 1):
        out[node] = posterior.pools.get(posterior.channels[some[node].argmax()])
    return out


def _note(posterior: Posterior, node: str, some: np.ndarray, pool: str, members: np.ndarray) -> str:
    """Return what to say of a node that holds part of one pool."""
    held = [posterior.channels[c] for c in members if some[c]]
    others = ", ".join(posterior.channels[c] for c in members if not some[c])
    trust = f"trust the range of {pool}"
    if held == [node]:
        return f"drawn together with {others} towards {pool}; {trust}"
    if some.sum() == 1:
        return f"part of {held[0]}, which is drawn together with {others} towards {pool}; {trust}"
    drawn = ", ".join(posterior.channels[c] for c in members)
    return f"holds part of {drawn}, which are drawn together towards {pool}; {trust}"


def range_notes(posterior: Posterior, nodes: Components) -> np.ndarray:
    """Return what a reader of each node's ranges must know of pools, (N,); None mostly."""
    some, whole = _held(nodes)
    out = np.full(len(some), None, dtype=object)
    for node, name in enumerate(nodes.ids[: len(some)]):
        notes = []
        for pool, members in _pools(posterior).items():
            if whole[node, members].all():
                if name == pool:
                    drawn = ", ".join(posterior.channels[c] for c in members)
                    notes.append(f"its children {drawn} are pooled; this range is the one to trust")
            elif some[node, members].any():
                notes.append(_note(posterior, name, some[node], pool, members))
        out[node] = "; ".join(notes) or None
    return out
