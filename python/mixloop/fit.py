"""Fit one model to one panel: scale the inputs, run the chains, judge them, keep joint draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from mixloop.between import Kept, between_steps
from mixloop.calibration import EvidenceRow, evidence_rows, judge_evidence
from mixloop.convergence import Judge
from mixloop.design import GROUP_SCALES, GROUPS, Design, build_design
from mixloop.evidence_moves import Channels
from mixloop.experiments import LiftTest
from mixloop.forms import FORMS, scale_of, scaled
from mixloop.geos import exposure_intensity
from mixloop.panel import Panel
from mixloop.pooling import Pool, exposure_weights
from mixloop.posterior import (
    ADDITIVE,
    MULTIPLICATIVE,
    TRANSFORM_COLUMNS,
    Posterior,
)
from mixloop.priors import Belief, channel_log_prior
from mixloop.problem import Problem
from mixloop.reach import UNITS, grids_of, transform_channels
from mixloop.sampler import Chains, run_chains
from mixloop.signed import Signed
from mixloop.transforms import TransformGrid, years_of_training
from mixloop.variants import knot_spacing

# Groups that the data often shrink to nothing jump once a sweep, the hinges (few histories have
# real changes of trend) twice.
JUMPING_GROUPS = ("hinge", "hinge", "season", "event", "context")

BACKTEST_DRAWS = 400


@dataclass(frozen=True)
class FitSettings:
    """How to fit.

    Attributes
    ----------
    chains : int
        Independent chains, two or more.
    warmup, sweeps : int
        Sweeps thrown away and kept, for each chain.
    max_sweeps : int
        A fit that has not converged goes on, `sweeps` at a time, up to this many for each chain.
    draws : int
        Joint draws kept after thinning, all chains together; at most chains x sweeps.
    seed : int
        Seed of the fit's one random generator.
    channel_share_scale : float
        Prior scale of a channel's average share of the KPI, for channels without a prior of
        their own; above zero.
    carryover_weeks : int
        Longest lag of the adstock kernels.
    pool_spread : float
        Prior relative spread of the returns of channels that are drawn together; above zero.
    evidence_half_life_weeks : float
        Weeks after which the variance of a lift test counts double; above zero.
    """

    chains: int = 4
    warmup: int = 250
    sweeps: int = 500
    max_sweeps: int = 4000
    draws: int = 1000
    seed: int = 20240101
    channel_share_scale: float = 0.06
    carryover_weeks: int = 12
    pool_spread: float = 0.3
    evidence_half_life_weeks: float = 52.0

    def __post_init__(self) -> None:
        if self.draws > self.chains * self.sweeps or self.draws < self.chains:
            raise ValueError(
                f"draws must be between chains and chains x sweeps = {self.chains * self.sweeps}, "
                f"not {self.draws}: set mixloop__draws, mixloop__chains or mixloop__sweeps"
            )
        if not self.channel_share_scale > 0:
            raise ValueError(
                f"mixloop__channel_share_scale must be above zero, not {self.channel_share_scale}"
            )
        if not self.pool_spread > 0:
            raise ValueError(f"mixloop__pool_spread must be above zero, not {self.pool_spread}")
        if not self.evidence_half_life_weeks > 0:
            raise ValueError(
                "mixloop__evidence_half_life_weeks must be above zero, not "
                f"{self.evidence_half_life_weeks}"
            )


def settings_of(run_kind: str, settings: FitSettings) -> FitSettings:
    """Return how to fit a run of a kind.

    A backtest's draws only become scores, and meet a lower bar (`CONVERGED`): it starts with half
    the warm-up, is judged four times as often so that it stops when it meets the bar, and keeps no
    more draws than sweeps of that many are worth.

    Examples
    --------
    >>> how = settings_of("backtest", FitSettings())
    >>> how.warmup, how.sweeps, how.max_sweeps, how.draws
    (125, 125, 4000, 400)
    """
    if run_kind != "backtest":
        return settings
    sweeps = max(settings.sweeps // 4, min(settings.sweeps, 8))
    return replace(
        settings,
        warmup=settings.warmup // 2,
        sweeps=sweeps,
        draws=min(settings.draws, BACKTEST_DRAWS, settings.chains * sweeps),
    )


@dataclass(frozen=True)
class FitTask:
    """What to fit: one model, trained to one week.

    Attributes
    ----------
    panel : Panel
        History up to the last training week; the lead-in comes before the training window.
    n_training : int
        The last weeks of the panel that are the training window.
    media_units : dict of str to str
        `spend`, `impressions` or `reach_frequency` by channel.
    share_of_kpi : dict of str to float
        The client's prior scale of the share of KPI, for channels that have one.
    pools : dict of str to str
        The pool of each channel that is drawn together with siblings.
    signs : dict of str to int
        1 or -1 for drivers whose effect on the KPI has a known sign.
    lift_tests : tuple of LiftTest
        Tests known at the last training week.
    beliefs : dict of str to Belief
        What the client believes of channels, for those with a view.
    variant : str
        Of a run of kind `specification`: what it does otherwise (`variants`); else empty.
    kpi_form : str
        `additive`, or `multiplicative` for a KPI whose log is the sum of the parts.
    """

    run_id: str
    run_kind: str
    model_id: str
    kpi: str
    panel: Panel
    n_training: int
    media_units: dict[str, str]
    share_of_kpi: dict[str, float]
    pools: dict[str, str] = field(default_factory=dict)
    signs: dict[str, int] = field(default_factory=dict)
    lift_tests: tuple[LiftTest, ...] = ()
    beliefs: dict[str, Belief] = field(default_factory=dict)
    kpi_form: str = ADDITIVE
    variant: str = ""

    def __post_init__(self) -> None:
        if self.kpi_form not in FORMS:
            raise ValueError(
                f"model {self.model_id!r}: kpi_form must be one of {', '.join(FORMS)}, not "
                f"{self.kpi_form!r}"
            )
        odd = {channel: unit for channel, unit in self.media_units.items() if unit not in UNITS}
        if odd:
            raise ValueError(
                f"model {self.model_id!r}: media_unit must be one of {', '.join(UNITS)}: {odd}"
            )


@dataclass(frozen=True)
class Fit:
    """A posterior with its convergence and what could not be fitted.

    Attributes
    ----------
    posterior : Posterior
    diagnostics : dict of str to ndarray, (J, 3)
        R-hat, bulk and tail effective sample size by term and geo.
    n_sweeps : int
        Sweeps kept for each chain, before thinning.
    dropped_channels, dropped_drivers : tuple of str
        Channels without any exposure, drivers without any variation, in the training window.
    evidence : tuple of dict
        Live runs: how far each row of evidence moved the channels; see `judge_evidence`.
    """

    posterior: Posterior
    diagnostics: dict[str, np.ndarray]
    n_sweeps: int
    dropped_channels: tuple[str, ...]
    dropped_drivers: tuple[str, ...]
    evidence: tuple[dict[str, Any], ...] = ()


def exposure_scales(exposure: np.ndarray) -> np.ndarray:
    """Return the training maximum of each geo and channel, (J, C), from exposure (J, T, C).

    A geo where a channel never ran borrows the mean of the channel's other geos, so that a first
    campaign there is measured on a scale that has been seen.
    """
    scale = exposure.max(axis=1)
    active = scale > 0
    count = np.maximum(active.sum(axis=0), 1)
    return np.where(active, scale, scale.sum(axis=0) / count)


def pooled(channels: tuple[str, ...], pools: dict[str, str]) -> dict[str, str]:
    """Return the pool of each channel that shares it with another one.

    Examples
    --------
    >>> pooled(("brand", "retail", "tv"), {"brand": "social", "performance": "social"})
    {}
    >>> pooled(("brand", "performance", "tv"), {"brand": "social", "performance": "social"})
    {'brand': 'social', 'performance': 'social'}
    """
    own = {c: pools[c] for c in channels if c in pools}
    return {c: pool for c, pool in own.items() if list(own.values()).count(pool) > 1}


def _pools(panel: Panel, task: FitTask, settings: FitSettings) -> tuple[Pool, ...]:
    """Return the sampler's pools, sorted by name, with weights from the training weeks."""
    pool_of = pooled(panel.channels, task.pools)
    out = []
    for name in sorted(set(pool_of.values())):
        members = np.flatnonzero([pool_of.get(c) == name for c in panel.channels])
        units = tuple(task.media_units[panel.channels[c]] for c in members)
        weight = exposure_weights(panel.exposure[:, -task.n_training :, members], units)
        out.append(Pool(members, weight, settings.pool_spread))
    return tuple(out)


