"""What a run believed before it saw the data, beside what it believes after.

The prior is drawn from, as it stands in `gibbs`, `pooling`, `priors` and `design`; nothing is
fitted. Scales with a half-Cauchy prior have no mean, so shares and returns have none either: their
medians and 90% ranges are compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy.special import ndtr, ndtri

from mixloop.design import GROUP_SCALES, WEEKS_PER_YEAR, group_of
from mixloop.evaluate import align, baseline_of, training_weeks
from mixloop.forms import is_multiplicative
from mixloop.geos import SPREAD_PRIOR, exposure_intensity
from mixloop.importance import range_values, weighted_summary
from mixloop.panel import Panel
from mixloop.pooling import exposure_weights
from mixloop.posterior import Posterior
from mixloop.priors import (
    RANGE_90,
    Belief,
    channel_log_prior,
    grid_half_lives,
    grid_saturations,
)
from mixloop.reach import grids_of
from mixloop.schemas import PRIORS, conform
from mixloop.shapes import distinct_shapes
from mixloop.transforms import half_life_weeks

DRAWS = 20_000
LARGEST_BLOCK = 2_000_000  # numbers drawn at a time
LARGEST_LOG = 300.0  # draws of a prior with heavy tails, held below what a double can be
BINS = 20  # of the prior, for the area that prior and posterior share


@dataclass(frozen=True)
class Known:
    """A run and the training data that its prior is stated in.

    Attributes
    ----------
    run : Posterior
    asked : mapping
        The run's configuration.
    exposure : ndarray, (J, T, C)
        Training weeks.
    spend : ndarray, (C,)
        Training spend, geos together.
    kpi : ndarray, (J,)
        KPI over all training weeks, at its training mean (of a product its geometric mean, so that
        effects are log points of an average week).
    """

    run: Posterior
    asked: Mapping[str, Any]
    exposure: np.ndarray
    spend: np.ndarray
    kpi: np.ndarray

    def belief(self, channel: str) -> Belief:
        """Return what the client believes of a channel."""
        return Belief(**self.asked.get("beliefs", {}).get(channel, {}))


def _around_centre(intensity: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw shares over their prior scale, as in `geos`: (n, J, U) for intensities (U, J).

    One geo is its own centre.
    """
    n_units, n_geos = intensity.shape
    centre = np.abs(rng.standard_normal((n, 1, n_units)))
    if n_geos == 1:
        return centre
    middle, sd = SPREAD_PRIOR
    spread = np.exp(middle + sd * rng.standard_normal((n, 1, n_units)))
    low = ndtr(-1.0 / spread)
    ratio = 1.0 + spread * ndtri(low + (1.0 - low) * rng.random((n, n_geos, n_units)))
    return centre * ratio * (intensity / intensity.mean(axis=1, keepdims=True)).T


