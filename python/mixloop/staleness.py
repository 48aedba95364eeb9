"""Whether a run can still be used: every sign of every judged run as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
import polars as pl

from mixloop.misses import Pushes, SignTest, block_sums, pushes, sign_test
from mixloop.schemas import STALENESS, conform, empty
from mixloop.stale_signs import (
    TOTAL,
    Planned,
    RunView,
    Signal,
    Thresholds,
    age_signal,
    channel_signals,
    mix_signals,
    price_signals,
    range_signals,
)
from mixloop.transforms import adstock_weights

KERNELS = {
    "channel_id": pl.String(), "kernel": pl.String(), "decay": pl.Float64(),
    "n_draws": pl.Int64(),
}  # fmt: skip
MISSES = {"week": pl.Date(), "miss": pl.Float64()}
REMEDIES = {
    "mix_shift": "refit on the new weeks; until then decide on channels whose share did not move",
    "new_channel": "refit once it has run for some weeks, or plan a test; its effect is unknown",
    "dropped_channel": "refit, or take it out of the plan knowingly",
    "misses_total": "look at mixloop__forecast_variance for what drives it: a context variable may "
    "be missing; refit",
    "misses": "plan a lift test of the channel, or refit; until then read its return with the side "
    "of the misses in mind",
    "spend_range": "spread the money, or treat the plan as a test: the curve was never seen there",
    "carryover_range": "begin lower or pause in between: the curve was never seen there",
    "budget_range": "cut the plan to what was seen, or step up in stages and refit on the way",
    "media_price": "refit; a return per euro trained at other prices no longer holds",
    "age": "refit on the weeks that have come",
}


@dataclass(frozen=True)
class Records:
    """Forecasts of record of one model: what each week's forecast missed by.

    Attributes
    ----------
    weeks : ndarray of int, (n,)
    run : ndarray of int, (n,)
        Which run the forecast is of, older runs first.
    total : ndarray, (n,)
    by_channel : ndarray, (n, C)
    """

    weeks: np.ndarray
    run: np.ndarray
    total: np.ndarray
    by_channel: np.ndarray

    def known_to(self, run: int) -> Records:
        """Return one record a week: of the newest run that is no newer than the given one."""
        keep = np.flatnonzero(self.run <= run)
        order = keep[np.lexsort((self.run[keep], self.weeks[keep]))]
        last = np.append(np.diff(self.weeks[order]) != 0, True)[: len(order)]
        order = order[last]
        return Records(
            self.weeks[order], self.run[order], self.total[order], self.by_channel[order]
        )


def records_of(found: Sequence[Pushes], n_channels: int) -> Records:
    """Stack the pushes of several runs, older runs first."""
    if not found:
        nothing = np.zeros(0)
        return Records(nothing.astype(int), nothing.astype(int), nothing, np.zeros((0, n_channels)))
    return Records(
        np.concatenate([part.weeks for part in found]),
        np.concatenate([np.full(len(part.weeks), i) for i, part in enumerate(found)]),
        np.concatenate([part.total for part in found]),
        np.concatenate([part.by_channel for part in found]),
    )


def miss_signals(
    channels: Sequence[str],
    records: Records,
    limits: Thresholds,
    logged: Mapping[str, Sequence[tuple[int, float]]] | None = None,
) -> list[Signal]:
    """Return the sign test of each channel and of the total.

    Parameters
    ----------
    channels : sequence of str
        Those of the run.
    records : Records
        One for each week, oldest first.
    logged : mapping, optional
        For each channel what decisions and experiments missed by: (week, miss); each is one
        observation beside the blocks of weeks.

    Notes
    -----
    Each series is called at the false-alarm rate over the number of series (Bonferroni), so that a
    look at the model calls any of them by chance at most that often. Looks are not added up: of
    many looks at sound models at most that share calls something.
    """
    level = limits.miss_false_alarm / (len(channels) + 1)
    newest = max(
        [*records.weeks.tolist(), *(w for v in (logged or {}).values() for w, _ in v)] or [0]
    )
    oldest = newest - limits.miss_window_weeks
    most = limits.miss_window_weeks // limits.miss_block_weeks
    recent = records.weeks > oldest
    blocks = block_sums(records.by_channel[recent], limits.miss_block_weeks, most)
    total = block_sums(records.total[recent], limits.miss_block_weeks, most)
    first = int(records.weeks[recent][0]) if recent.any() else None
    out = []
    for c, channel in enumerate(channels):
        extra = [miss for week, miss in (logged or {}).get(channel, ()) if week > oldest]
        found = sign_test(np.append(blocks[:, c], extra), level, least=limits.miss_minimum)
        out.append(_miss_signal(channel, found, limits, first, newest, len(extra)))
    found = sign_test(total, level, least=limits.miss_minimum)
    return [*out, _miss_signal(TOTAL, found, limits, first, newest, 0)]


def _miss_signal(
    channel: str,
    found: SignTest,
    limits: Thresholds,
    first: int | None,
    last: int,
    n_logged: int,
) -> Signal:
    """Say what a sign test found."""
    what = "the KPI" if channel == TOTAL else channel
    if found.n < limits.miss_minimum:
        sentence = (
            f"{found.n} observation{'' if found.n == 1 else 's'} of {what} "
            f"{'is' if found.n == 1 else 'are'} too few for a sign test "
            f"({limits.miss_minimum} are needed)"
        )
    else:
        side = {1: "more than", -1: "less than", 0: "as often more as less than"}[found.direction]
        tests = f" ({n_logged} from decisions and tests)" if n_logged else ""
        sentence = (
            f"{found.n_same} of {found.n} observations{tests} say {what} brought {side} expected "
            f"(p = {found.p_value:.3g})"
        )
    return Signal(
        channel,
        "misses",
        found.n_same / found.n if found.n else None,
        found.needed / found.n if found.needed else None,
        found.is_called,
        sentence,
        first,
        last if first is not None else None,
        found.n,
        found.p_value if found.n else None,
    )


def signals_of(
    view: RunView,
    records: Records,
    limits: Thresholds,
    logged: Mapping[str, Sequence[tuple[int, float]]] | None = None,
) -> list[Signal]:
    """Return every sign of one run, channel by channel and in total."""
    known = [c for c, row in enumerate(view.weights) if row.sum() > 0]
    own = Records(records.weeks, records.run, records.total, records.by_channel[:, known])
    return [
        *mix_signals(view, limits),
        *channel_signals(view, limits),
        *miss_signals([view.channels[c] for c in known], own, limits, logged),
        *range_signals(view, limits),
        *price_signals(view, limits),
        age_signal(view, limits),
    ]


def mean_kernels(
    kernels: pl.DataFrame, channels: Sequence[str], carryover_weeks: int
) -> np.ndarray:
    """Return each channel's mean carry-over over the draws, (C, L + 1); zeros where unknown.

    Parameters
    ----------
    kernels : DataFrame
        channel_id, kernel, decay, n_draws of one run.
    """
    out = np.zeros((len(channels), carryover_weeks + 1))
    place = {channel: c for c, channel in enumerate(channels)}
    rows = kernels.sort("channel_id", "kernel", "decay")
    for channel, kernel, decay, n_draws in rows.select(
        "channel_id", "kernel", "decay", "n_draws"
    ).iter_rows():
        if channel in place:
            out[place[channel]] += n_draws * adstock_weights(kernel, decay, carryover_weeks)
    total = out.sum(axis=1, keepdims=True)
    return np.divide(out, total, out=np.zeros_like(out), where=total > 0)


@dataclass(frozen=True)
class _Model:
    """One model's weeks as arrays."""

    first_week: date
    channels: tuple[str, ...]
    spend: np.ndarray
    exposure: np.ndarray
    impressions: np.ndarray
    plans: dict[str, Planned]

    def position(self, week: date) -> int:
        return (week - self.first_week).days // 7

    def week(self, position: int | None) -> date | None:
        return None if position is None else self.first_week + timedelta(weeks=position)

    def view(self, run: Mapping[str, object], kernels: pl.DataFrame) -> RunView:
        """Return what a run was trained on and what came since."""
        weights = mean_kernels(kernels, self.channels, int(run["carryover_weeks"]))
        training = np.arange(
            max(self.position(run["first_training_week"]), 0), self.position(run["as_of_week"]) + 1
        )
        return RunView(
            self.channels, self.spend, self.exposure, self.impressions, weights, training,
            self.plans,
        )  # fmt: skip


