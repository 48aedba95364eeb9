"""Draws of one small problem without pools, to see that pooling does not touch them.

    PYTHONPATH=python python tests/python/unpooled_draws.py > tests/python/unpooled_draws.json

The committed file was made with this command at commit 1676e6d, before channels could be pooled.
"""

import json
from dataclasses import fields

import numpy as np
from dense import problem_of

from mixloop.sampler import Chains, run_chains


def problem():
    """Two geos, three channels, a week without a KPI."""
    y = 1.0 + 0.1 * np.random.default_rng(20).normal(size=(2, 30))
    y[1, 7] = np.nan
    return problem_of(20, n_geos=2, n_weeks=30, n_channels=3, n_grid=5, y=y)


def draws() -> Chains:
    """Eight sweeps of three chains after three of warm-up."""
    rng = np.random.default_rng(21)
    return run_chains(problem(), n_chains=3, warmup=3, sweeps=8, rng=rng)


if __name__ == "__main__":
    found = draws()
    print(json.dumps({field.name: getattr(found, field.name).tolist() for field in fields(found)}))
