"""The evidence of one run: which rows it has, and how far each moved the model's channels.

What the model would say without a row comes from the posterior's own draws, weighed by one over
the row's likelihood. Where the row says too much for that, the model is fitted again without it:
with more than half of the information on its effect the weights have no variance (for normal
distributions: the effect's posterior variance is more than half the squared error), and Pareto's k
finds other heavy tails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mixloop.diagnostics import convergence
from mixloop.evidence import Evidence
from mixloop.evidence_moves import Channels, Effects, effective_draws, moves_of_a_row
from mixloop.experiments import (
    ErrorFactors,
    LiftTest,
    effect_per_coefficient,
    error_factors,
    window_of,
)
from mixloop.importance import TRUSTED_K, range_values, smoothed_weights, weighted_summary
from mixloop.panel import Panel
from mixloop.priors import Belief, roi_evidence
from mixloop.problem import Problem
from mixloop.sampler import Chains
from mixloop.transforms import TransformGrid, years_of_training

SETTLED_RHAT, SETTLED_ESS = 1.05, 100.0  # of the effects that a refit is made for
MOST_INFORMATION = 0.5  # of a row on its effect, for its weights to have a variance


@dataclass(frozen=True)
class EvidenceRow:
    """A row of evidence with where it came from.

    Attributes
    ----------
    evidence : Evidence
        As the sampler sees it, its error inflated.
    facts : dict
        What is published of it, whatever the fit says.
    """

    evidence: Evidence
    facts: dict[str, Any]


def _facts(
    source: str, test: LiftTest, weeks: np.ndarray, geos: list[str], factors: ErrorFactors
) -> dict[str, Any]:
    """Return what is published of a row."""
    return {
        "evidence_id": test.evidence_id,
        "source": source,
        "channel_id": test.channel_id,
        "geos": geos,
        "start_week": str(weeks[0]),
        "end_week": str(weeks[-1]),
        "spend_actual": test.spend_actual,
        "spend_counterfactual": test.spend_counterfactual,
        "lift": test.lift,
        "standard_error": test.standard_error,
        "age_factor": factors.age,
        "gap_factor": factors.gap,
        "duration_factor": factors.duration,
        "standard_error_used": test.standard_error * factors.of_error,
    }


def evidence_rows(
    panel: Panel,
    problem: Problem,
    grids: tuple[TransformGrid, ...],
    *,
    units: tuple[str, ...],
    tests: Iterable[LiftTest],
    beliefs: dict[str, Belief],
    n_training: int,
    exposure_scale: np.ndarray,
    worth: np.ndarray,
    carryover_weeks: int,
    half_life_weeks: float,
) -> list[EvidenceRow]:
    """Return a run's evidence: lift tests of its channels in their order, then beliefs in ROI.

    Parameters
    ----------
    panel : Panel
        The run's channels only, up to the last training week.
    grids, units
        The grid and the media unit of each channel, (C,).
    exposure_scale : ndarray, (J, C)
    worth : ndarray, (J, T)
        KPI that one unit of the model's scale stands for, by geo and week of the panel.
    """
    out = []
    place = {channel: c for c, channel in enumerate(panel.channels)}
    years = years_of_training(panel.weeks, panel.weeks[-n_training], panel.weeks[-1])
    for test in tests:
        if test.channel_id not in place:
            continue
        c = place[test.channel_id]
        factors = error_factors(
            test, panel, c, grids[c], problem.log_prior[c], carryover_weeks, half_life_weeks
        )
        d = effect_per_coefficient(
            test,
            panel,
            c,
            exposure_scale[:, c],
            worth,
            grids[c],
            carryover_weeks,
            years,
            unit=units[c],
        )
        weeks, geos = window_of(test, panel)
        names = [geo for geo, on in zip(panel.geos, geos, strict=True) if on]
        row = Evidence(c, d, test.lift, test.standard_error * factors.of_error)
        facts = _facts(test.source, test, panel.weeks[weeks], names, factors)
        out.append(EvidenceRow(row, facts))
    weeks = panel.weeks[-n_training:]
    for channel, belief in sorted(beliefs.items()):
        if channel not in place:
            continue
        c = place[channel]
        spend = float(panel.spend[:, -n_training:, c].sum())
        row = roi_evidence(belief, c, training_effect(problem, c, worth), spend)
        if row is not None:
            window = (str(weeks[0]), str(weeks[-1]))
            said = LiftTest(f"roi:{channel}", channel, (), *window, spend, 0.0, row.lift, row.se)
            facts = _facts("roi_belief", said, weeks, list(panel.geos), ErrorFactors(1.0, 1.0, 1.0))
            out.append(EvidenceRow(row, facts))
    return out


def training_effect(problem: Problem, channel: int, worth: np.ndarray) -> np.ndarray:
    """Return the effect over the training weeks that a coefficient of one stands for: (J, G)."""
    media = problem.media[channel]  # (J, G, training weeks)
    return np.einsum("jgt,jt->jg", media, worth[:, -media.shape[2] :])


def effect_draws(d: np.ndarray, channel: int, chains: Chains) -> np.ndarray:
    """Return draws of `sum_j b_j d_j` for d (J, G), all chains one after another: (K * N,)."""
    grid = chains.grid[..., channel]  # (K, N)
    return np.einsum("knj,jkn->kn", chains.coef[..., channel], d[:, grid]).ravel()


def all_effects(wholes: list[np.ndarray], chains: Chains) -> Effects:
    """Return every channel's effects over the training weeks, for a coefficient of one (J, G)."""
    draws = np.stack([effect_draws(whole, c, chains) for c, whole in enumerate(wholes)])
    return Effects(draws, effective_draws(draws, len(chains.grid)))


