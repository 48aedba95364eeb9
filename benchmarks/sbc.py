"""Simulation-based calibration of the sampler: true parameters must rank evenly among its draws.

    make bench-sbc WORLDS=200 OUT=path/to/out

Every world draws all parameters from the prior that the sampler states, and a KPI from them; the
sampler then draws from the posterior of that world. Where the sampler is right, the rank of the
true value among RANKS - 1 draws is uniform (Talts et al. 2018, "Validating Bayesian inference
algorithms with simulation-based calibration"). All worlds of a case advance together: each is a
chain with data of its own. Worlds are as wild as the half-Cauchy scales make them; none is left
out, cut or rescaled. Scales are compared as the products that the data see (tau x lambda), because
their factors alone are known by their priors only.

Cases: one geo and several (alone, and drawn around one centre), without and with a pool, with
shocks, on the small problem of the tests (40 weeks, four transforms, a week without KPI); and the
problem that a fit of 104 weeks hands to the sampler (all transforms, trend, hinges, seasons,
context, shocks, for two geos their centre). Judged by two tests for each quantity: chi-square
over 20 bins, and whether the distribution of ranks stays inside a simultaneous band (Sailynoja et
al. 2022, "Graphical test for discrete uniformity", found here by simulation). With many quantities
some fall outside by chance; the last lines say how many are to be expected, and whether the
smallest p-value survives correction for their number (Holm's first step). Writes OUT/sbc.json,
OUT/sbc.svg.

The prior is that of tests/python/prior.py, shared with the smaller version in the tests. A new part
of the prior is drawn there (`draw_worlds`) or in `add_data`, and named in `watched`.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
from dataclasses import replace
from os import cpu_count
from pathlib import Path
from time import perf_counter
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
from scipy import stats
from threadpoolctl import threadpool_limits

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/python"))

import prior  # noqa: E402
from conftest import ar1_series, simulate_world  # noqa: E402

from mixloop import fit as fit_module  # noqa: E402
from mixloop.pooling import Pool  # noqa: E402
from mixloop.problem import Problem  # noqa: E402
from mixloop.shocks import SHARE_PRIOR, SHOCK_SCALE  # noqa: E402

# 19 draws of each world, far apart: draws that hang together would pile ranks up at the ends.
RANKS, THIN, WARMUP = 20, 30, 300
BINS = 20
LEVEL = 0.05
SPREAD = 0.5  # of pooled returns: the truncation at zero matters


class HandedError(Exception):
    """Carries the problem that a fit hands to its sampler."""


def full_problem(n_geos: int) -> Problem:
    """Return the problem of a fit to 104 weeks with three channels and a context variable."""
    panel = simulate_world(n_weeks=104, geos=tuple(f"geo {j}" for j in range(n_geos))).panel
    units = dict.fromkeys(panel.channels, "spend")
    task = fit_module.FitTask("", "live", "sbc", "kpi", panel, 104, units, {})

    def hand_over(problem: Problem, **_: object) -> None:
        raise HandedError(problem)

    with patch.object(fit_module, "run_chains", hand_over):
        try:
            fit_module.fit(task, fit_module.FitSettings())
        except HandedError as handed:
            (problem,) = handed.args
    y = np.ones_like(problem.y)
    y[0, prior.UNKNOWN] = np.nan
    intensity = problem.intensity if n_geos > 1 else None  # one geo is its own centre
    return replace(problem, y=y, intensity=intensity)


def pooled(problem: Problem) -> Problem:
    """Return the problem with its first two channels in a pool."""
    weight = np.tile([[0.65], [0.35]], problem.y.shape[0])
    return replace(problem, pools=(Pool(np.array([0, 1]), weight, SPREAD),))


CASES = {
    "one geo": lambda: prior.problem_of(1, 3),
    "one geo, pool": lambda: prior.pooled_problem_of(1, 3),
    "one geo, shocks": lambda: replace(prior.problem_of(1, 2), has_shocks=True),
    "three geos alone": lambda: prior.problem_of(3, 2),
    "three geos": lambda: prior.with_geos(prior.problem_of(3, 2)),
    "three geos, pool": lambda: prior.with_geos(prior.pooled_problem_of(3, 3)),
    "fit, one geo": lambda: full_problem(1),
    "fit, two geos, pool": lambda: pooled(full_problem(2)),
}


def add_data(problem: Problem, truth: prior.Truth, rng: np.random.Generator) -> None:
    """Put into worlds what the prior of `prior.draw_worlds` does not have: shocks."""
    if problem.has_shocks:
        share = rng.beta(*SHARE_PRIOR, size=truth.sigma2.shape)  # (J, K)
        hit = (rng.random(truth.y.shape) < share[..., None]) & ~np.isnan(problem.y)[:, None]
        size = rng.normal(0.0, SHOCK_SCALE * np.sqrt(truth.sigma2)[..., None], truth.y.shape)
        truth.y = truth.y + hit * size
        truth.shocks = SimpleNamespace(share=share)


def watched(problem: Problem, state: object, share: np.ndarray) -> dict[str, np.ndarray]:
    """Return what is ranked, (worlds,) each, of a truth or a sampler; share is (J, K, C)."""
    learned = [g for g in np.unique(problem.group) if not problem.is_fixed[g]]
    out = {f"share {c}": share[0, :, c] for c in range(share.shape[2])}
    out["all media"] = share[-1].sum(axis=1)
    for p in range(problem.baseline.shape[2]):
        out[f"baseline {p}"] = state.baseline_coef[-1, :, p]
    for group in learned:
        out[f"ridge scale {group}"] = state.group_var[:, group]
    for unit in range(state.lam2.shape[1]):
        out[f"share scale {unit}"] = state.tau2 * state.lam2[:, unit]
    for j in {0, len(state.rho) - 1}:
        out[f"sigma {j}"], out[f"rho {j}"] = state.sigma2[j], state.rho[j]
    if problem.has_shocks:
        out["shocks"] = state.shocks.share[0]
    if problem.intensity is not None:
        centres = getattr(state, "geos", None) or state
        for unit in range(state.lam2.shape[1]):
            out[f"centre {unit}"] = centres.centre[:, unit]
            out[f"spread {unit}"] = centres.spread[:, unit]
    if state.total.shape[2]:
        out["pool"] = state.total[-1, :, 0]
        out["split"] = share[0, :, 0] / (share[0, :, 0] + share[0, :, 1])
    return {name: values.copy() for name, values in out.items()}


def ecdf(ranks: np.ndarray, n_ranks: int) -> np.ndarray:
    """Return the share of ranks at or below each value: (..., n_ranks)."""
    counts = (ranks[..., None, :] == np.arange(n_ranks)[:, None]).sum(axis=-1)
    return counts.cumsum(axis=-1) / ranks.shape[-1]


def band(n_worlds: int, n_ranks: int, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
    """Return a band that holds the whole distribution of uniform ranks with probability 1 - level.

    Pointwise binomial limits, all of one tail probability, which is the `level` quantile over
    simulated samples of the smallest tail probability along each.
    """
    rng = np.random.default_rng(1)
    expected = np.arange(1, n_ranks) / n_ranks
    counts = rng.multinomial(n_worlds, np.full(n_ranks, 1 / n_ranks), size=4000)
    below = counts.cumsum(axis=1)[:, :-1]
    tails = np.minimum(
        stats.binom.cdf(below, n_worlds, expected), stats.binom.sf(below - 1, n_worlds, expected)
    )
    tail = np.quantile(tails.min(axis=1), level)
    low = stats.binom.ppf(tail, n_worlds, expected) / n_worlds
    high = stats.binom.isf(tail, n_worlds, expected) / n_worlds
    return np.append(low, 1.0), np.append(high, 1.0)


def judged(ranks: dict[str, np.ndarray], n_ranks: int) -> dict[str, dict]:
    """Return p-value, distance from uniform and whether it is inside the band, by quantity."""
    n_worlds = len(next(iter(ranks.values())))
    low, high = band(n_worlds, n_ranks)
    uniform = np.arange(1, n_ranks + 1) / n_ranks
    out = {}
    for name, values in ranks.items():
        counts = np.bincount(values * BINS // n_ranks, minlength=BINS)
        found = ecdf(values, n_ranks)
        out[name] = {
            "p_value": float(stats.chisquare(counts).pvalue),
            "mean_rank": float((values + 0.5).mean() / n_ranks),
            "largest_gap": float(np.abs(found - uniform).max()),
            "is_inside": bool(((found >= low - 1e-12) & (found <= high + 1e-12)).all()),
            "ecdf": found.round(5).tolist(),
        }
    return out


def run(case: str, n_worlds: int, seed: int) -> dict:
    """Simulate and fit all worlds of one case, and judge the ranks."""
    problem = CASES[case]()
    rng = np.random.default_rng([seed, list(CASES).index(case)])
    settings = {"WORLDS": n_worlds, "RANKS": RANKS, "THIN": THIN, "WARMUP": WARMUP}
    start = perf_counter()
    with threadpool_limits(limits=1), patch.multiple(prior, **settings):
        ranks = prior.true_ranks(
            problem,
            rng,
            ar1_series,
            prepare=lambda sampler, truth: add_data(problem, truth, rng),
            watched=lambda state, share: watched(problem, state, share),
        )
    seconds = perf_counter() - start
    return {"seconds": seconds, "n_ranks": RANKS, "quantities": judged(ranks, RANKS)}


def picture(found: dict[str, dict], n_worlds: int) -> str:
    """Return an SVG: one panel a case, the distribution of ranks minus uniform, with its band."""
    width, height, margin = 360, 220, 40
    parts = []
    for at, (case, result) in enumerate(found.items()):
        left, top = (at % 2) * width + margin, (at // 2) * height + margin
        w, h = width - 1.5 * margin, height - 1.7 * margin
        n = result["n_ranks"]
        low, high = band(n_worlds, n)
        uniform = np.arange(1, n + 1) / n
        reach = 1.6 * max(np.abs(high - uniform).max(), np.abs(low - uniform).max())

        def points(values, left=left, top=top, w=w, h=h, uniform=uniform, reach=reach):
            x = left + w * uniform
            y = top + h * (0.5 - 0.5 * np.clip((values - uniform) / reach, -1, 1))
            return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))

        parts.append(f'<text x="{left}" y="{top - 8}" font-weight="bold">{case}</text>')
        corners = f"{points(low)} {' '.join(reversed(points(high).split()))}"
        parts.append(f'<polygon points="{corners}" fill="#dde6f0"/>')
        for quantity in result["quantities"].values():
            colour = "#446" if quantity["is_inside"] else "#c33"
            line = points(np.array(quantity["ecdf"]))
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" opacity=".6"/>')
        parts.append(f'<text x="{left}" y="{top + h + 14}">rank of the truth, 0 to 1</text>')
    rows = (len(found) + 1) // 2
    size = f'width="{2 * width}" height="{rows * height + 20}"'
    font = 'font-family="sans-serif" font-size="11"'
    title = f"Ranks minus uniform, with the {1 - LEVEL:.0%} band; red leaves it. {n_worlds} worlds."
    head = f'<text x="{margin}" y="16">{title}</text>'
    body = "\n".join([head, *parts])
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {font}>\n{body}\n</svg>\n'


def report(found: dict[str, dict]) -> str:
    """Return the verdict in words, one line a case and the total."""
    lines, every = [], []
    for case, result in found.items():
        quantities = result["quantities"]
        every += [(q["p_value"], f"{case}: {name}") for name, q in quantities.items()]
        outside = [name for name, q in quantities.items() if not q["is_inside"]]
        smallest = min(q["p_value"] for q in quantities.values())
        lines.append(
            f"{case:22}{len(quantities):4} quantities, outside the band {len(outside)} "
            f"{outside[:4] or ''}, smallest p {smallest:.2g}, {result['seconds']:.0f} s"
        )
    outside = sum(not q["is_inside"] for r in found.values() for q in r["quantities"].values())
    p, name = min(every)
    corrected = min(1.0, p * len(every))
    lines.append(
        f"outside the band: {outside} of {len(every)} ({LEVEL:.0%} of independent ones are to be "
        f"expected); smallest p-value {p:.2g} ({name}), corrected for their number {corrected:.2g}"
    )
    lines.append("uniform" if corrected > LEVEL else "NOT uniform: look at the picture")
    return "\n".join(lines)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    if str(arguments.out) in ("", "."):
        parser.error("name a folder: make bench-sbc OUT=path/to/out WORLDS=200")
    arguments.out.mkdir(parents=True, exist_ok=True)
    found = {}
    for case in arguments.cases:
        found[case] = run(case, arguments.worlds, arguments.seed)
        print(report({case: found[case]}).splitlines()[0], flush=True)
    text = report(found)
    machine = f"{platform.machine()}, {cpu_count()} cores, numpy {np.__version__}"
    stored = {"worlds": arguments.worlds, "machine": machine, "cases": found}
    (arguments.out / "sbc.json").write_text(json.dumps(stored) + "\n")
    (arguments.out / "sbc.svg").write_text(picture(found, arguments.worlds))
    print("\n".join(text.splitlines()[-2:]))
    return 0 if text.endswith("\nuniform") else 1


if __name__ == "__main__":
    sys.exit(main())
