"""Which fits a build needs, and what they leave in the ledger."""

import json
import re
import time
from dataclasses import replace
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mixloop import runs
from mixloop.fit import FitSettings
from mixloop.panel import build_panel
from mixloop.posterior import posteriors_from_frame
from mixloop.runs import data_hash, fit_runs, fit_tasks, training_ends
from mixloop.schemas import POSTERIOR

TINY = FitSettings(chains=2, warmup=1, sweeps=8, max_sweeps=8, draws=10)
ORIGINS = {"origins": 1, "step_weeks": 13, "horizon_weeks": 13, "first_forecast_weeks_ago": 4}
SETTINGS = {
    **{name: getattr(TINY, name) for name in FitSettings.__annotations__},
    **{"backtest_origins": 1, "backtest_step_weeks": 13, "backtest_horizon_weeks": 13},
    "first_forecast_weeks_ago": 4,
}


class Clock:
    """Each call is 1.5 seconds later."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        self.now += 1.5
        return self.now


@pytest.fixture(scope="module")
def world(simulate):
    return simulate(n_weeks=70, geos=("north", "south"), channels=("search", "tv"))


@pytest.fixture(scope="module")
def inputs(world, to_frames):
    return to_frames(world.panel)


@pytest.fixture(scope="module")
def ledger(inputs):
    return fit_runs(**inputs, existing=[], settings=SETTINGS, clock=Clock())


def ids(inputs, settings=TINY, **changes):
    return [task.run_id for task in fit_tasks(**inputs, settings=settings, **ORIGINS | changes)]


# --- which fits ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_weeks", "origins", "step", "first_forecast", "expected"),
    [
        (156, 4, 13, 13, [52, 39, 26, 13, 0]),
        (157, 4, 13, 13, [53, 40, 27, 13, 0]),  # a week later two of three fits are the same
        (156, 2, 13, 4, [26, 13, 4, 0]),  # the first forecast's horizon has not come: one more
        (78, 4, 13, 13, [26, 13, 0]),  # an origin keeps 52 weeks of history, 78 - 26
        (77, 4, 13, 0, [25, 12, 0]),  # too few whole horizons: a newer origin as well
        (77, 4, 13, 13, [25, 13, 0]),  # which is not next to the first forecast's
        (156, 8, 6, 13, [54, 48, 42, 36, 30, 24, 18, 13, 0]),
        (156, 8, 6, 0, [60, 54, 48, 42, 36, 30, 24, 18, 0]),
        (52, 4, 13, 13, [0]),
        (20, 4, 13, 13, [0]),
        (156, 0, 13, 0, [0]),
        (156, 0, 13, 13, [13, 0]),
    ],
)
def test_training_ends(n_weeks, origins, step, first_forecast, expected):
    assert expected == training_ends(
        n_weeks,
        origins=origins,
        step_weeks=step,
        horizon_weeks=13,
        first_forecast_weeks_ago=first_forecast,
    )


def test_origins_stay_where_they_are_as_weeks_arrive():
    """Over a year of weekly builds eight origins move on one at a time, every sixth week."""
    found = []
    for n_weeks in range(120, 172):
        ends = training_ends(
            n_weeks, origins=8, step_weeks=6, horizon_weeks=13, first_forecast_weeks_ago=0
        )
        assert len(ends) == 9
        assert all(end >= 13 for end in ends[:-1])
        found.append({n_weeks - end for end in ends[:-1]})
    new = [len(later - before) for before, later in pairwise(found)]
    assert new == [int((n_weeks - 13) % 6 == 0) for n_weeks in range(121, 172)]


def test_each_origin_sees_only_its_own_past(world, inputs):
    tasks = fit_tasks(**inputs, settings=TINY, **ORIGINS)
    assert [task.run_kind for task in tasks] == ["backtest", "backtest", "live"]
    weeks = world.panel.weeks
    assert [task.panel.weeks[-1] for task in tasks] == [weeks[-19], weeks[-5], weeks[-1]]
    assert [task.n_training for task in tasks] == [52, 66, 70]
    for task in tasks:
        n = len(task.panel.weeks)
        np.testing.assert_array_equal(task.panel.outcome, world.panel.outcome[:, :n])
        np.testing.assert_array_equal(task.panel.exposure, world.panel.exposure[:, :n])
        assert task.media_units == {"search": "spend", "tv": "spend"}
        assert task.share_of_kpi == {"search": 0.1}


def test_models_come_by_name_with_their_own_rows(world, inputs, to_frames):
    other = to_frames(world.panel.until(world.panel.weeks[51]), model_id="an_early_one", kpi="new")
    both = {name: pl.concat([inputs[name], other[name]]) for name in inputs}
    tasks = fit_tasks(**both, settings=TINY, **ORIGINS)
    assert [(task.model_id, task.run_kind) for task in tasks] == [
        ("an_early_one", "live"),  # 52 weeks are too few for an origin
        ("sales", "backtest"),
        ("sales", "backtest"),
        ("sales", "live"),
    ]
    assert [task.kpi for task in tasks] == ["new"] + ["revenue"] * 3
    assert [task.run_id for task in tasks[1:]] == ids(inputs)


# --- identity -----------------------------------------------------------------------------------


def test_the_same_inputs_give_the_same_runs_whatever_their_order(inputs):
    shuffled = {n: f.sample(fraction=1, shuffle=True, seed=3) for n, f in inputs.items()}
    assert ids(inputs) == ids(inputs) == ids(shuffled)
    assert len(set(ids(inputs))) == 3


def changed(inputs, name, column, week_from_end=0):
    """One value of one frame, in one week, made larger."""
    weeks = inputs[name]["week"].unique().sort()
    at = (pl.col("week") == weeks[-1 - week_from_end]) & (pl.col("geo") == "south")
    return inputs | {
        name: inputs[name].with_columns(
            pl.when(at).then(pl.col(column) + 1.0).otherwise(pl.col(column)).alias(column)
        )
    }


@pytest.mark.parametrize(
    ("name", "column"), [("outcomes", "outcome"), ("media", "exposure"), ("drivers", "value")]
)
def test_new_data_give_new_runs_where_they_are_seen(inputs, name, column):
    before = ids(inputs)
    first_week = ids(changed(inputs, name, column, week_from_end=69))
    assert not set(before) & set(first_week)
    last_week = ids(changed(inputs, name, column))  # only the live run has seen it
    assert [a == b for a, b in zip(before, last_week, strict=True)] == [True, True, False]


@pytest.mark.parametrize(
    "change",
    [
        *(
            {"chains": 3},
            {"warmup": 2},
            {"sweeps": 40},
            {"max_sweeps": 9},
            {"draws": 11},
            {"seed": 1},
        ),
        *({"channel_share_scale": 0.07}, {"carryover_weeks": 8}),
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_settings_give_new_runs(inputs, change):
    assert not set(ids(inputs)) & set(ids(inputs, replace(TINY, **change)))


def test_other_priors_units_or_kpis_give_new_runs(inputs):
    before = set(ids(inputs))
    for name, column, value in (
        ("channels", "share_of_kpi", 0.2),
        ("channels", "media_unit", "impressions"),
        ("models", "kpi", "orders"),
    ):
        other = inputs | {name: inputs[name].with_columns(pl.lit(value).alias(column))}
        assert not before & set(ids(other)), column


def test_other_code_gives_new_runs(inputs, monkeypatch):
    before = ids(inputs)
    monkeypatch.setattr(runs, "code_hash", lambda: "another version")
    assert not set(before) & set(ids(inputs))


def test_the_code_hash_covers_every_module_a_fit_runs_through(monkeypatch):
    plain = runs.code_hash()
    assert plain == runs.code_hash()
    read = runs.getsource
    for name in (
        *("panel", "transforms", "design", "algebra", "pooling", "problem", "gibbs", "pooled"),
        *("sampler", "fit", "posterior"),
    ):

        def edited(module, name=name):
            return read(module) + ("# edited" if module.__name__ == f"mixloop.{name}" else "")

        monkeypatch.setattr(runs, "getsource", edited)
        assert runs.code_hash() != plain, name
    monkeypatch.setattr(runs, "getsource", read)
    assert runs.code_hash() == plain


def in_pools(inputs, pools):
    pool_id = pl.col("channel_id").replace_strict(pools, default=None, return_dtype=pl.String)
    return inputs | {"channels": inputs["channels"].with_columns(pool_id=pool_id)}


def test_pools_are_part_of_a_runs_identity_where_there_are_any(inputs):
    together = in_pools(inputs, {"search": "all", "tv": "all"})
    tasks = fit_tasks(**together, settings=TINY, **ORIGINS)
    assert tasks[-1].pools == {"search": "all", "tv": "all"}
    asked = json.loads(runs.configuration(tasks[-1], TINY))
    assert (asked["pools"], asked["pool_spread"]) == (tasks[-1].pools, 0.3)
    wider = replace(TINY, pool_spread=0.5)
    assert len({*ids(inputs), *ids(together), *ids(together, wider)}) == 9
    # without a pool of two nothing of it is seen
    assert ids(inputs) == ids(inputs, wider) == ids(in_pools(inputs, {"tv": "all"}))
    assert not {"pools", "pool_spread"} & set(
        json.loads(runs.configuration(fit_tasks(**inputs, settings=TINY, **ORIGINS)[0], TINY))
    )


def test_the_ledger_names_the_pool_of_each_channel(inputs):
    together = in_pools(inputs, {"search": "all", "tv": "all"})
    rows = fit_runs(
        **together,
        existing=[],
        settings=SETTINGS | {"backtest_origins": 0, "first_forecast_weeks_ago": 0},
        clock=Clock(),
    )
    channel = pl.col("term_type") == "channel"
    assert rows.filter(channel)["pool_id"].unique().to_list() == ["all"]
    assert rows.filter(~channel)["pool_id"].null_count() == len(rows.filter(~channel))
    (posterior,) = posteriors_from_frame(rows)
    assert posterior.pools == {"search": "all", "tv": "all"}
    (old,) = posteriors_from_frame(rows.drop("pool_id"))
    assert old.pools == {}


def test_another_number_of_origins_keeps_the_runs_that_stay(inputs):
    assert ids(inputs, origins=0) == ids(inputs)[1:]


def test_the_data_hash_sees_names_and_numbers(inputs):
    frames = [inputs[name] for name in ("outcomes", "media", "drivers")]
    panel = build_panel("sales", *frames)
    plain = data_hash(panel)
    assert plain == data_hash(build_panel("sales", *frames))
    assert plain == data_hash(replace(panel, spend=panel.spend + 1.0))  # no fit looks at spend
    week = np.timedelta64(7, "D")
    others = [
        replace(panel, geos=("north", "west")),
        replace(panel, channels=("search", "radio")),
        replace(panel, drivers=("context:rain",)),
        replace(panel, weeks=panel.weeks + week),
        replace(panel, exposure=panel.exposure + 1e-9),
        panel.until(panel.weeks[-2]),
    ]
    assert len({plain, *(data_hash(other) for other in others)}) == 1 + len(others)


# --- the ledger ---------------------------------------------------------------------------------


def test_rows_conform_and_the_live_run_comes_last(inputs, ledger):
    assert ledger.schema == pl.Schema(POSTERIOR)
    order = ledger["run_id"].unique(maintain_order=True).to_list()
    assert order == ids(inputs)
    kinds = ledger["run_kind"].unique(maintain_order=True).to_list()
    assert kinds == ["backtest", "live"]
    assert ledger.select("run_id", "geo", "term_id").is_duplicated().sum() == 0
    draws = ledger["coefficient"].list.len().unique().to_list()
    assert draws == [TINY.draws]


def test_facts_of_a_run(world, ledger):
    live = ledger.filter(run_kind="live")
    row = live.row(0, named=True)
    assert row["as_of_week"] == world.panel.weeks[-1].item()
    assert row["n_training_weeks"] == 70
    assert (row["n_chains"], row["n_sweeps"], row["n_draws"]) == (2, 8, 10)
    asked = json.loads(row["configuration"])
    assert asked["kpi"] == "revenue"
    assert asked["share_of_kpi"] == {"search": 0.1}
    assert asked["seed"] == TINY.seed
    assert json.loads(row["dropped"]) == {"channels": [], "drivers": []}
    versions = json.loads(row["versions"])
    assert versions["numpy"] == np.__version__
    assert versions["holidays"] == version("holidays")
    assert row["fit_seconds"] == 1.5
    assert row["peak_memory_mib"] > 10
    facts = ["data_hash", "config_hash", "code_hash", "configuration", "versions", "seed"]
    facts += ["draws_hash"]
    assert ledger["draws_hash"].n_unique() == 3
    assert len(live.select(facts).unique()) == 1
    assert ledger["data_hash"].n_unique() == 3


def test_convergence_belongs_to_its_own_row(inputs, monkeypatch):
    fit = runs.fit

    def labelled(task, settings):
        """The real fit with recognisable figures: term number, geo number, which figure."""
        result = fit(task, settings)
        figures = {
            term: np.array([[100.0 * i + 10 * j + q for q in range(3)] for j in range(2)])
            for i, term in enumerate(sorted(result.diagnostics))
        }
        figures["level"][1, 0] = np.nan
        return replace(result, diagnostics=figures)

    monkeypatch.setattr(runs, "fit", labelled)
    rows = fit_runs(**inputs, existing=ids(inputs)[:2], settings=SETTINGS, clock=Clock())
    terms = sorted(rows["term_id"].unique())
    for row in rows.iter_rows(named=True):
        base = 100.0 * terms.index(row["term_id"]) + 10 * ("north", "south").index(row["geo"])
        unknown = row["term_id"] == "level" and row["geo"] == "south"
        assert row["rhat"] == (None if unknown else base)
        assert (row["ess_bulk"], row["ess_tail"]) == (base + 1, base + 2)


def test_two_calls_give_the_same_rows(inputs, ledger):
    again = fit_runs(**inputs, existing=[], settings=SETTINGS, clock=Clock())
    measured = ("fit_seconds", "peak_memory_mib")
    assert again.drop(measured).equals(ledger.drop(measured))


def test_fits_side_by_side_give_the_same_rows(inputs, ledger):
    settings = SETTINGS | {"fit_jobs": 2}
    again = fit_runs(**inputs, existing=[], settings=settings, clock=time.perf_counter)
    measured = ("fit_seconds", "peak_memory_mib")
    assert again.drop(measured).equals(ledger.drop(measured))


def test_existing_runs_are_not_fitted_again(inputs, ledger, monkeypatch):
    known = ids(inputs)
    rest = fit_runs(**inputs, existing=known[:2], settings=SETTINGS, clock=Clock())
    measured = ("fit_seconds", "peak_memory_mib")
    assert rest.drop(measured).equals(ledger.filter(run_kind="live").drop(measured))

    def never(*_):
        raise AssertionError("a known run was fitted again")

    monkeypatch.setattr(runs, "fit", never)
    nothing = fit_runs(**inputs, existing=iter([*known, "old"]), settings=SETTINGS, clock=Clock())
    assert nothing.is_empty()
    assert nothing.schema == pl.Schema(POSTERIOR)


def test_ledger_rows_read_back_as_posteriors(inputs, ledger):
    back = posteriors_from_frame(ledger)
    assert [posterior.run_id for posterior in back] == ids(inputs)
    assert back[-1].channels == ("search", "tv")
    assert back[-1].coef.shape == (10, 2, 2)


def test_settings_from_the_project_may_be_numbers_of_any_kind(inputs, ledger):
    floats = {name: float(value) for name, value in SETTINGS.items()}
    assert fit_runs(
        **inputs, existing=ids(inputs), settings=floats, clock=Clock()
    ).is_empty()  # 2.0 chains are 2 chains: the same runs


def test_a_run_is_named_after_every_module_that_its_fit_uses():
    """What `fit` imports, directly or not; of these two only names and layouts of columns."""
    folder = Path(runs.__file__).parent

    def imported(name):
        found = re.findall(
            r"^\s*from mixloop\.(\w+) import", (folder / f"{name}.py").read_text(), re.M
        )
        return set(found)

    seen, todo = set(), ["fit"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += imported(name)
    assert seen - {"frames", "schemas"} == set(runs.FIT_MODULES)
