"""What a run learned: posterior draws and all that is needed to evaluate them at any week."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from mixloop.schemas import POSTERIOR
from mixloop.transforms import years_of_training

ADDITIVE, MULTIPLICATIVE = "additive", "multiplicative"  # what `forms` makes of them


@dataclass(frozen=True)
class BaselineColumn:
    """One column of the baseline, evaluated at week t of geo j as `(raw - center_j) / scale_j`.

    Attributes
    ----------
    name : str
        `level`, `trend`, `hinge:<ISO week>`, `season:sin1`, `season:cos1`, ... or a driver's name.
    component : str
        The published component it adds to: `level`, `trend`, `season` or the driver's name.
    center, scale : ndarray, (J,)
        Fixed at training; scale is above zero.
    """

    name: str
    component: str
    center: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Posterior:
    """S joint draws of a model with J geos, C channels and P baseline columns.

    All effects are in shares of an average training week: multiply by `kpi_scale` for KPI units.
    Those of a multiplicative KPI are in log points: `forms` turns them into KPI units.

    Attributes
    ----------
    model_id, kpi, run_kind, run_id : str
    geos, channels : tuple of str
    media_units : tuple of str, (C,)
        `spend`, `impressions` or `reach_frequency` (`reach`).
    first_week, last_week : datetime64[D]
        First and last training week. Trend and seasons count from `first_week`.
    kpi_scale : ndarray, (J,)
        Training mean of the KPI; of a multiplicative one its geometric mean.
    exposure_scale : ndarray, (J, C)
        Training maximum of weekly exposure, above zero.
    carryover_weeks : int
        L, the longest lag of the adstock kernels.
    baseline : tuple of BaselineColumn, (P,)
    kernel : ndarray of str, (S, C)
        Adstock kernel of each draw (`geometric`, `delayed`).
    decay, half, slope : ndarray, (S, C)
        Transform of each draw, shared by the geos. The half of a channel that is modelled on reach
        and frequency is in contacts per person reached.
    saturation : ndarray of str, (S, C)
        Saturation curve of each draw (`hill`, `exponential`); not given, it is `hill`.
    coef : ndarray, (S, J, C)
        b >= 0, effect at full saturation.
    baseline_coef : ndarray, (S, J, P)
    sigma, rho : ndarray, (S, J)
        Innovation standard deviation and autocorrelation of the errors.
    last_error : ndarray, (S, J)
        Error e of the last training week, from which a forecast carries on.
    drift : ndarray, (S, C)
        Yearly change of the log effectiveness of each draw (`years`); not given, it is zero.
    shock_share : ndarray, (S, J)
        Probability that a week has a shock (`shocks`); not given, it is zero.
    pools : dict of str to str
        The pool of each channel that was drawn together with others of the run.
    kpi_form : str
        `additive` or `multiplicative`.
    """

    run_id: str
    run_kind: str
    model_id: str
    kpi: str
    geos: tuple[str, ...]
    channels: tuple[str, ...]
    media_units: tuple[str, ...]
    first_week: np.datetime64
    last_week: np.datetime64
    kpi_scale: np.ndarray
    exposure_scale: np.ndarray
    carryover_weeks: int
    baseline: tuple[BaselineColumn, ...]
    kernel: np.ndarray
    decay: np.ndarray
    half: np.ndarray
    slope: np.ndarray
    coef: np.ndarray
    baseline_coef: np.ndarray
    sigma: np.ndarray
    rho: np.ndarray
    last_error: np.ndarray
    pools: dict[str, str] = field(default_factory=dict)
    kpi_form: str = ADDITIVE
    saturation: np.ndarray | None = None
    drift: np.ndarray | None = None
    shock_share: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Fill in what runs of earlier versions do not have."""
        if self.saturation is None:
            object.__setattr__(self, "saturation", np.full(self.kernel.shape, "hill"))
        if self.drift is None:
            object.__setattr__(self, "drift", np.zeros(self.decay.shape))
        if self.shock_share is None:
            object.__setattr__(self, "shock_share", np.zeros(self.sigma.shape))

    def years(self, weeks: np.ndarray) -> np.ndarray:
        """Return the years by which effectiveness has drifted in weeks (T,): (T,)."""
        return years_of_training(weeks, self.first_week, self.last_week)