def _signed(design: Design) -> Signed | None:
    """Return the columns of a design whose coefficients have a known sign."""
    is_signed = design.sign != 0
    if not is_signed.any():
        return None
    sign = design.sign[is_signed].astype(float)
    return Signed(design.values[:, :, is_signed], sign, design.group[is_signed])


def _require_positive(panel: Panel, outcome: np.ndarray, task: FitTask) -> None:
    """Raise when some training week has no log."""
    bad = np.argwhere(outcome <= 0.0)
    if len(bad):
        weeks = panel.weeks[-task.n_training :]
        first = [f"{weeks[t]} in {panel.geos[j]}: {outcome[j, t]:g}" for j, t in bad[:5]]
        raise ValueError(
            f"model {task.model_id!r}: the KPI {task.kpi!r} is zero or below in {len(bad)} "
            f"training weeks, first {first}: a multiplicative KPI must be above zero in every "
            "week; correct the outcomes or set kpi_form to additive"
        )


def _years(panel: Panel, task: FitTask) -> np.ndarray:
    """Return the years of drift of every week, (T,)."""
    return years_of_training(panel.weeks, panel.weeks[-task.n_training], panel.weeks[-1])


def _transformed(
    panel: Panel,
    scale: np.ndarray,
    channel: int,
    grid: TransformGrid,
    units: tuple[str, ...],
    task: FitTask,
    settings: FitSettings,
) -> np.ndarray:
    """Return a channel's exposure in the training weeks under each point of a grid, (J, G, T)."""
    at = slice(channel, channel + 1)
    media = transform_channels(
        (panel.exposure / scale[:, None, :])[..., at],
        None if panel.frequency is None else panel.frequency[..., at],
        (grid,),
        units[at],
        settings.carryover_weeks,
        _years(panel, task),
    )
    return media[0][..., -task.n_training :]


