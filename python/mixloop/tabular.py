"""Weekly rows of a notebook's frame: checked, typed, and as a panel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import ArrayLike
from sklearn.utils.validation import column_or_1d

from mixloop.panel import Panel, build_panel

if TYPE_CHECKING:
    import pandas as pd

MODEL = "model"
ONE_GEO = "all"
DAYS = 7
NAMED = 5  # how many rows an error names


@dataclass(frozen=True)
class Columns:
    """Which columns of a frame are what.

    Attributes
    ----------
    week : str
    geo : str or None
        None: one geo.
    media, context, events : tuple of str
    frequency : dict of str to str
        The column with the contacts per person of each medium that is modelled on reach.

    Raises
    ------
    ValueError
        When there is no medium, a name stands for two things, or a list of names is one text.
    """

    week: str
    geo: str | None
    media: tuple[str, ...]
    context: tuple[str, ...]
    events: tuple[str, ...]
    frequency: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.media:
            raise ValueError("media names no column: pass media=[...], the media columns of X")
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(
                f"columns {twice} are named twice: each column is one of week, geo, media, "
                "context, events or frequency"
            )

    @property
    def numbers(self) -> tuple[str, ...]:
        """The columns that hold numbers."""
        return (*self.media, *self.context, *self.events, *self.frequency.values())

    @property
    def names(self) -> tuple[str, ...]:
        """All columns."""
        return (self.week, *((self.geo,) if self.geo else ()), *self.numbers)


def names_of(parameter: str, values: Sequence[str]) -> tuple[str, ...]:
    """Return a parameter's column names.

    Raises
    ------
    ValueError
        When it is one text, which would be read letter by letter, or holds something else.

    Examples
    --------
    >>> names_of("media", ["tv", "search"])
    ('tv', 'search')
    """
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"{parameter} must be a list of column names, not {values!r}")
    return tuple(values)


def is_pandas(frame: object) -> bool:
    """Say whether something is a pandas DataFrame, without importing pandas."""
    return type(frame).__module__.split(".")[0] == "pandas" and hasattr(frame, "columns")


def _as_polars(frame: pl.DataFrame | pd.DataFrame, columns: Columns) -> pl.DataFrame:
    """Return the columns that count.

    Raises
    ------
    TypeError
        When it is neither a polars nor a pandas frame.
    ValueError
        When columns are missing; the message names them and what is there.
    """
    if not (isinstance(frame, pl.DataFrame) or is_pandas(frame)):
        raise TypeError(
            "X must be a polars or pandas DataFrame with named columns (a week column among "
            f"them), not {type(frame).__name__}"
        )
    have = list(frame.columns)
    missing = [name for name in columns.names if name not in have]
    if missing:
        raise ValueError(f"X has no columns {missing}; it has {have}")
    twice = [name for name in columns.names if have.count(name) > 1]
    if twice:
        raise ValueError(f"X has more than one column {twice}")
    chosen = frame[list(columns.names)]
    return chosen if isinstance(chosen, pl.DataFrame) else pl.from_pandas(chosen)


def _reject(rows: pl.Series | np.ndarray, problem: str) -> None:
    """Raise with the first rows (counted from zero) where something is wrong."""
    at = np.flatnonzero(np.asarray(rows))
    if len(at):
        more = f" and {len(at) - NAMED} more" if len(at) > NAMED else ""
        raise ValueError(f"{problem} in rows {at[:NAMED].tolist()}{more}")


def _week(values: pl.Series) -> pl.Series:
    """Return dates; texts must be written as 2024-12-31."""
    if values.dtype == pl.String:
        dates = values.str.to_date("%Y-%m-%d", strict=False)
    elif values.dtype in (pl.Date, pl.Datetime):
        dates = values.cast(pl.Date)
    else:
        raise ValueError(f"column {values.name!r} must hold dates, not {values.dtype}")
    _reject(dates.is_null(), f"column {values.name!r} is missing or not a date")
    return dates


def _number(values: pl.Series) -> pl.Series:
    """Return finite numbers."""
    if not (values.dtype.is_numeric() or values.dtype in (pl.Boolean, pl.Null)):
        raise ValueError(f"column {values.name!r} must hold numbers, not {values.dtype}")
    numbers = values.cast(pl.Float64)
    _reject(~numbers.is_finite().fill_null(False), f"column {values.name!r} is missing or infinite")
    return numbers


def weekly_rows(frame: pl.DataFrame | pd.DataFrame, columns: Columns) -> pl.DataFrame:
    """Return a frame's rows, checked and typed, in their order: week, geo, numbers by their names.

    Raises
    ------
    TypeError
        When it is not a frame.
    ValueError
        When columns are missing, values are missing, infinite or out of range, or a week and geo
        come twice; the message names column and rows, counted from zero.
    """
    raw = _as_polars(frame, columns)
    if raw.is_empty():
        raise ValueError("X has no rows")
    geo = pl.Series([ONE_GEO]).new_from_index(0, raw.height)
    if columns.geo:
        geo = raw[columns.geo].cast(pl.String)
        _reject(geo.is_null(), f"column {columns.geo!r} is missing")
    numbers = [_number(raw[name]) for name in columns.numbers]
    for values in numbers:
        if values.name in (*columns.media, *columns.frequency.values()):
            _reject(values < 0.0, f"column {values.name!r} is negative")
        if values.name in columns.events:
            _reject((values < 0.0) | (values > 1.0), f"column {values.name!r} is not 0 to 1")
    keys = [_week(raw[columns.week]).alias("week"), geo.alias("geo")]
    rows = pl.DataFrame([*keys, *(v.alias(f"x:{v.name}") for v in numbers)])
    _reject(rows.select("week", "geo").is_duplicated(), "the same week and geo as another row")
    return rows


def require_every_week(rows: pl.DataFrame) -> None:
    """Raise when weeks are not seven days apart, or a geo lacks a week that others have."""
    weeks = rows["week"].unique().sort()
    gap = weeks.diff().dt.total_days()
    odd = weeks.filter((gap != DAYS).fill_null(False))
    if len(odd):
        before = weeks.filter(weeks < odd[0])[-1]
        raise ValueError(
            f"weeks must be {DAYS} days apart: after {before} comes {odd[0]}; give every week a row"
        )
    every = weeks.to_frame().join(rows.select(pl.col("geo").unique()), how="cross")
    gone = every.join(rows, on=["week", "geo"], how="anti").sort("week", "geo")
    if gone.height:
        first = [f"{geo} in {week}" for week, geo in gone.head(NAMED).rows()]
        raise ValueError(
            f"{gone.height} rows are missing, first {first}: every geo needs a row for every week"
        )


def require_known(rows: pl.DataFrame, history: pl.DataFrame) -> None:
    """Raise unless rows are weeks and geos of the history, or follow it without a gap."""
    _reject(
        ~rows["geo"].is_in(history["geo"].unique().implode()),
        f"geos that the fit did not see (it saw {history['geo'].unique().sort().to_list()[:9]})",
    )
    first, last = history["week"].min(), history["week"].max()
    since = (rows["week"] - first).dt.total_days()
    _reject(since < 0, f"weeks before the first one of the fit, {first},")
    _reject(since % DAYS != 0, f"weeks that are not a multiple of {DAYS} days after {first}")
    future = rows.filter(pl.col("week") > last).group_by("geo", maintain_order=True)
    horizon = (pl.col("week").max() - last).dt.total_days() // DAYS
    gaps = future.agg(pl.len(), horizon.alias("horizon")).filter(pl.col("len") < pl.col("horizon"))
    if gaps.height:
        geo = gaps["geo"][0]
        raise ValueError(
            f"weeks are missing between the fit's last one, {last}, and those of X (geo {geo!r}): "
            "media carry over, so give every week in between"
        )


def panel_of(rows: pl.DataFrame, columns: Columns) -> Panel:
    """Return rows of `weekly_rows`, with `outcome` (null: unknown), as a panel."""
    keyed = rows.with_columns(pl.lit(MODEL).alias("model_id"))
    keys = ["model_id", "geo", "week"]

    def long(names: dict[str, str], item: str, value: str) -> pl.DataFrame:
        renamed = keyed.select(*keys, *(pl.col(f"x:{c}").alias(n) for n, c in names.items()))
        found = renamed.unpivot(list(names), index=keys, variable_name=item, value_name=value)
        return found.with_columns(pl.col(value).cast(pl.Float64))

    media = long({name: name for name in columns.media}, "channel_id", "exposure")
    if columns.frequency:
        often = long(columns.frequency, "channel_id", "frequency")
        media = media.join(often, on=[*keys, "channel_id"], how="left", maintain_order="left")
    drivers = {f"context:{name}": name for name in columns.context}
    drivers |= {f"event:{name}": name for name in columns.events}
    return build_panel(
        MODEL,
        keyed.select(*keys, "outcome"),
        media.with_columns(spend="exposure"),
        long(drivers, "driver_id", "value"),
    )


def known_target(y: ArrayLike, n_rows: int) -> np.ndarray:
    """Return the KPI as floats, NaN where it is unknown.

    Raises
    ------
    ValueError
        When it is missing, no series of numbers, of another length than X, infinite or all unknown.
    """
    if y is None:
        raise ValueError("MixRegressor needs y: requires y to be passed, but the target y is None")
    if hasattr(y, "to_numpy") and hasattr(y, "fill_null"):
        values = y.to_numpy()
    elif hasattr(y, "to_numpy"):
        values = y.to_numpy(dtype=float, na_value=np.nan)
    else:
        values = np.asarray(y)
    values = column_or_1d(values, warn=True)
    try:
        values = values.astype(float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"y must hold numbers: {error}") from error
    if len(values) != n_rows:
        raise ValueError(f"y has {len(values)} values, X has {n_rows} rows")
    if np.isinf(values).any():
        raise ValueError(f"y is infinite in rows {np.flatnonzero(np.isinf(values))[:5].tolist()}")
    if np.isnan(values).all():
        raise ValueError("y has no known value")
    return values