NOISE_TERMS = ("last_error", "rho", "shock_share", "sigma")  # sorted, as in the frame
TRANSFORM_COLUMNS = ("kernel", "saturation", "decay", "half", "slope", "drift")
FRAME_COLUMNS = (
    *("run_id", "run_kind", "model_id", "kpi", "kpi_form", "as_of_week", "first_training_week"),
    *("n_training_weeks", "carryover_weeks", "geo", "kpi_scale", "term_id", "term_type"),
    *("component_id", "media_unit", "pool_id", "input_center", "input_scale", "coefficient"),
    *TRANSFORM_COLUMNS,
)


def _term_rows(posterior: Posterior, j: int) -> list[dict[str, Any]]:
    """Return the rows of one geo: what is particular to each term."""
    rows = [
        {
            "term_id": f"channel:{channel}",
            "term_type": "channel",
            "component_id": channel,
            "media_unit": posterior.media_units[c],
            "pool_id": posterior.pools.get(channel),
            "input_scale": posterior.exposure_scale[j, c],
            "coefficient": posterior.coef[:, j, c].tolist(),
            **{name: getattr(posterior, name)[:, c].tolist() for name in TRANSFORM_COLUMNS},
        }
        for c, channel in enumerate(posterior.channels)
    ]
    rows += [
        {
            "term_id": column.name,
            "term_type": "baseline",
            "component_id": column.component,
            "input_center": column.center[j],
            "input_scale": column.scale[j],
            "coefficient": posterior.baseline_coef[:, j, p].tolist(),
        }
        for p, column in enumerate(posterior.baseline)
    ]
    rows += [
        {
            "term_id": f"noise:{name}",
            "term_type": "noise",
            "coefficient": getattr(posterior, name)[:, j].tolist(),
        }
        for name in NOISE_TERMS
    ]
    return rows


def posterior_to_frame(posterior: Posterior) -> pl.DataFrame:
    """Return the posterior as rows of `FRAME_COLUMNS`, one per geo and term.

    The draws are lists of length S, aligned by position over all rows of a run.
    """
    weeks = int((posterior.last_week - posterior.first_week).astype(int)) // 7 + 1
    shared = {
        "run_id": posterior.run_id,
        "run_kind": posterior.run_kind,
        "model_id": posterior.model_id,
        "kpi": posterior.kpi,
        "kpi_form": posterior.kpi_form,
        "as_of_week": posterior.last_week.item(),
        "first_training_week": posterior.first_week.item(),
        "n_training_weeks": weeks,
        "carryover_weeks": posterior.carryover_weeks,
    }
    rows = [
        shared | {"geo": geo, "kpi_scale": posterior.kpi_scale[j]} | row
        for j, geo in enumerate(posterior.geos)
        for row in _term_rows(posterior, j)
    ]
    return pl.DataFrame(rows, schema={name: POSTERIOR[name] for name in FRAME_COLUMNS})


def _blocks(rows: pl.DataFrame, term_type: str, n_geos: int) -> tuple[pl.DataFrame, np.ndarray]:
    """Return the first geo's rows of a term type, and its coefficients as (S, J, terms)."""
    own = rows.filter(pl.col("term_type") == term_type).sort("geo", "term_id")
    draws = np.array(own["coefficient"].to_list())  # (J * terms, S)
    n_terms = len(own) // n_geos
    return own.head(n_terms), draws.reshape(n_geos, n_terms, -1).transpose(2, 0, 1)


def _pools_of(media: pl.DataFrame) -> dict[str, str]:
    """Return the pool of each pooled channel; rows of earlier versions do not name one."""
    if "pool_id" not in media.columns:
        return {}
    return dict(media.drop_nulls("pool_id").select("component_id", "pool_id").rows())


