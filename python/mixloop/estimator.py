"""The model as a scikit-learn estimator, for a notebook: a frame in, effects and forecasts out."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Self

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from mixloop.convergence import has_converged
from mixloop.evaluate import align, baseline_effects, fitted_by_geo, media_effects, training_weeks
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forecast import expected_kpi, predictive_draws
from mixloop.forms import is_multiplicative
from mixloop.frames import grid_frame, range_columns, summarise
from mixloop.panel import Panel
from mixloop.reach import REACH_FREQUENCY, UNITS
from mixloop.tabular import (
    MODEL,
    Columns,
    is_pandas,
    known_target,
    names_of,
    panel_of,
    require_every_week,
    require_known,
    weekly_rows,
)

if TYPE_CHECKING:
    import pandas as pd


# The least of every setting that is a whole number.
LEAST = {"chains": 1, "warmup": 0, "sweeps": 1, "max_sweeps": 1, "draws": 1, "carryover_weeks": 0}


class MixRegressor(RegressorMixin, BaseEstimator):
    """Bayesian marketing mix regression with scikit-learn's interface.

    Rows are weeks, or weeks of geos, in any order. Media carry over from week to week, so the fit
    keeps its rows: `predict` needs only the rows that are asked for, and takes the weeks around
    them from the history.

    Parameters
    ----------
    media : sequence of str
        Columns with weekly spend (or impressions, or people reached), zero or more.
    week : str, default="week"
        Column with the first day of each week (dates, datetimes or ISO texts), seven days apart.
    geo : str, optional
        Column with the geo; without it there is one. Every geo has a row for every week.
    context : sequence of str
        Columns with outside factors (price, promotion, weather).
    events : sequence of str
        Columns with the share of the week that an event covers, 0 to 1.
    units : str or mapping of str to str, default="spend"
        What media columns count, `spend`, `impressions` or `reach_frequency` (people reached, with
        a column in `frequency`): one for all, or by column (columns that are not named count
        spend).
    frequency : mapping of str to str, optional
        By media column that counts people reached, the column with the week's average contacts of
        a person.
    share_of_kpi : mapping of str to float, optional
        Prior scale of a channel's average share of the KPI, instead of `channel_share_scale`.
    pools : mapping of str to str, optional
        The pool of channels that are drawn together.
    signs : mapping of str to int, optional
        1 or -1 for context or event columns whose effect on the KPI has a known sign.
    kpi_form : str, default="additive"
        `additive`, or `multiplicative` for a KPI whose log is the sum of the parts.
    chains, warmup, sweeps, max_sweeps, draws, carryover_weeks : int
    channel_share_scale, pool_spread : float
        As in `mixloop.fit.FitSettings`.
    random_state : int, RandomState or None, default=20240101
        Seed of the fit's and the forecast's generators. The same int gives the same numbers.

    Attributes
    ----------
    posterior_ : Posterior
        Joint draws of every unknown.
    is_converged_ : bool
        False also raises a ConvergenceWarning.
    diagnostics_ : dict of str to ndarray, (geos, 3)
        R-hat, bulk and tail effective sample size by term.
    n_sweeps_ : int
        Sweeps kept for each chain, before thinning.
    dropped_ : tuple of str
        Media without any value, context and events without variation in the training weeks.
    feature_names_in_ : ndarray of str
        The columns of X that the model uses, chosen by name: others are ignored, in any order.
    n_features_in_ : int
        How many they are.

    Examples
    --------
    >>> model = MixRegressor(media=["tv", "search"], context=["price"])
    >>> model.get_params()["carryover_weeks"]
    12
    """

    def __init__(
        self,
        media: Sequence[str] = (),
        *,
        week: str = "week",
        geo: str | None = None,
        context: Sequence[str] = (),
        events: Sequence[str] = (),
        units: str | Mapping[str, str] = "spend",
        frequency: Mapping[str, str] | None = None,
        share_of_kpi: Mapping[str, float] | None = None,
        pools: Mapping[str, str] | None = None,
        signs: Mapping[str, int] | None = None,
        kpi_form: str = "additive",
        chains: int = 4,
        warmup: int = 250,
        sweeps: int = 500,
        max_sweeps: int = 4000,
        draws: int = 1000,
        carryover_weeks: int = 12,
        channel_share_scale: float = 0.06,
        pool_spread: float = 0.3,
        random_state: int | np.random.RandomState | None = 20240101,
    ) -> None:
        self.media = media
        self.week = week
        self.geo = geo
        self.context = context
        self.events = events
        self.units = units
        self.frequency = frequency
        self.share_of_kpi = share_of_kpi
        self.pools = pools
        self.signs = signs
        self.kpi_form = kpi_form
        self.chains = chains
        self.warmup = warmup
        self.sweeps = sweeps
        self.max_sweeps = max_sweeps
        self.draws = draws
        self.carryover_weeks = carryover_weeks
        self.channel_share_scale = channel_share_scale
        self.pool_spread = pool_spread
        self.random_state = random_state

    def fit(self, X: pl.DataFrame | pd.DataFrame, y: ArrayLike) -> Self:
        """Fit to weekly rows.

        Parameters
        ----------
        X : polars or pandas DataFrame, (weeks x geos, columns)
        y : array-like, (weeks x geos,)
            The KPI; NaN where it is not known. Weeks at the start without any are lead-in, whose
            media carry over into the training weeks.

        Raises
        ------
        TypeError
            When X is not a frame.
        ValueError
            When columns or weeks are missing, a value is missing or out of range, or y does not
            fit; the message names column and rows (counted from zero).
        """
        columns = self._columns()
        rows = weekly_rows(X, columns)
        require_every_week(rows)
        target = pl.Series("outcome", known_target(y, rows.height)).fill_nan(None)
        self._history = rows.with_columns(target)
        self._gives_pandas = is_pandas(X)
        settings = self._settings()
        task = self._task(columns)
        found = fit(task, settings)
        self.posterior_ = found.posterior
        self.diagnostics_ = found.diagnostics
        self.n_sweeps_ = found.n_sweeps
        self.is_converged_ = has_converged(found.diagnostics, task.run_kind)
        self.dropped_ = (*found.dropped_channels, *found.dropped_drivers)
        self.feature_names_in_ = np.array(columns.names, dtype=object)
        self.n_features_in_ = len(columns.names)
        if not self.is_converged_:
            warnings.warn(
                f"the chains do not agree yet after {found.n_sweeps} sweeps each: raise "
                "max_sweeps, or take fewer channels or a pool of those that move together",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def predict(self, X: pl.DataFrame | pd.DataFrame) -> np.ndarray:
        """Return the expected KPI of each row, (n,).

        Parameters
        ----------
        X : polars or pandas DataFrame
            Weeks of the history, whose values may differ from it ("what if"), or weeks after it,
            all of them up to the last one that is asked for. Weeks that are not in X are as they
            were in the fit. Weeks after the history carry on from its last error.
        """
        panel, place = self._asked(X)
        fitted = np.stack(
            [self._mean_of_noise(draws, j) for j, draws in enumerate(self._fitted(panel))]
        )
        n_future = int((panel.weeks > self.posterior_.last_week).sum())
        if n_future:
            fitted[:, -n_future:] = expected_kpi(self.posterior_, panel)
        return fitted[place]

    def predict_quantiles(
        self, X: pl.DataFrame | pd.DataFrame, quantiles: Sequence[float] = (0.05, 0.5, 0.95)
    ) -> np.ndarray:
        """Return quantiles of the KPI of each row, noise included: (n, len(quantiles)).

        Parameters
        ----------
        X
            As in `predict`.
        quantiles : sequence of float
            Between 0 and 1.
        """
        panel, place = self._asked(X)
        posterior, rng = self.posterior_, np.random.default_rng(self._seed)
        draws = np.stack(list(self._fitted(panel)))  # (J, T, S)
        noise = rng.standard_normal(draws.shape[1:]) * self._noise_sd().T[:, None, :]
        draws = draws * np.exp(noise) if is_multiplicative(posterior) else draws + noise
        n_future = int((panel.weeks > posterior.last_week).sum())
        if n_future:
            future = predictive_draws(posterior, panel, np.random.default_rng(self._seed))
            draws[:, -n_future:] = np.moveaxis(future, 0, -1)
        return np.quantile(draws[place], quantiles, axis=1).T

    def contributions(self) -> pl.DataFrame | pd.DataFrame:
        """Return what every part of the model adds to the KPI in each training week.

        Returns
        -------
        DataFrame of the kind that was fitted
            geo, week, component, is_media, effect_mean, effect_p05, effect_p50, effect_p95.
            Components are the media columns, then `level`, `trend`, `season`,
            `context:<column>`, `event:<column>`; their means add up to the model without noise,
            which is `predict` for an additive KPI.
        """
        check_is_fitted(self, "posterior_")
        panel = panel_of(self._history, self._columns())
        keep = training_weeks(self.posterior_, panel)
        media = np.moveaxis(media_effects(self.posterior_, panel), 3, 0)  # (C, S, J, T)
        effects = dict(zip(self.posterior_.channels, media, strict=True))
        effects |= baseline_effects(self.posterior_, panel)
        ranges = summarise(np.stack([np.moveaxis(e[..., keep], 0, -1) for e in effects.values()]))
        frame = grid_frame(
            {"component": list(effects), "geo": panel.geos, "week": panel.weeks[keep]},
            {
                "is_media": np.arange(len(effects))[:, None, None] < len(media),
                **range_columns("effect", ranges),
            },
        )
        order = ["geo", "week", "component", "is_media"]
        frame = frame.select(*order, pl.exclude(order)).sort("geo", "week", maintain_order=True)
        return self._as_given(frame)

    def returns(self) -> pl.DataFrame | pd.DataFrame:
        """Return each medium's total over the training weeks and geos.

        Returns
        -------
        DataFrame of the kind that was fitted
            component, unit, exposure, share_of_kpi_mean, then effect_* and return_* (effect over
            exposure: the ROI where the unit is spend), each with _mean, _p05, _p50 and _p95.
        """
        check_is_fitted(self, "posterior_")
        posterior = self.posterior_
        panel = align(posterior, panel_of(self._history, self._columns()))
        keep = training_weeks(posterior, panel)
        total = media_effects(posterior, panel)[:, :, keep].sum(axis=(1, 2)).T  # (C, S)
        exposure = panel.exposure[:, keep].sum(axis=(0, 1))
        kpi = sum(draws.sum(axis=0) for draws in fitted_by_geo(posterior, panel, keep))
        frame = grid_frame(
            {"component": posterior.channels},
            {
                "unit": np.array(posterior.media_units, dtype=object),
                "exposure": exposure,
                "share_of_kpi_mean": (total / kpi).mean(axis=1),
                **range_columns("effect", summarise(total)),
                **range_columns("return", summarise(total / exposure[:, None])),
            },
        )
        return self._as_given(frame)

    def __sklearn_tags__(self):  # noqa: ANN204
        """Say that X is a frame with named columns, not an array of features."""
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags

    def _columns(self) -> Columns:
        """Return which columns of X are what."""
        lists = {name: names_of(name, getattr(self, name)) for name in ("media", "context")}
        events = names_of("events", self.events)
        return Columns(self.week, self.geo, **lists, events=events, frequency=self._frequency())

    def _frequency(self) -> dict[str, str]:
        """Return the frequency column of each medium that counts people reached."""
        given = dict(self.frequency or {})
        units = {name: self._unit(name) for name in names_of("media", self.media)}
        reached = {name for name, unit in units.items() if unit == REACH_FREQUENCY}
        if reached != set(given):
            raise ValueError(
                f"frequency must name a column for each medium in units of {REACH_FREQUENCY} and "
                f"for no other: it names {sorted(given)}, they are {sorted(reached)}"
            )
        return given

    def _unit(self, name: str) -> str:
        """Return what a media column counts."""
        if isinstance(self.units, Mapping):
            return self.units.get(name, "spend")
        return self.units

    def _settings(self) -> FitSettings:
        """Return how to fit, and settle the seed."""
        for name, least in LEAST.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
                raise ValueError(f"{name} must be a whole number from {least} on, not {value!r}")
        for name in ("channel_share_scale", "pool_spread"):
            value = getattr(self, name)
            if not isinstance(value, Real) or not value > 0:
                raise ValueError(f"{name} must be a number above zero, not {value!r}")
        if isinstance(self.random_state, Integral):
            self._seed = int(self.random_state)
        else:
            self._seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        return FitSettings(
            chains=self.chains,
            warmup=self.warmup,
            sweeps=self.sweeps,
            max_sweeps=self.max_sweeps,
            draws=self.draws,
            seed=self._seed,
            channel_share_scale=self.channel_share_scale,
            carryover_weeks=self.carryover_weeks,
            pool_spread=self.pool_spread,
        )

    def _task(self, columns: Columns) -> FitTask:
        """Return what to fit."""
        given = self.units if isinstance(self.units, Mapping) else {}
        units = {name: self._unit(name) for name in columns.media}
        shares, pools = dict(self.share_of_kpi or {}), dict(self.pools or {})
        drivers = {name: f"context:{name}" for name in columns.context}
        drivers |= {name: f"event:{name}" for name in columns.events}
        signs = dict(self.signs or {})
        for name, named, known in (
            ("units", given, columns.media),
            ("share_of_kpi", shares, columns.media),
            ("pools", pools, columns.media),
            ("signs", signs, drivers),
        ):
            unknown = sorted(set(named) - set(known))
            if unknown:
                raise ValueError(f"{name} names {unknown}, which are not in {list(known)}")
        odd = {n: v for n, v in shares.items() if not isinstance(v, Real) or not 0 < v <= 1}
        if odd:
            raise ValueError(f"share_of_kpi must be above 0 and at most 1, not {odd}")
        if not set(signs.values()) <= {1, -1}:
            raise ValueError(f"signs must be 1 or -1, not {signs}")
        odd = {name: unit for name, unit in units.items() if unit not in UNITS}
        if odd:
            raise ValueError(f"units must be one of {', '.join(UNITS)}, not {odd}")
        panel = panel_of(self._history, columns)
        panel = panel.until(panel.weeks[-1])  # as a build does: the same draws to the last digit
        known = ~np.isnan(panel.outcome).all(axis=0)
        return FitTask(
            run_id="notebook",
            run_kind="live",
            model_id=MODEL,
            kpi="y",
            panel=panel,
            n_training=len(panel.weeks) - int(known.argmax()),
            media_units=units,
            share_of_kpi=shares,
            pools=pools,
            signs={drivers[name]: int(sign) for name, sign in signs.items()},
            kpi_form=self.kpi_form,
        )

    def _asked(self, X: pl.DataFrame | pd.DataFrame) -> tuple[Panel, tuple[np.ndarray, np.ndarray]]:
        """Return the history with the rows of X in their weeks, and each row's geo and week."""
        check_is_fitted(self, "posterior_")
        columns = self._columns()
        rows = weekly_rows(X, columns).with_columns(outcome=pl.lit(None, dtype=pl.Float64))
        require_known(rows, self._history)
        others = self._history.join(rows, on=["week", "geo"], how="anti")
        panel = align(self.posterior_, panel_of(pl.concat([others, rows]), columns))
        place = {name: j for j, name in enumerate(panel.geos)}
        weeks = rows["week"].to_numpy().astype("datetime64[D]")
        at = (weeks - panel.weeks[0]).astype(int) // 7
        return panel, (np.array([place[name] for name in rows["geo"]]), at)

    def _noise_sd(self) -> np.ndarray:
        """Return the long-run spread of errors, (S, J): KPI units, log points of a product."""
        posterior = self.posterior_
        spread = posterior.sigma / np.sqrt(1.0 - posterior.rho**2)
        return spread if is_multiplicative(posterior) else spread * posterior.kpi_scale

    def _mean_of_noise(self, fitted: np.ndarray, geo: int) -> np.ndarray:
        """Return the mean KPI of weeks of the history, (T,), from draws without noise (T, S)."""
        if is_multiplicative(self.posterior_):  # the mean of a log-normal
            fitted = fitted * np.exp(0.5 * self._noise_sd()[:, geo] ** 2)
        return fitted.mean(axis=1)

    def _fitted(self, panel: Panel) -> Iterator[np.ndarray]:
        """Return the model's KPI without noise in all weeks of an aligned panel: (T, S) a geo."""
        every = np.ones(len(panel.weeks), dtype=bool)
        return fitted_by_geo(self.posterior_, panel, every)

    def _as_given(self, frame: pl.DataFrame) -> pl.DataFrame | pd.DataFrame:
        """Return a frame of the kind that was fitted."""
        return frame.to_pandas() if self._gives_pandas else frame