def _problem(
    panel: Panel,
    design: Design,
    grids: tuple[TransformGrid, ...],
    task: FitTask,
    settings: FitSettings,
) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Scale KPI and media; return the sampler's problem, kpi_scale (J,), exposure_scale (J, C)."""
    outcome = panel.outcome[:, -task.n_training :]
    if task.kpi_form == MULTIPLICATIVE:
        _require_positive(panel, outcome, task)
    kpi_scale = scale_of(outcome, task.kpi_form)
    if not (np.isfinite(kpi_scale) & (kpi_scale > 0)).all():
        bad = [g for g, s in zip(panel.geos, kpi_scale, strict=True) if not s > 0]
        raise ValueError(
            f"model {task.model_id!r}: the KPI {task.kpi!r} is zero, negative or missing on "
            f"average in geos {bad[:5]}: check the outcomes of these geos"
        )
    scale = exposure_scales(panel.exposure[:, -task.n_training :])
    units = tuple(task.media_units[c] for c in panel.channels)
    media = transform_channels(
        panel.exposure / scale[:, None, :],
        panel.frequency,
        grids,
        units,
        settings.carryover_weeks,
        _years(panel, task),
    )
    free = design.sign == 0
    share = [task.share_of_kpi.get(c, settings.channel_share_scale) for c in panel.channels]
    beliefs = [task.beliefs.get(c, Belief()) for c in panel.channels]
    problem = Problem(
        y=scaled(outcome, kpi_scale, task.kpi_form),
        media=media[..., -task.n_training :],
        log_prior=np.stack(
            [
                channel_log_prior(grid, settings.carryover_weeks, belief)
                for grid, belief in zip(grids, beliefs, strict=True)
            ]
        ),
        baseline=design.values[:, :, free],
        group=design.group[free],
        group_scale=np.array(list(GROUP_SCALES.values())),
        is_fixed=np.array([name == "level" for name in GROUP_SCALES]),
        jumps=np.array([GROUPS.index(name) for name in JUMPING_GROUPS]),
        share_scale=np.array(share),
        pools=_pools(panel, task, settings),
        signed=_signed(design),
        intensity=exposure_intensity(panel.exposure[:, -task.n_training :], kpi_scale),
        has_shocks=True,
    )
    return problem, kpi_scale, scale