def is_settled(channel: int, d: np.ndarray, whole: np.ndarray, chains: Chains) -> bool:
    """Say whether a channel's effects (J, G) are known well enough for a comparison."""
    n_chains = len(chains.grid)
    draws = [effect_draws(each, channel, chains).reshape(n_chains, -1) for each in (d, whole)]
    rhat, bulk, tail = convergence(np.stack(draws, axis=2))
    return bool((rhat < SETTLED_RHAT).all() and (np.minimum(bulk, tail) >= SETTLED_ESS).all())


def judge_evidence(
    rows: list[EvidenceRow],
    problem: Problem,
    chains: Chains,
    *,
    channels: Channels,
    worth: np.ndarray,
    refit: Callable[[Problem, int, Callable[[Chains], bool]], Chains],
) -> list[dict[str, Any]]:
    """Compare the posterior with what it would be without each row.

    Parameters
    ----------
    channels : Channels
        Return is not given where the spend is zero.
    worth : ndarray, (J, T)
        As in `evidence_rows`.
    refit : callable
        Fits a problem; the second argument tells the random numbers of refits apart, the third says
        whether its chains are enough.

    Returns
    -------
    list of dict
        The rows' facts; effects of the test's window and returns before and after; `shift`, the
        channel's training effect after minus before in standard deviations of before; `z_score`,
        lift minus the effect before over the spread of both; and how before was found. `moves` has
        the same of every channel's training effect (`moves_of_a_row`).
    """
    if not rows:
        return []
    out, spend = [], channels.spend
    wholes = [training_effect(problem, c, worth) for c in range(len(spend))]
    totals = all_effects(wholes, chains)
    for i, row in enumerate(rows):
        mine, c = row.evidence, row.evidence.channel
        effect, total = effect_draws(mine.d, c, chains), totals.draws[c]
        weight, k = smoothed_weights(0.5 * ((mine.lift - effect) / mine.se) ** 2)
        even = np.full(len(effect), 1.0 / len(effect))
        found = {"method": "reweighted", "pareto_k": k if np.isfinite(k) else None}
        before_effect, before_totals = effect, totals
        if k > TRUSTED_K or effect.var() > MOST_INFORMATION * mine.se**2:
            others = tuple(r.evidence for n, r in enumerate(rows) if n != i)
            again = refit(
                replace(problem, evidence=others), i, partial(is_settled, c, mine.d, wholes[c])
            )
            before_effect = effect_draws(mine.d, c, again)
            before_totals = all_effects(wholes, again)
            weight = np.full(len(before_effect), 1.0 / len(before_effect))
            found["method"] = "refitted"
        found["effective_draws"] = float(1.0 / (weight**2).sum())
        mean, sd, levels = weighted_summary(before_effect, weight)
        found |= range_values("effect_before", mean, levels)
        found["z_score"] = (mine.lift - mean) / float(np.hypot(mine.se, sd))
        mean, _, levels = weighted_summary(effect, even)
        found |= range_values("effect_after", mean, levels)
        before, sd, levels_before = weighted_summary(before_totals.draws[c], weight)
        after, sd_after, levels_after = weighted_summary(total, even)
        found["shift"] = (after - before) / sd if sd > 0 else None
        found["narrowing"] = 1.0 - sd_after / sd if sd > 0 else None
        if spend[c] > 0:
            found |= range_values("roi_before", before, levels_before, over=spend[c])
            found |= range_values("roi_after", after, levels_after, over=spend[c])
        found["moves"] = moves_of_a_row(channels, c, totals, before_totals, weight, effect)
        out.append(row.facts | found)
    return out
