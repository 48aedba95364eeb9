"""The arrays a model is fitted to and evaluated on, made from the warehouse's long frames."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl


@dataclass(frozen=True)
class Panel:
    """One model's history (and, for a forecast, its planned future) as dense arrays.

    J geos, T consecutive weeks, C modelled channels, D drivers (context variables and events).
    Geos, channels and drivers are sorted by name; weeks ascend by seven days.

    Attributes
    ----------
    geos, channels, drivers : tuple of str
        Names along the J, C and D axes. A driver is `context:<variable>` or `event:<event_id>`.
    weeks : ndarray of datetime64[D], (T,)
        First day of each week. May begin before the first training week (media lead-in).
    outcome : ndarray, (J, T)
        The KPI in its own unit; NaN where it is unknown (lead-in, missing or future weeks).
    exposure : ndarray, (J, T, C)
        Media in each channel's model unit (spend, impressions or people reached) per week, zero or
        more.
    spend : ndarray, (J, T, C)
        Money in the client's currency per week.
    driver_values : ndarray, (J, T, D)
        Context values in their own units and event shares (0 to 1); NaN where unknown (lead-in).
    frequency : ndarray, (J, T, C), optional
        Average contacts per person reached, of channels that are modelled on reach and frequency;
        zero for the others and where nobody was reached. None where no channel is.
    """

    geos: tuple[str, ...]
    weeks: np.ndarray
    channels: tuple[str, ...]
    drivers: tuple[str, ...]
    outcome: np.ndarray
    exposure: np.ndarray
    spend: np.ndarray
    driver_values: np.ndarray
    frequency: np.ndarray | None = None

    def frequency_of(self, channel: int, geo: int | slice = slice(None)) -> np.ndarray | None:
        """Return a channel's frequency, (J, T), or (T,) of one geo; None where there is none."""
        return None if self.frequency is None else self.frequency[geo, :, channel]

    def select_channels(self, channels: tuple[str, ...]) -> Panel:
        """Return the panel with only these channels, in this order.

        Raises
        ------
        ValueError
            When a channel is not in the panel; the message names it.
        """
        unknown = [name for name in channels if name not in self.channels]
        if unknown:
            raise ValueError(f"channels {unknown} are not in the panel of {list(self.channels)}")
        at = [self.channels.index(name) for name in channels]
        return replace(
            self,
            channels=channels,
            exposure=self.exposure[:, :, at],
            spend=self.spend[:, :, at],
            frequency=None if self.frequency is None else self.frequency[:, :, at],
        )

    def until(self, week: np.datetime64) -> Panel:
        """Return the panel cut after `week` (media, drivers and outcomes)."""
        keep = self.weeks <= week
        return replace(
            self,
            weeks=self.weeks[keep],
            outcome=self.outcome[:, keep],
            exposure=self.exposure[:, keep],
            spend=self.spend[:, keep],
            driver_values=self.driver_values[:, keep],
            frequency=None if self.frequency is None else self.frequency[:, keep],
        )


def _dense(
    frame: pl.DataFrame, value: str, weeks: np.ndarray, names: dict[str, tuple[str, ...]]
) -> np.ndarray:
    """Spread a long frame over (J, T) or (J, T, N); NaN where it has no row.

    `names` maps the frame's key columns (geo first) to the sorted names along each axis.

    Raises
    ------
    ValueError
        When a key occurs twice; the message names the first one.
    """
    keys = list(names)
    shape = [len(names[keys[0]]), len(weeks), *(len(names[key]) for key in keys[1:])]
    out = np.full(shape, np.nan)
    if frame.is_empty():
        return out
    index = {}
    for key, known in names.items():
        position = {name: i for i, name in enumerate(known)}
        index[key] = np.array([position[name] for name in frame[key]], dtype=int)
    week = (frame["week"].to_numpy().astype("datetime64[D]") - weeks[0]).astype(int) // 7
    place = (index[keys[0]], week, *(index[key] for key in keys[1:]))
    flat = np.ravel_multi_index(place, shape)
    if len(np.unique(flat)) != len(flat):
        rows = frame.select("week", *keys)
        twice = rows.filter(rows.is_duplicated()).row(0, named=True)
        raise ValueError(f"{value} has more than one row for {twice}")
    out[place] = frame[value].to_numpy()
    return out