def worth_of_a_unit(panel: Panel, kpi_scale: np.ndarray, kpi_form: str) -> np.ndarray:
    """Return the KPI that one unit of the model's scale stands for, by geo and week: (J, T).

    A unit of a sum is an average week. A log point of a product is a share of the week's own KPI,
    to first order; where that is unknown, of an average week's.
    """
    average = np.repeat(kpi_scale[:, None], len(panel.weeks), axis=1)
    if kpi_form == MULTIPLICATIVE:
        return np.where(np.isfinite(panel.outcome), panel.outcome, average)
    return average


def _evidence(
    panel: Panel,
    problem: Problem,
    grids: tuple[TransformGrid, ...],
    scales: tuple[np.ndarray, np.ndarray],
    task: FitTask,
    settings: FitSettings,
) -> list[EvidenceRow]:
    """Return the run's evidence; `scales` are those of KPI and exposure."""
    return evidence_rows(
        panel,
        problem,
        grids,
        units=tuple(task.media_units[c] for c in panel.channels),
        tests=task.lift_tests,
        beliefs=task.beliefs,
        n_training=task.n_training,
        worth=worth_of_a_unit(panel, scales[0], task.kpi_form),
        exposure_scale=scales[1],
        carryover_weeks=settings.carryover_weeks,
        half_life_weeks=settings.evidence_half_life_weeks,
    )


def _thin(values: np.ndarray, draws: int) -> np.ndarray:
    """Keep evenly spaced sweeps of (K, N, ...) chains, chain after chain: (S, ...)."""
    k, n = values.shape[:2]
    flat = values.reshape(k * n, *values.shape[2:])
    return flat[np.linspace(0, k * n - 1, draws).round().astype(int)]


