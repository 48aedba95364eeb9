"""What was known when: the panels that runs were given, mappings since changed, media prices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import polars as pl

from mixloop.schemas import empty

RUN_PANELS: dict[str, pl.DataType] = {
    "run_id": pl.String(),
    "model_id": pl.String(),
    "as_of_week": pl.Date(),
    "mapping_version": pl.Int64(),
    "panel_number": pl.Int64(),  # counts the builds that added panels
    "geo": pl.String(),
    "item_type": pl.String(),  # kpi, channel, leaf, driver, frequency, leaf_frequency
    "item_id": pl.String(),
    "first_week": pl.Date(),
    "spend": pl.List(pl.Float64()),  # channels and leaves
    "values": pl.List(pl.Float64()),  # exposure, KPI or driver value
}

MOVED_MEDIA: dict[str, pl.DataType] = {
    "mapping_version": pl.Int64(),
    "geo": pl.String(),
    "week": pl.Date(),
    "from_leaf_id": pl.String(),
    "from_channel_id": pl.String(),  # the modelled channel above, null without one
    "to_leaf_id": pl.String(),
    "to_channel_id": pl.String(),
    "spend": pl.Float64(),
    "impressions": pl.Float64(),
}

MEDIA_PRICES: dict[str, pl.DataType] = {
    "mapping_version": pl.Int64(),  # earlier ones only of channels that had other media
    "is_current": pl.Boolean(),
    "geo": pl.String(),
    "channel_id": pl.String(),
    "week": pl.Date(),
    "log_price": pl.Float64(),
}

SPEND, VALUES = "spend", "values"
RUN_FACTS = ("run_id", "model_id", "as_of_week", "mapping_version", "panel_number")
RECENT_WEEKS = 13  # the price that goes on unless something happens
YEAR = 52


def _filled(
    rows: pl.DataFrame,
    column: str,
    weeks: np.ndarray,
    geos: tuple[str, ...],
    items: tuple[str, ...],
) -> np.ndarray:
    """Spread lists of weekly values over (geos, weeks, items); NaN where there is none."""
    out = np.full((len(geos), len(weeks), len(items)), np.nan)
    for geo, item, first, values in rows.select("geo", "item_id", "first_week", column).iter_rows():
        if geo not in geos or item not in items or values is None:
            continue
        start = int((np.datetime64(first) - weeks[0]).astype(int)) // 7
        values = np.array(values, dtype=float)[max(-start, 0) :][: len(weeks) - max(start, 0)]
        start = max(start, 0)
        out[geos.index(geo), start : start + len(values), items.index(item)] = values
    return out


@dataclass(frozen=True)
class Record:
    """What was known of one model, and when.

    Attributes
    ----------
    panels : DataFrame in `RUN_PANELS`, or callable that returns it
        What publishing runs were given; called when the values are needed.
    moved : DataFrame in `MOVED_MEDIA`
        Media that another mapping version had elsewhere than today's.
    prices : DataFrame in `MEDIA_PRICES`
        Price of media by week, where impressions are known.
    known_runs : DataFrame, optional
        `RUN_FACTS` of the runs with a panel, so that panels need not be read for them.
    """

    panels: pl.DataFrame | Callable[[], pl.DataFrame] = field(
        default_factory=lambda: empty(RUN_PANELS)
    )
    moved: pl.DataFrame = field(default_factory=lambda: empty(MOVED_MEDIA))
    prices: pl.DataFrame = field(default_factory=lambda: empty(MEDIA_PRICES))
    known_runs: pl.DataFrame | None = None

    @cached_property
    def rows(self) -> pl.DataFrame:
        """The panels, read when first asked for."""
        return self.panels if isinstance(self.panels, pl.DataFrame) else self.panels()

    @cached_property
    def runs(self) -> pl.DataFrame:
        """One row per run with a panel: `RUN_FACTS`, the first to know comes first.

        That is the run that was trained to the earliest week, whenever it was built.
        """
        runs = self.rows if self.known_runs is None else self.known_runs
        return runs.select(RUN_FACTS).unique("run_id").sort("as_of_week", "panel_number", "run_id")

    def given(
        self,
        run_id: str,
        item_type: str,
        column: str,
        weeks: np.ndarray,
        geos: tuple[str, ...],
        items: tuple[str, ...],
    ) -> np.ndarray:
        """Return what a run was given, (J, T, N); NaN where it was given nothing."""
        own = self.rows.filter(pl.col("run_id") == run_id, pl.col("item_type") == item_type)
        return _filled(own, column, weeks, geos, items)

    def mapping_of(self, run_id: str) -> int | None:
        """Return the mapping version under which a run was given its panel."""
        own = self.runs.filter(pl.col("run_id") == run_id)
        return own["mapping_version"][0] if len(own) else None

    def first_runs(self, weeks: np.ndarray) -> list[tuple[str, int | None, np.ndarray]]:
        """Return the runs that knew some weeks first: run_id, mapping version, weeks (T,)."""
        known, found = np.zeros(len(weeks), dtype=bool), []
        facts = self.runs.select("run_id", "as_of_week", "mapping_version")
        for run_id, as_of, version in facts.iter_rows():
            new = (weeks <= np.datetime64(as_of)) & ~known
            if new.any():
                found.append((run_id, version, new))
                known |= new
        return found

    def moved_under(
        self,
        version: int | None,
        column: str,
        weeks: np.ndarray,
        geos: tuple[str, ...],
        items: tuple[str, ...],
        level: str,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what items had under a version and have elsewhere today, and what came to them.

        Parameters
        ----------
        column : str
            `spend` or `impressions`.
        level : str
            `channel` or `leaf`.

        Returns
        -------
        two ndarrays, (J, T, N)
        """
        rows = self.moved.filter(
            pl.col("mapping_version").eq(version if version is not None else -1),
            pl.col("geo").is_in(list(geos)),
            pl.col("week").is_between(weeks[0].item(), weeks[-1].item()),
        )
        return tuple(
            _summed(rows, f"{side}_{level}_id", column, weeks, geos, items)
            for side in ("from", "to")
        )

    def _prices_under(self, version: int | None) -> pl.DataFrame:
        """Return prices of channels as a version had them: today's where nothing has moved."""
        today = self.prices.filter("is_current")
        of_version = pl.col("mapping_version").eq(version if version is not None else -1)
        then = self.prices.filter(~pl.col("is_current") & of_version)
        return pl.concat([today.join(then, on="channel_id", how="anti"), then])

    def price_ratio(
        self,
        weeks: np.ndarray,
        window: np.ndarray,
        last_week: np.datetime64,
        geos: tuple[str, ...],
        channels: tuple[str, ...],
        version: int | None = None,
    ) -> np.ndarray:
        """Return the price of media over the price that was to be expected, (J, H, C).

        Of the channels as a mapping version had them; of today's without one.

        To be expected was the price of the last 13 weeks before the forecast, moved as it moved
        from the same weeks to the same time of the year before (mean of 5 weeks), where that is
        known. 1 where a price is unknown.
        """
        first = weeks[0] - np.timedelta64(7 * (YEAR + RECENT_WEEKS + 2), "D")
        every = np.arange(first, weeks[-1] + np.timedelta64(1, "D"), np.timedelta64(7, "D"))
        logs = _prices(self._prices_under(version), every, geos, channels)
        at = np.flatnonzero(np.isin(every, weeks[window]))
        last = int((last_week - every[0]).astype(int)) // 7
        recent = _mean(logs[:, last - RECENT_WEEKS + 1 : last + 1])
        year_ago = _mean(logs[:, last - RECENT_WEEKS + 1 - YEAR : last + 1 - YEAR])
        out = np.zeros((len(geos), len(at), len(channels)))
        for h, week in enumerate(at):
            then = _mean(logs[:, week - YEAR - 2 : week - YEAR + 3])
            season = np.nan_to_num(then - year_ago)
            out[:, h] = logs[:, week] - recent - season
        return np.exp(np.nan_to_num(out))


