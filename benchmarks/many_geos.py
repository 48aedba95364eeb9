"""One model of many geos: how long a fit takes, and how many transforms a sweep should move.

    make bench-geos GEOS=50 CHANNELS=20 OUT=path/to/file.json
    make bench-geos GEOS=50 CHANNELS=20 MOVING="4 8 12 20" OUT=path/to/file.json

A world of `benchmarks/worlds.py` (three years of weeks, a season, two variables, geos of all sizes)
is fitted as a live run with the default settings: R-hat below 1.01 and 400 effective draws of every
term in every geo. With MOVING no fit is made; instead four chains go through the same number of
sweeps for every number of channels whose transforms are drawn in a sweep, and what counts is the
smallest effective sample of a channel's share of the KPI in a geo, for a sweep and for a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time
from unittest import mock

import numpy as np

import worlds
from mixloop import gibbs
from mixloop.convergence import CONVERGED
from mixloop.diagnostics import convergence
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.problem import Problem

CHAINS, WARMUP, SWEEPS = 4, 200, 400


def task_of(geos: int, channels: int, seed: int) -> FitTask:
    """Return what a build would hand to the fit."""
    recipe = replace(worlds.KINDS["geos"], geos=geos, channels=channels)
    return worlds.task_of(worlds.make_world("geos", seed, recipe))


class _EnoughError(Exception):
    """Ends a fit once its problem is known."""


def problem_of(task: FitTask) -> Problem:
    """Return what a fit hands to the sampler."""
    with (
        mock.patch("mixloop.fit.run_chains", side_effect=_EnoughError) as run,
        suppress(_EnoughError),
    ):
        fit(task, FitSettings())
    return run.call_args.args[0]


def time_fit(task: FitTask) -> dict[str, object]:
    """Fit once and say what it took."""
    wall, cpu = perf_counter(), process_time()
    found = fit(task, FitSettings())
    seconds = {"seconds": perf_counter() - wall, "cpu_seconds": process_time() - cpu}
    terms = np.concatenate(list(found.diagnostics.values()))
    max_rhat, min_ess = CONVERGED["live"]
    rhat, ess = float(terms[:, 0].max()), float(terms[:, 1:].min())
    return seconds | {
        "sweeps": found.n_sweeps,
        "largest_rhat": rhat,
        "smallest_ess": ess,
        "met_the_bar": rhat < max_rhat and ess >= min_ess,
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    }


def time_moving(task: FitTask, moving: int) -> dict[str, float]:
    """Run four chains with so many channels moving in a sweep and judge every channel's share."""
    sampler = gibbs.Sampler(problem_of(task), CHAINS, np.random.default_rng(1))
    shares = []
    with mock.patch.object(gibbs, "GEOS_OF_A_FULL_SWEEP", moving * sampler.j // sampler.c):
        for _ in range(WARMUP):
            sampler.sweep()
        start = process_time()
        for _ in range(SWEEPS):
            sampler.sweep()
            shares.append(sampler.shares().transpose(1, 0, 2))
        seconds = process_time() - start
    drawn = np.stack(shares, axis=1)  # (K, N, J, C)
    ess = min(convergence(drawn[..., c])[1].min() for c in range(sampler.c))
    return {
        "moving": moving,
        "cpu_ms_a_sweep": 1000.0 * seconds / SWEEPS,
        "smallest_ess_a_sweep": ess / SWEEPS,
        "smallest_ess_a_second": ess / seconds,
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--geos", type=int, default=50)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--moving", type=int, nargs="*", default=[])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    task = task_of(arguments.geos, arguments.channels, arguments.seed)
    of_sweeps = [time_moving(task, moving) for moving in arguments.moving]
    found = {"moving": of_sweeps} if of_sweeps else time_fit(task)
    found |= {"geos": arguments.geos, "channels": arguments.channels, "seed": arguments.seed}
    found["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}"
    text = json.dumps(found, indent=2)
    print(text)
    if arguments.out:
        arguments.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