def fit(task: FitTask, settings: FitSettings) -> Fit:
    """Fit a model and keep its joint draws.

    The linear algebra runs on one thread, so that the draws do not depend on the machine's cores;
    independent fits are what runs side by side.

    Raises
    ------
    ValueError
        When no channel has any exposure, or the KPI has no positive mean.
    """
    training = task.panel.exposure[:, -task.n_training :]
    active = (training > 0).any(axis=(0, 1))
    channels = tuple(c for c, on in zip(task.panel.channels, active, strict=True) if on)
    dropped = tuple(c for c in task.panel.channels if c not in channels)
    if not channels:
        raise ValueError(
            f"model {task.model_id!r}: none of its channels has media in the "
            f"{task.n_training} training weeks: check channel_mapping and the media dates"
        )
    panel = task.panel.select_channels(channels)
    units = tuple(task.media_units[c] for c in channels)
    grids = grids_of(units, has_drift=any(b.drift_per_year for b in task.beliefs.values()))
    design = build_design(panel, task.n_training, task.signs, knot_spacing(task.variant))
    with threadpool_limits(limits=1):
        problem, kpi_scale, scale = _problem(panel, design, grids, task, settings)
        rows = _evidence(panel, problem, grids, (kpi_scale, scale), task, settings)
        problem = replace(problem, evidence=tuple(row.evidence for row in rows))

        columns = tuple(column.name for column in design.columns)
        judge = Judge(channels, columns, problem.pools, task.run_kind)

        def run(
            asked: Problem,
            how: FitSettings,
            seed: int | tuple[int, ...],
            is_enough: Callable[[Chains], bool],
        ) -> Chains:
            return run_chains(
                asked,
                n_chains=how.chains,
                warmup=how.warmup,
                sweeps=how.sweeps,
                max_sweeps=how.max_sweeps,
                is_enough=is_enough,
                rng=np.random.default_rng(seed),
            )

        chains = run(problem, settings, settings.seed, judge.is_enough)
        # only one channel's effect is asked of a refit, which takes fewer sweeps
        half = max(settings.sweeps // 2, 8)
        shorter = replace(settings, warmup=settings.warmup // 2, sweeps=half, draws=settings.chains)
        worth = worth_of_a_unit(panel, kpi_scale, task.kpi_form)
        judgement = judge_evidence(
            rows if task.run_kind == "live" else [],
            problem,
            chains,
            channels=Channels(
                channels,
                panel.exposure[:, -task.n_training :],
                panel.spend[:, -task.n_training :].sum(axis=(0, 1)),
                float(worth[:, -task.n_training :].sum()),
                tuple(pool.members for pool in problem.pools),
            ),
            worth=worth,
            refit=lambda asked, i, is_enough: run(
                asked, shorter, (settings.seed, 1 + i), is_enough
            ),
        )
    names = ("coef", "baseline_coef", "sigma", "rho", "last_error")
    kept = Kept(
        _thin(chains.grid, settings.draws),
        **{name: _thin(getattr(chains, name), settings.draws) for name in names},
    )
    points, moved = kept.points, {}
    if task.run_kind != "backtest":
        with threadpool_limits(limits=1):
            found = between_steps(
                problem,
                grids,
                lambda c, grid: _transformed(panel, scale, c, grid, units, task, settings),
                kept,
                np.random.default_rng((settings.seed, 10**6)),
            )
        moved = dict(zip(("decay", "coef", "last_error"), found, strict=True))

    def drawn(name: str) -> np.ndarray:  # (S, C)
        columns = [np.array(getattr(grid, name))[points[:, c]] for c, grid in enumerate(grids)]
        return np.stack(columns, axis=1)

    posterior = Posterior(
        run_id=task.run_id,
        run_kind=task.run_kind,
        model_id=task.model_id,
        kpi=task.kpi,
        geos=panel.geos,
        channels=channels,
        media_units=units,
        first_week=panel.weeks[-task.n_training],
        last_week=panel.weeks[-1],
        kpi_scale=kpi_scale,
        exposure_scale=scale,
        carryover_weeks=settings.carryover_weeks,
        baseline=design.columns,
        **{name: drawn(name) for name in TRANSFORM_COLUMNS if name != "decay"},
        decay=moved.get("decay", drawn("decay")),
        coef=moved.get("coef", kept.coef),
        baseline_coef=kept.baseline_coef,
        sigma=kept.sigma,
        rho=kept.rho,
        last_error=moved.get("last_error", kept.last_error),
        shock_share=_thin(chains.shock_share, settings.draws),
        pools=pooled(channels, task.pools),
        kpi_form=task.kpi_form,
    )
    return Fit(
        posterior,
        judge.found(chains),
        chains.grid.shape[1],
        dropped,
        design.dropped,
        tuple(judgement),
    )