def _mean(logs: np.ndarray) -> np.ndarray:
    """Return the mean over weeks, NaN where no week is known."""
    known = np.isfinite(logs)
    count = known.sum(axis=1)
    total = np.where(known, logs, 0.0).sum(axis=1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _place(rows: pl.DataFrame, weeks: np.ndarray, geos: tuple[str, ...]) -> tuple:
    """Return the places of rows along geos and weeks."""
    geo = np.array([geos.index(name) for name in rows["geo"]], dtype=int)
    week = (rows["week"].to_numpy().astype("datetime64[D]") - weeks[0]).astype(int) // 7
    return geo, week


def _prices(
    prices: pl.DataFrame, weeks: np.ndarray, geos: tuple[str, ...], channels: tuple[str, ...]
) -> np.ndarray:
    """Spread log prices over (geos, weeks, channels)."""
    rows = prices.filter(
        pl.col("geo").is_in(list(geos)),
        pl.col("channel_id").is_in(list(channels)),
        pl.col("week").is_between(weeks[0].item(), weeks[-1].item()),
    )
    out = np.full((len(geos), len(weeks), len(channels)), np.nan)
    channel = np.array([channels.index(name) for name in rows["channel_id"]], dtype=int)
    out[*_place(rows, weeks, geos), channel] = rows["log_price"].to_numpy()
    return out


def _summed(
    rows: pl.DataFrame,
    key: str,
    column: str,
    weeks: np.ndarray,
    geos: tuple[str, ...],
    items: tuple[str, ...],
) -> np.ndarray:
    """Add up rows by one of their keys, (J, T, N)."""
    out = np.zeros((len(geos), len(weeks), len(items)))
    own = rows.filter(pl.col(key).is_in(list(items))).sort(pl.all())
    item = np.array([items.index(name) for name in own[key]], dtype=int)
    np.add.at(out, (*_place(own, weeks, geos), item), own[column].to_numpy())
    return out