def _half_normal_shares(known: Known, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw every channel's share of each geo's KPI from the prior: (n, J, C)."""
    run, asked = known.run, known.asked
    n_geos, n_channels = len(run.geos), len(run.channels)
    given, default = asked["share_of_kpi"], asked["channel_share_scale"]
    scale = np.array([given.get(channel, default) for channel in run.channels])
    tau = np.abs(rng.standard_cauchy(n))[:, None, None]
    intensity = exposure_intensity(known.exposure, run.kpi_scale)
    out = tau * np.abs(rng.standard_cauchy((n, 1, n_channels))) * scale
    out = out * _around_centre(intensity, n, rng)
    for pool in sorted(set(run.pools.values())):
        members = np.flatnonzero([run.pools.get(channel) == pool for channel in run.channels])
        units = tuple(run.media_units[c] for c in members)
        weight = exposure_weights(known.exposure[:, :, members], units)  # (n, J)
        strength = (intensity[members] * weight).sum(axis=0)
        total = _around_centre(strength[None], n, rng)[:, :, 0] * tau[:, :, 0]
        total *= np.abs(rng.standard_cauchy((n, 1))) * scale[members].sum()
        for m, c in enumerate(members):
            low = ndtr(-1.0 / asked["pool_spread"])
            u = low + (1.0 - low) * rng.random((n, n_geos))
            out[:, :, c] = weight[m] * total * (1.0 + asked["pool_spread"] * ndtri(u))
    return out


def _effects(known: Known, ran: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw each channel's training effect from the prior: (draws, C).

    Parameters
    ----------
    ran : ndarray of bool, (J, C)
        Where the channel ran at all.
    """
    block = min(DRAWS, max(LARGEST_BLOCK // ran.size, 1))  # many geos need no more memory
    sizes = [min(block, DRAWS - start) for start in range(0, DRAWS, block)]
    drawn = [
        np.einsum("njc,j->nc", _half_normal_shares(known, n, rng) * ran, known.kpi) for n in sizes
    ]
    return np.concatenate(drawn)


def _told(known: Known, effect: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw each channel's training effects again, by its own belief in the return: (draws, C)."""
    out = effect.copy()
    for c, channel in enumerate(known.run.channels):
        belief = known.belief(channel)
        if belief.roi_low is None or not known.spend[c] > 0:
            continue
        middle = 0.5 * (belief.roi_low + belief.roi_high)
        spread = (belief.roi_high - belief.roi_low) / RANGE_90
        misfit = (effect[:, c] / known.spend[c] - middle) / spread
        weight = np.exp(-0.5 * (misfit**2 - (misfit**2).min()))
        out[:, c] = rng.choice(effect[:, c], size=DRAWS, p=weight / weight.sum())
    return out


def _prior_year(
    known: Known, panel: Panel, media_share: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draw the KPI of an average year, geos together, from the prior: (draws,)."""
    run = known.run
    keep = training_weeks(run, panel)
    mean = baseline_of(run, panel).values[:, keep].mean(axis=1)  # (J, P)
    groups = [group_of(column.name) for column in run.baseline]
    scale = {}
    for group in dict.fromkeys(groups):
        learned = np.abs(rng.standard_cauchy(DRAWS)) if group != "level" else np.ones(DRAWS)
        scale[group] = GROUP_SCALES[group] * learned
    weekly = np.zeros((DRAWS, len(run.geos)))
    for j in range(len(run.geos)):
        for p, group in enumerate(groups):
            drawn = scale[group] * rng.standard_normal(DRAWS)
            weekly[:, j] += mean[j, p] * drawn
    return _year(run, weekly, media_share)


def _year(run: Posterior, baseline: np.ndarray, media_share: np.ndarray) -> np.ndarray:
    """Return the KPI of a year from an average week's baseline (draws, J) and media: (draws,).

    Of a product the parts of an average week are log points.
    """
    if is_multiplicative(run):
        logs = np.minimum(baseline + media_share[:, None], LARGEST_LOG)
        return WEEKS_PER_YEAR * (np.exp(logs) * run.kpi_scale).sum(axis=1)
    return WEEKS_PER_YEAR * (baseline @ run.kpi_scale + media_share * run.kpi_scale.sum())


def compare(
    prior: np.ndarray, posterior: np.ndarray, *, weight: np.ndarray | None = None, has_mean: bool
) -> dict[str, Any]:
    """Return ranges of both and how far apart they are.

    Parameters
    ----------
    prior, posterior : ndarray
        Draws; the prior's may be points with `weight`, which sum to one.
    has_mean : bool
        Whether the prior has a mean at all.

    Returns
    -------
    dict
        Ranges as columns; `shift`, the medians' difference in standard deviations that the prior's
        90% range stands for; `narrowing`, one minus the posterior's 90% range over the prior's;
        `overlap`, the area that both share.
    """
    weight = np.full(len(prior), 1.0 / len(prior)) if weight is None else weight
    even = np.full(len(posterior), 1.0 / len(posterior))
    mean, _, levels = weighted_summary(prior, weight)
    after, _, levels_after = weighted_summary(posterior, even)
    width = levels[2] - levels[0]
    edges = np.unique(np.append(np.quantile(prior, np.arange(1, BINS) / BINS), np.inf))
    shares = [
        np.bincount(np.searchsorted(edges, draws), weights=w, minlength=len(edges))
        for draws, w in ((prior, weight), (posterior, even))
    ]
    return {
        **range_values("prior", mean if has_mean else np.nan, levels),
        **range_values("posterior", after, levels_after),
        "shift": (levels_after[1] - levels[1]) / (width / RANGE_90) if width > 0 else np.nan,
        "narrowing": 1.0 - (levels_after[2] - levels_after[0]) / width if width > 0 else np.nan,
        "overlap": float(np.minimum(*shares).sum()),
    }


def _channel_rows(
    known: Known, prior_effect: np.ndarray, posterior_effect: np.ndarray
) -> list[dict[str, Any]]:
    """Return the rows of every channel."""
    run, rows, grids = known.run, [], grids_of(known.run.media_units)
    shapes = distinct_shapes(run)
    kpi = known.kpi.sum()
    for c, channel in enumerate(run.channels):
        belief, shape, grid = known.belief(channel), shapes[c], grids[c]
        weight = np.exp(channel_log_prior(grid, run.carryover_weeks, belief))
        is_told = belief.roi_low is not None and known.spend[c] > 0
        effects = prior_effect[:, c], posterior_effect[:, c]
        share = "client" if channel in known.asked["share_of_kpi"] or is_told else "default"
        found = {"share_of_kpi": (share, compare(*(e / kpi for e in effects), has_mean=is_told))}
        if known.spend[c] > 0:
            roi = compare(*(e / known.spend[c] for e in effects), has_mean=is_told)
            found["roi"] = ("client" if is_told else "default", roi)
        half_lives = half_life_weeks(shape.weights)[shape.kernel_of][shape.which]
        if shape.is_reach:
            saturation = "half_frequency", grid.half, run.half[:, c], belief.half_frequency_low
        else:
            reached = shape.saturated(np.ones(run.carryover_weeks + 1), 1.0)[:, -1][shape.which]
            saturation = "saturation", grid_saturations(grid), reached, belief.saturation_low
        for name, points, draws, low in (
            (
                "half_life_weeks",
                grid_half_lives(grid, run.carryover_weeks),
                half_lives,
                belief.half_life_low_weeks,
            ),
            saturation,
        ):
            both = compare(points, draws, weight=weight, has_mean=True)
            found[name] = ("default" if low is None else "client", both)
        rows += [
            {"channel_id": channel, "quantity": quantity, "prior_source": source} | values
            for quantity, (source, values) in found.items()
        ]
    return rows


def prior_rows(
    run: Posterior, panel: Panel, asked: Mapping[str, Any], rng: np.random.Generator
) -> pl.DataFrame:
    """Return `schemas.PRIORS` of one run.

    Parameters
    ----------
    panel : Panel
        The model's history.
    asked : mapping
        The run's configuration, as in the ledger.
    rng : numpy.random.Generator
        Draws the prior.
    """
    panel = align(run, panel)
    keep = training_weeks(run, panel)
    exposure = panel.exposure[:, keep]
    n_weeks = int(keep.sum())
    known = Known(
        run, asked, exposure, panel.spend[:, keep].sum(axis=(0, 1)), run.kpi_scale * n_weeks
    )
    ran = exposure.max(axis=1) > 0  # (J, C)
    prior_effect = _told(known, _effects(known, ran, rng), rng)

    shapes = distinct_shapes(run)
    posterior_effect = np.zeros((len(run.coef), len(run.channels)))
    for c, shape in enumerate(shapes):
        for j in range(len(run.geos)):
            scale = run.exposure_scale[j, c]
            often = panel.frequency_of(c, j)
            response = shape.saturated(
                panel.exposure[j, :, c], scale, run.years(panel.weeks), often
            )
            total = response[:, keep].sum(axis=1)[shape.which]
            posterior_effect[:, c] += total * run.coef[:, j, c] * run.kpi_scale[j]

    rows = _channel_rows(known, prior_effect, posterior_effect)
    total = prior_effect.sum(axis=1) / known.kpi.sum(), posterior_effect.sum(axis=1)
    rows.append(
        {"channel_id": "all", "quantity": "share_of_kpi", "prior_source": "default"}
        | compare(total[0], total[1] / known.kpi.sum(), has_mean=False)
        | {"p_above_one": float((total[0] > 1.0).mean())}
    )
    years = baseline_of(run, panel).values[:, keep].mean(axis=1)  # (J, P)
    baseline = np.einsum("sjp,jp->sj", run.baseline_coef, years)
    after = _year(run, baseline, total[1] / known.kpi.sum())
    rows.append(
        {"channel_id": "all", "quantity": "kpi_per_year", "prior_source": "default"}
        | compare(_prior_year(known, panel, total[0], rng), after, has_mean=False)
    )
    facts = {"run_id": run.run_id, "model_id": run.model_id}
    frame = pl.DataFrame([dict.fromkeys(PRIORS) | facts | row for row in rows], schema=PRIORS)
    numbers = [name for name, kind in PRIORS.items() if kind == pl.Float64()]
    return conform(
        frame.with_columns(
            pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in numbers
        ),
        PRIORS,
    )
