"""The baseline's columns: level, trend, seasons, events and context, and their ridge groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixloop.panel import Panel
from mixloop.posterior import BaselineColumn

WEEKS_PER_YEAR = 365.25 / 7
KNOT_SPACING_WEEKS = 26  # a possible change of trend every half year ...
KNOT_MARGIN_WEEKS = 13  # ... but none that only a quarter's data could speak for
# Prior scale of a group's coefficients, in shares of an average week per unit of its standardised
# columns. `level` is fixed; the others are medians of a half-Cauchy whose value is learned.
GROUP_SCALES = {
    "level": 2.0,
    "trend": 0.1,
    "hinge": 0.1,
    "season": 0.1,
    "event": 0.1,
    "context": 0.1,
}
GROUPS = tuple(GROUP_SCALES)


@dataclass(frozen=True)
class Design:
    """A model's baseline over its training weeks.

    Attributes
    ----------
    columns : tuple of BaselineColumn, (P,)
    values : ndarray, (J, T, P)
        The standardised columns.
    group : ndarray of int, (P,)
        Index into `GROUPS`: columns of one group share a learned ridge penalty.
    dropped : tuple of str
        Drivers that never vary in training, so that no coefficient could be learned.
    sign : ndarray of int, (P,)
        1 or -1 where the coefficient's sign is known, else 0; columns with a sign come last.
    """

    columns: tuple[BaselineColumn, ...]
    values: np.ndarray
    group: np.ndarray
    dropped: tuple[str, ...]
    sign: np.ndarray


def group_of(name: str) -> str:
    """Return the ridge group of a baseline column.

    Examples
    --------
    >>> group_of("season:sin2"), group_of("event:black_friday"), group_of("level")
    ('season', 'event', 'level')
    """
    return name.split(":", 1)[0]


def component_of(name: str) -> str:
    """Return the published component that a baseline column adds to.

    Examples
    --------
    >>> component_of("hinge:2024-01-01"), component_of("season:cos1"), component_of("context:price")
    ('trend', 'season', 'context:price')
    """
    group = group_of(name)
    if group in ("event", "context"):
        return name
    return "trend" if group == "hinge" else group


def weeks_since(weeks: np.ndarray, first_week: np.datetime64) -> np.ndarray:
    """Return the number of weeks from `first_week`, (T,), negative before it."""
    days = (weeks - first_week).astype("timedelta64[D]").astype(float)
    return days / 7.0


def season_pairs(n_weeks: int) -> int:
    """Return how many yearly Fourier pairs a history can tell apart.

    Four where two full years show the pattern twice, two from one year on, none below: with less
    than a year a season is not distinguishable from a trend.
    """
    if n_weeks >= 104:
        return 4
    return 2 if n_weeks >= 52 else 0


def harmonic(name: str) -> int:
    """Return how many waves a year a season's column has.

    Examples
    --------
    >>> harmonic("season:cos3")
    3
    """
    return int(name.removeprefix("season:")[3:])


def baseline_names(
    n_weeks: int,
    first_week: np.datetime64,
    drivers: tuple[str, ...],
    knot_spacing: int = KNOT_SPACING_WEEKS,
) -> list[str]:
    """Return the names of the baseline columns for a training window, in their fixed order."""
    knots = range(knot_spacing, n_weeks - KNOT_MARGIN_WEEKS, knot_spacing)
    names = ["level", "trend"]
    names += [f"hinge:{first_week + np.timedelta64(7 * k, 'D')}" for k in knots]
    for k in range(1, season_pairs(n_weeks) + 1):
        names += [f"season:sin{k}", f"season:cos{k}"]
    return names + list(drivers)


def _raw_column(
    name: str, weeks: np.ndarray, first_week: np.datetime64, drivers: dict[str, np.ndarray]
) -> np.ndarray:
    """Return one column before standardisation: (T,) or (J, T)."""
    if name in drivers:
        return drivers[name]
    elapsed = weeks_since(weeks, first_week)
    kind, _, argument = name.partition(":")
    if kind == "level":
        return np.ones(len(weeks))
    if kind == "trend":
        return elapsed
    if kind == "hinge":
        return np.maximum(weeks_since(weeks, np.datetime64(argument)), 0.0) / WEEKS_PER_YEAR
    if kind == "season":
        angle = 2.0 * np.pi * harmonic(name) * elapsed / WEEKS_PER_YEAR
        return np.sin(angle) if argument.startswith("sin") else np.cos(angle)
    raise ValueError(f"baseline column {name!r} needs driver values, which were not given")


def baseline_values(
    columns: tuple[BaselineColumn, ...],
    weeks: np.ndarray,
    first_week: np.datetime64,
    driver_names: tuple[str, ...],
    driver_values: np.ndarray,
) -> np.ndarray:
    """Evaluate standardised baseline columns at any weeks.

    Parameters
    ----------
    columns : tuple of BaselineColumn, (P,)
    weeks : ndarray of datetime64[D], (T,)
    first_week : datetime64[D]
        First training week, from which trend and seasons count.
    driver_names : tuple of str, (D,)
    driver_values : ndarray, (J, T, D)

    Returns
    -------
    ndarray, (J, T, P)

    Raises
    ------
    ValueError
        When a column's driver is not among `driver_names`.
    """
    drivers = {name: driver_values[:, :, d] for d, name in enumerate(driver_names)}
    values = np.empty((driver_values.shape[0], len(weeks), len(columns)))
    for p, column in enumerate(columns):
        raw = _raw_column(column.name, weeks, first_week, drivers)
        values[:, :, p] = (raw - column.center[:, None]) / column.scale[:, None]
    return values


def build_design(
    panel: Panel,
    n_training: int,
    signs: Mapping[str, int] | None = None,
    knot_spacing: int = KNOT_SPACING_WEEKS,
) -> Design:
    """Build the baseline over the last `n_training` weeks of a panel.

    `signs` has 1 or -1 for drivers whose effect has a known sign; the trend may bend every
    `knot_spacing` weeks.

    Context is standardised by its training mean and standard deviation in each geo; event shares
    stay shares; the trend runs from -1 to 1 over the training window; hinges count in years.

    Raises
    ------
    ValueError
        When a driver has no value in some training week; the message names driver, geo and week.
    """
    weeks = panel.weeks[-n_training:]
    values = panel.driver_values[:, -n_training:, :]
    if np.isnan(values).any():
        j, t, d = np.argwhere(np.isnan(values))[0]
        raise ValueError(
            f"driver {panel.drivers[d]!r} has no value for geo {panel.geos[j]!r} in the week of "
            f"{weeks[t]}: give it a value for every training week, or leave the driver out"
        )
    spread = values.std(axis=1)  # (J, D)
    moves = spread > 1e-9 * np.abs(values).max(axis=1, initial=0.0)
    kept = tuple(name for d, name in enumerate(panel.drivers) if moves[:, d].any())
    dropped = tuple(name for name in panel.drivers if name not in kept)
    signs = signs or {}
    names = baseline_names(n_training, weeks[0], kept, knot_spacing)
    names.sort(key=lambda name: name in signs)  # stable: those with a sign go to the end

    n_geos = len(panel.geos)
    middle = (n_training - 1) / 2.0
    columns = []
    for name in names:
        center, scale = np.zeros(n_geos), np.ones(n_geos)
        if name == "trend":
            center, scale = np.full(n_geos, middle), np.full(n_geos, max(middle, 1.0))
        elif group_of(name) == "season":
            scale = np.full(n_geos, float(harmonic(name)))
        elif group_of(name) == "context":
            d = panel.drivers.index(name)
            center = values[:, :, d].mean(axis=1)
            scale = np.where(moves[:, d], spread[:, d], 1.0)
        columns.append(BaselineColumn(name, component_of(name), center, scale))
    matrix = baseline_values(tuple(columns), weeks, weeks[0], panel.drivers, values)
    group = np.array([GROUPS.index(group_of(name)) for name in names])
    sign = np.array([signs.get(name, 0) for name in names])
    return Design(tuple(columns), matrix, group, dropped, sign)