def _transforms(media: pl.DataFrame, name: str) -> np.ndarray | None:
    """Return a column of transforms, (S, C); None where rows of earlier versions lack it."""
    if name not in media.columns or media[name].has_nulls():
        return None
    return np.array(media[name].to_list()).T


def _one_posterior(rows: pl.DataFrame) -> Posterior:
    """Read one run's posterior back from its rows."""
    first = rows.row(0, named=True)
    geos = tuple(sorted(rows["geo"].unique()))
    media, coef = _blocks(rows, "channel", len(geos))
    baseline, baseline_coef = _blocks(rows, "baseline", len(geos))
    terms, noise = _blocks(rows, "noise", len(geos))
    names = [term.removeprefix("noise:") for term in terms["term_id"]]
    per_geo = rows.sort("geo").group_by("term_id").agg("input_center", "input_scale", "kpi_scale")
    fixed = {row.pop("term_id"): row for row in per_geo.to_dicts()}  # lists over the geos
    return Posterior(
        run_id=first["run_id"],
        run_kind=first["run_kind"],
        model_id=first["model_id"],
        kpi=first["kpi"],
        geos=geos,
        channels=tuple(media["component_id"]),
        media_units=tuple(media["media_unit"]),
        first_week=np.datetime64(first["first_training_week"]),
        last_week=np.datetime64(first["as_of_week"]),
        kpi_scale=np.array(fixed["level"]["kpi_scale"]),
        exposure_scale=np.array([fixed[term]["input_scale"] for term in media["term_id"]]).T,
        carryover_weeks=first["carryover_weeks"],
        baseline=tuple(
            BaselineColumn(
                name,
                component,
                np.array(fixed[name]["input_center"]),
                np.array(fixed[name]["input_scale"]),
            )
            for name, component in baseline.select("term_id", "component_id").rows()
        ),
        **{name: _transforms(media, name) for name in TRANSFORM_COLUMNS},
        coef=coef,
        baseline_coef=baseline_coef,
        **{name: noise[..., at] for at, name in enumerate(names)},
        pools=_pools_of(media),
        kpi_form=first.get("kpi_form") or ADDITIVE,
    )


def draws_hash(rows: pl.DataFrame) -> str:
    """Return a hash of all draws of one run, whatever the order of its rows."""
    lists = [name for name in TRANSFORM_COLUMNS if name in rows.columns]
    ordered = rows.select("geo", "term_id", "coefficient", *lists).sort("geo", "term_id")
    found = hashlib.sha256(repr(ordered.select("geo", "term_id").rows()).encode())
    for name in ("coefficient", *lists):
        values = ordered[name].drop_nulls().explode()
        if values.dtype == pl.String:  # which of a few names each draw has
            names = sorted(set(values.unique()))
            found.update(repr(names).encode())
            values = values.cast(pl.Enum(names)).to_physical()
        found.update(values.to_numpy().tobytes())
    return found.hexdigest()[:32]


def _require_own_draws(rows: pl.DataFrame) -> None:
    """Raise where a run's draws are not those that were fitted."""
    said = rows["draws_hash"][0] if "draws_hash" in rows.columns else None
    if said is not None and said != draws_hash(rows):
        raise ValueError(
            f"the draws of run {rows['run_id'][0]} of model {rows['model_id'][0]} are not those "
            "that were fitted: rows of int_mixloop__posterior were edited or lost; restore the "
            "history file from a backup"
        )


def posteriors_from_frame(frame: pl.DataFrame) -> list[Posterior]:
    """Read posteriors back from rows of `schemas.POSTERIOR`, in the frame's order of runs.

    Channels and baseline columns come back sorted by their terms' names.

    Raises
    ------
    ValueError
        When the draws of a run are not those that were fitted (`draws_hash`).
    """
    runs = frame.partition_by("run_id", maintain_order=True)
    for rows in runs:
        _require_own_draws(rows)
    return [_one_posterior(rows) for rows in runs]