def _grid(rows: pl.DataFrame, value: str, shape: tuple[int, int]) -> np.ndarray:
    """Lay rows with positions `t` and `c` out as an array; zero where there is none."""
    out = np.zeros(shape)
    out[rows["t"].to_numpy(), rows["c"].to_numpy()] = rows[value].fill_null(0.0).to_numpy()
    return out


def _model(media: pl.DataFrame, plans: pl.DataFrame, last_known_week: date) -> _Model:
    """Return one model's media and plans as arrays, channels by name."""
    first_week = media["week"].min()
    names = sorted({*media["channel_id"], *plans["channel_id"]})
    n_weeks = (last_known_week - first_week).days // 7 + 1
    codes = {name: c for c, name in enumerate(names)}
    placed = [
        rows.with_columns(
            t=((pl.col("week") - pl.lit(first_week)).dt.total_days() // 7).cast(pl.Int64),
            c=pl.col("channel_id").replace_strict(codes, return_dtype=pl.Int64),
        )
        for rows in (media, plans)
    ]
    known, planned = placed
    found = {}
    for plan in planned.sort("plan_id").partition_by("plan_id", maintain_order=True):
        ahead = plan.with_columns(t=pl.col("t") - n_weeks).filter(pl.col("t") >= 0)
        if ahead.height:
            shape = (int(ahead["t"].max()) + 1, len(names))
            found[plan["plan_id"][0]] = Planned(
                _grid(ahead, "planned_spend", shape),
                _grid(ahead, "planned_value", shape),
                bool((plan["plan_source"] == "client").any()),
            )
    shape = (n_weeks, len(names))
    values = (_grid(known, name, shape) for name in ("spend", "exposure", "impressions"))
    return _Model(first_week, tuple(names), *values, found)


def staleness_table(
    runs: pl.DataFrame,
    kernels: pl.DataFrame,
    media: pl.DataFrame,
    plans: pl.DataFrame,
    misses: pl.DataFrame,
    logged: pl.DataFrame,
    settings: Mapping[str, float],
) -> pl.DataFrame:
    """Return every sign of every judged run.

    Parameters
    ----------
    runs : DataFrame
        run_id, model_id, as_of_week, first_training_week, last_known_week, carryover_weeks, rho,
        run_number (newest 1, over all runs with a forecast), is_judged.
    kernels : DataFrame
        run_id, channel_id, kernel, decay, n_draws.
    media : DataFrame
        model_id, week, channel_id, spend, exposure, impressions; geos together.
    plans : DataFrame
        model_id, plan_id, plan_source, week, channel_id, planned_spend, planned_value.
    misses : DataFrame
        run_id, week, miss: what the KPI did beyond the forecast at what came.
    logged : DataFrame
        model_id, channel_id, week, record_id, miss: of decisions and experiments.
    settings : mapping
        The fields of `Thresholds`.

    Returns
    -------
    DataFrame in `schemas.STALENESS`
    """
    limits = Thresholds(**{f.name: type(f.default)(settings[f.name]) for f in fields(Thresholds)})
    frames = []
    of_run = _by_run(kernels), _by_run(misses)
    for own in runs.sort("model_id", "as_of_week", "run_number", descending=[False, False, True]
                         ).partition_by("model_id", maintain_order=True):  # fmt: skip
        of_model = pl.col("model_id") == own["model_id"][0]
        if media.filter(of_model).height:
            frames += _model_frames(
                own, *of_run, media.filter(of_model), plans.filter(of_model),
                logged.filter(of_model), limits,
            )  # fmt: skip
    return pl.concat([empty(STALENESS), *frames])


def _by_run(rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return the rows of each run."""
    return {key[0]: part for key, part in rows.partition_by("run_id", as_dict=True).items()}


def _model_frames(
    runs: pl.DataFrame,
    kernels: Mapping[str, pl.DataFrame],
    misses: Mapping[str, pl.DataFrame],
    media: pl.DataFrame,
    plans: pl.DataFrame,
    logged: pl.DataFrame,
    limits: Thresholds,
) -> list[pl.DataFrame]:
    """Return the rows of one model's judged runs, older runs first."""
    model = _model(media, plans, runs["last_known_week"].max())
    known = [run for run in runs.iter_rows(named=True) if model.position(run["as_of_week"]) >= 0]
    nothing = pl.DataFrame(schema=KERNELS)
    views = [model.view(run, kernels.get(run["run_id"], nothing)) for run in known]
    found = []
    for run, view in zip(known, views, strict=True):
        own = misses.get(run["run_id"], pl.DataFrame(schema=MISSES)).drop_nulls("miss")
        own = own.filter(pl.col("week") > run["as_of_week"]).sort("week")
        at = np.array([model.position(week) for week in own["week"]], dtype=int)
        carried = view.carried(view.exposure)
        found.append(pushes(at, own["miss"].to_numpy(), run["rho"], carried, view.training))
    records = records_of(found, len(model.channels))
    rows = logged.sort("channel_id", "week", "record_id").select("channel_id", "week", "miss")
    noted: dict[str, list[tuple[int, float]]] = {}
    for channel, week, miss in rows.drop_nulls().iter_rows():
        noted.setdefault(channel, []).append((model.position(week), miss))
    return [
        _frame(run, model, signals_of(view, records.known_to(i), limits, noted))
        for i, (run, view) in enumerate(zip(known, views, strict=True))
        if run["is_judged"]
    ]


def _frame(run: Mapping[str, object], model: _Model, signals: list[Signal]) -> pl.DataFrame:
    """Return one run's signs as rows."""
    rows = [
        {
            "run_id": run["run_id"],
            "model_id": run["model_id"],
            "as_of_week": run["as_of_week"],
            "last_known_week": run["last_known_week"],
            "channel_id": signal.channel_id,
            "signal": signal.signal,
            "measured": signal.measured,
            "threshold": signal.threshold,
            "is_triggered": bool(signal.is_triggered),
            "first_week": model.week(signal.first),
            "last_week": model.week(signal.last),
            "n_observations": signal.n,
            "p_value": signal.p_value,
            "sentence": signal.sentence,
            "remedy": _remedy(signal) if signal.is_triggered else None,
        }
        for signal in signals
    ]
    return conform(pl.DataFrame(rows, schema=STALENESS), STALENESS)


def _remedy(signal: Signal) -> str:
    """Return what to do about a sign."""
    is_total = signal.signal == "misses" and signal.channel_id == TOTAL
    return REMEDIES["misses_total" if is_total else signal.signal]