def _frequency_of(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column of frequencies, unknown where the rows have none."""
    known = pl.col(name) if name in rows.columns else pl.lit(None)
    return known.cast(pl.Float64).alias("frequency")


def _with_plan(
    media: pl.DataFrame, drivers: pl.DataFrame, planned: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Append planned weeks to media and drivers; items the history does not know are left out."""
    is_channel = pl.col("item_type") == "channel"
    future_media = planned.filter(
        is_channel & pl.col("item_id").is_in(media["channel_id"].unique())
    )
    future_media = future_media.select(
        "geo",
        "week",
        pl.col("item_id").alias("channel_id"),
        pl.col("planned_spend").alias("spend"),
        pl.col("planned_value").alias("exposure"),
        _frequency_of(planned, "planned_frequency"),
    )
    known = drivers["driver_id"].unique()
    future_drivers = planned.filter(~is_channel & pl.col("item_id").is_in(known)).select(
        "geo",
        "week",
        pl.col("item_id").alias("driver_id"),
        pl.col("planned_value").alias("value"),
    )
    return (
        pl.concat([media.select(future_media.columns), future_media], how="vertical_relaxed"),
        pl.concat([drivers.select(future_drivers.columns), future_drivers], how="vertical_relaxed"),
    )


def build_panel(
    model_id: str,
    outcomes: pl.DataFrame,
    media: pl.DataFrame,
    drivers: pl.DataFrame,
    plan: pl.DataFrame | None = None,
) -> Panel:
    """Make a model's panel from the warehouse's long feature tables.

    Parameters
    ----------
    model_id : str
        The rows of other models are left out.
    outcomes, media, drivers : polars.DataFrame
        `int_mixloop__model_outcomes`, `int_mixloop__model_media`, `int_mixloop__model_drivers`.
    plan : polars.DataFrame, optional
        Rows of `int_mixloop__model_plans` for this model, one plan_id and one as_of_week. History
        is then cut after as_of_week and the plan's weeks follow it, with NaN outcomes.

    Returns
    -------
    Panel
        From the first media week (lead-in) to the last training or planned week. Media without a
        row is zero; media and plan may have a frequency, and do without one.

    Raises
    ------
    ValueError
        When the model has no outcomes, or a key occurs twice.
    """
    own = pl.col("model_id") == model_id
    media = media.with_columns(_frequency_of(media, "frequency"))
    outcomes, media, drivers = outcomes.filter(own), media.filter(own), drivers.filter(own)
    if outcomes.is_empty():
        raise ValueError(f"model {model_id!r} has no outcomes: check its kpi and geos")
    names = {
        "geo": tuple(sorted(outcomes["geo"].unique())),
        "channel_id": tuple(sorted(media["channel_id"].unique())),
        "driver_id": tuple(sorted(drivers["driver_id"].unique())),
    }
    last = outcomes["week"].max()
    if plan is not None:
        planned = plan.filter(own & pl.col("geo").is_in(names["geo"]))
        history = pl.col("week") <= planned["as_of_week"].max()
        last = planned["week"].max()
        outcomes = outcomes.filter(history)
        media, drivers = _with_plan(media.filter(history), drivers.filter(history), planned)
    first = min(outcomes["week"].min(), media["week"].min() or outcomes["week"].min())
    one_day = np.timedelta64(1, "D")
    weeks = np.arange(np.datetime64(first), np.datetime64(last) + one_day, 7 * one_day)
    geo = {"geo": names["geo"]}
    by_channel, by_driver = (geo | {key: names[key]} for key in ("channel_id", "driver_id"))
    frequency = np.nan_to_num(_dense(media, "frequency", weeks, by_channel))
    return Panel(
        geos=names["geo"],
        weeks=weeks,
        channels=names["channel_id"],
        drivers=names["driver_id"],
        outcome=_dense(outcomes, "outcome", weeks, geo),
        exposure=np.nan_to_num(_dense(media, "exposure", weeks, by_channel)),
        spend=np.nan_to_num(_dense(media, "spend", weeks, by_channel)),
        driver_values=_dense(drivers.filter(pl.col("week") >= first), "value", weeks, by_driver),
        frequency=frequency if frequency.any() else None,
    )
