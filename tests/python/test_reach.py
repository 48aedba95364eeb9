"""Reach and frequency: by hand where it is evaluated, planted where it is fitted."""

from dataclasses import replace

import numpy as np
import planted
import polars as pl
import pytest
from conftest import simulate_world
from planted import FIRST, WEEK
from test_curves import NO_PLAN
from test_decisions import move
from test_experiments import lift_test
from test_variance import found, published

from mixloop.allocation import Leaves
from mixloop.bridge.record import RUN_PANELS, Record
from mixloop.curves import curve_rows
from mixloop.decisions import actual_paths, effect_of, moved_money, planned_paths
from mixloop.estimator import MixRegressor
from mixloop.evaluate import geo_node_effects, hierarchy_components, media_effects
from mixloop.experiments import effect_per_coefficient
from mixloop.fit import FitSettings, FitTask, fit
from mixloop.forms import MULTIPLICATIVE
from mixloop.panel import Panel, build_panel
from mixloop.performance import performance_rows
from mixloop.planning.hindsight import status_quo
from mixloop.planning.response import effect_changes, window_of
from mixloop.posterior import posterior_to_frame, posteriors_from_frame
from mixloop.prior_predictive import prior_rows
from mixloop.priors import Belief, channel_log_prior
from mixloop.reach import REACH_FREQUENCY, grids_of, reach_grid, transform_channels, transform_reach
from mixloop.runs import data_hash
from mixloop.shapes import distinct_shapes
from mixloop.specifications import specification_rows
from mixloop.transforms import adstock, adstock_weights, default_grid
from mixloop.variance import variance_rows

N_WEEKS = 156
HALF, SLOPE, DECAY = 2.5, 1.5, 0.45


def by_hand(frequency, half, slope, family):
    """What contacts make of a person reached."""
    if family == "exponential":
        return 1 - 0.5 ** (frequency / half)
    return frequency**slope / (frequency**slope + half**slope)


def simulate(seed: int) -> tuple[Panel, dict[str, np.ndarray]]:
    """A national KPI with seasons, a channel of spend and one of reach and frequency."""
    rng = np.random.default_rng(seed)
    t = np.arange(N_WEEKS)
    tv = rng.gamma(2.0, 40.0, N_WEEKS) * (rng.random(N_WEEKS) > 0.25)
    reach = rng.gamma(3.0, 150_000.0, N_WEEKS) * (rng.random(N_WEEKS) > 0.25)
    frequency = np.where(reach > 0, 1.0 + rng.gamma(1.5, 1.6, N_WEEKS), 0.0)
    u = adstock(tv / tv.max(), adstock_weights("geometric", 0.6, 12))
    worked = reach / reach.max() * by_hand(frequency, HALF, SLOPE, "hill")
    effect = {
        "tv": 160.0 * u / (u + 0.6),
        "video": 400.0 * adstock(worked, adstock_weights("geometric", DECAY, 12)),
    }
    base = 800.0 + 60.0 * np.sin(2 * np.pi * t / 52.18) + 0.4 * t
    outcome = base + sum(effect.values()) + rng.normal(0.0, 18.0, N_WEEKS)
    exposure = np.stack([tv, reach], axis=1)[None]
    panel = Panel(
        geos=("national",),
        weeks=planted.weeks(N_WEEKS),
        channels=("tv", "video"),
        drivers=(),
        outcome=outcome[None],
        exposure=exposure,
        spend=np.stack([tv, reach * 0.0002], axis=1)[None],
        driver_values=np.empty((1, N_WEEKS, 0)),
        frequency=np.stack([0.0 * tv, frequency], axis=1)[None],
    )
    return panel, effect


def task_of(panel: Panel, unit: str = REACH_FREQUENCY, **over) -> FitTask:
    values = {
        "run_id": "r",
        "run_kind": "backtest",
        "model_id": "m",
        "kpi": "sales",
        "panel": panel,
        "n_training": len(panel.weeks),
        "media_units": {"tv": "spend", "video": unit},
        "share_of_kpi": {},
    }
    return FitTask(**values | over)


# --- the transform ------------------------------------------------------------------------------


def test_the_grid_has_the_kernels_of_the_others_and_halves_in_contacts():
    usual, own = default_grid(has_drift=True), reach_grid(has_drift=True)
    assert (own.kernel, own.saturation) == (usual.kernel, usual.saturation)
    np.testing.assert_array_equal(own.log_prior, usual.log_prior)
    assert sorted(set(own.half.round(2))) == [1.0, 1.48, 2.18, 3.21, 4.74, 7.0]
    weight = {h: np.exp(own.log_prior)[own.half == h].sum() for h in np.unique(own.half)}
    middle = sorted(weight, key=weight.get)[-2:]
    assert sorted(np.round(middle, 2)) == [2.18, 3.21]
    assert sorted(set(own.slope)) == [1.0, 1.5, 2.3, 3.5]
    first, second = grids_of(("spend", REACH_FREQUENCY))
    assert first.half.max() == usual.half.max() and second.half.max() == 7.0


def test_media_of_the_grid_by_hand():
    rng = np.random.default_rng(2)
    reach, frequency = rng.random((2, 9)), 1.0 + 4.0 * rng.random((2, 9))
    grid, years = reach_grid(has_drift=True), np.linspace(-1.0, 1.0, 9)
    media = transform_reach(reach, frequency, grid, 3, years)
    assert media.shape == (2, len(grid.half), 9)
    for g in range(0, len(grid.half), 7):
        person = by_hand(frequency, grid.half[g], grid.slope[g], grid.saturation[g])
        weights = adstock_weights(grid.kernel[g], grid.decay[g], 3)
        wanted = np.zeros((2, 9))
        for lag, weight in enumerate(weights):
            wanted[:, lag:] += weight * (reach * person)[:, : 9 - lag]
        np.testing.assert_allclose(media[:, g], wanted * np.exp(grid.drift[g] * years), rtol=1e-12)


def test_other_channels_are_transformed_as_ever():
    exposure = np.random.default_rng(1).random((2, 8, 2))
    frequency = np.full((2, 8, 2), 2.0)
    units = ("spend", REACH_FREQUENCY)
    both = transform_channels(exposure, frequency, grids_of(units), units, 4)
    alone = transform_channels(exposure, None, grids_of(("spend", "spend")), ("spend", "spend"), 4)
    np.testing.assert_array_equal(both[0], alone[0])
    assert not np.allclose(both[1], alone[1])
    with pytest.raises(ValueError, match="its frequency is not given"):
        transform_channels(exposure, None, grids_of(units), units, 4)


# --- what a run says at any week ----------------------------------------------------------------


def reached(form=None, **world):
    """A random run whose second channel is modelled on reach, and its panel."""
    run, panel = planted.world(**world)
    rng = np.random.default_rng(5)
    n_draws, at = len(run.coef), 1
    half, slope, saturation = run.half.copy(), run.slope.copy(), run.saturation.copy()
    half[:, at] = rng.choice([1.5, 3.0], n_draws)
    slope[:, at] = rng.choice([1.0, 2.3], n_draws)
    saturation[:, at] = rng.choice(["hill", "exponential"], n_draws)
    frequency = np.zeros(panel.exposure.shape)
    frequency[..., at] = 1.0 + rng.gamma(2.0, 1.0, frequency.shape[:2])
    frequency[panel.exposure == 0.0] = 0.0
    units = ("spend", REACH_FREQUENCY, "spend", "spend")
    changes = {} if form is None else {"kpi_form": form}
    run = replace(run, half=half, slope=slope, saturation=saturation, media_units=units, **changes)
    spend = panel.spend.copy()
    spend[..., at] *= 0.25
    return run, replace(panel, frequency=frequency, spend=spend)


def response_by_hand(run, reach, frequency, draw, geo, at=1):
    """A reach channel's response in one geo and draw: what a coefficient of one means."""
    person = by_hand(frequency, run.half[draw, at], run.slope[draw, at], run.saturation[draw, at])
    weights = adstock_weights(run.kernel[draw, at], run.decay[draw, at], run.carryover_weeks)
    return adstock(reach / run.exposure_scale[geo, at] * person, weights)


def test_effects_by_hand_and_linear_in_reach():
    run, panel = reached()
    effects = media_effects(run, panel)
    for s, j in ((0, 0), (7, 1), (33, 2)):
        often = panel.frequency[j, :, 1]
        wanted = response_by_hand(run, panel.exposure[j, :, 1], often, s, j)
        full = run.coef[s, j, 1] * run.kpi_scale[j]
        np.testing.assert_allclose(effects[s, j, :, 1], full * wanted, rtol=1e-10)
    twice = replace(panel, exposure=panel.exposure * np.array([1.0, 2.0, 1.0, 1.0]))
    more = media_effects(run, twice)
    np.testing.assert_allclose(more[..., 1], 2.0 * effects[..., 1], rtol=1e-10)
    np.testing.assert_array_equal(more[..., 0], effects[..., 0])


def test_what_is_counted_otherwise_today_says_nothing_to_an_older_run():
    run, panel = reached(n_draws=6)
    effects = media_effects(run, panel)
    changed = media_effects(run, replace(panel, frequency=None))  # money where people were
    assert not changed[..., 1].any()
    np.testing.assert_array_equal(changed[..., 0], effects[..., 0])
    frequency = panel.frequency.copy()
    frequency[..., 2] = 2.0  # people where money was
    changed = media_effects(run, replace(panel, frequency=frequency))
    assert not changed[..., 2].any()
    np.testing.assert_array_equal(changed[..., 1], effects[..., 1])


def test_the_unit_survives_the_ledger():
    run, panel = reached(n_draws=6)
    back = posteriors_from_frame(posterior_to_frame(run))[0]
    assert back.media_units == run.media_units
    np.testing.assert_array_equal(media_effects(back, panel), media_effects(run, panel))


def leaf_rows(panel, shares, often):
    """Leaves of c1: each its share of the reach and its own frequency."""
    rows = []
    for k, share in enumerate(shares):
        for j, geo in enumerate(panel.geos):
            for t, week in enumerate(panel.weeks.astype(object)):
                reach = panel.exposure[j, t, 1] * share
                rows.append((geo, week, f"leaf{k}", reach * 0.25, reach, often[k]))
    schema = dict.fromkeys(("spend", "exposure", "frequency"), pl.Float64)
    names = {"geo": pl.String, "week": pl.Date, "leaf_id": pl.String, **schema}
    return pl.DataFrame(rows, names, orient="row")


def test_a_leafs_weeks_by_hand():
    """Each week's reach at work is split by reach times what the leaf's contacts make of it."""
    run, panel = reached(n_draws=8)
    rng = np.random.default_rng(3)
    part = rng.random(panel.exposure[..., 1].shape)
    reach = panel.exposure[..., 1, None] * np.stack([part, 1.0 - part], axis=2)
    often = 1.0 + 5.0 * rng.random(reach.shape)
    whole = (reach * often).sum(axis=2) / np.maximum(reach.sum(axis=2), 1e-12)
    frequency = panel.frequency.copy()
    frequency[..., 1] = whole
    panel = replace(panel, frequency=frequency)
    leaves = Leaves(("x", "y"), np.array([1, 1]), reach, 0.25 * reach, often)
    parts = [("x", "c1", "x"), ("y", "c1", "y")]
    tree = hierarchy_components(run, planted.nodes([(c, c) for c in run.channels], parts=parts))
    every = np.ones(len(panel.weeks), dtype=bool)
    effects = geo_node_effects(run, distinct_shapes(run), panel, tree, leaves, 2, every)
    at = [tree.ids.index(name) for name in ("x", "y", "c1")]
    np.testing.assert_allclose(effects[at[0]] + effects[at[1]], effects[at[2]], rtol=1e-9)
    for s in range(8):
        curve = run.half[s, 1], run.slope[s, 1], run.saturation[s, 1]
        worth = reach[2] * by_hand(often[2], *curve)  # (T, 2)
        share = worth[:, 0] / np.maximum(worth.sum(axis=1), 1e-12)
        response = share * panel.exposure[2, :, 1] * by_hand(whole[2], *curve)
        weights = adstock_weights(run.kernel[s, 1], run.decay[s, 1], run.carryover_weeks)
        carried = adstock(response / run.exposure_scale[2, 1], weights)
        wanted = carried * run.coef[s, 2, 1] * run.kpi_scale[2]
        np.testing.assert_allclose(effects[at[0]][:, s], wanted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("form", [None, MULTIPLICATIVE])
def test_leaves_share_by_what_their_contacts_make_of_whom_they_reach(form):
    run, panel = reached(form, n_draws=12)
    shares, often = (0.7, 0.3), (1.0, 6.0)
    whole = 0.7 * 1.0 + 0.3 * 6.0
    frequency = panel.frequency.copy()
    frequency[..., 1] = np.where(panel.exposure[..., 1] > 0, whole, 0.0)
    panel = replace(panel, frequency=frequency)
    nodes = planted.nodes(
        [(c, c) for c in run.channels], parts=[(f"leaf{k}", "c1", f"leaf{k}") for k in (0, 1)]
    )
    rows = performance_rows(run, panel, nodes, 1.0, leaf_rows(panel, shares, often))
    own = rows.filter(pl.col("period_id") == "training")
    value = {
        name: dict(own.select("node_id", name).rows())
        for name in ("effect_mean", "roi_p50", "marginal_roi_p50", "marginal_roi_mean", "spend")
    }
    effect = value["effect_mean"]
    assert effect["leaf0"] + effect["leaf1"] == pytest.approx(effect["c1"])
    # at constant shares and frequencies a leaf's part is the same in every week of a draw
    part = []
    for s in range(12):
        curve = run.half[s, 1], run.slope[s, 1], run.saturation[s, 1]
        first, second = (by_hand(np.array(f), *curve) for f in often)
        part.append(0.7 * first / (0.7 * first + 0.3 * second))
    keep = panel.weeks >= run.first_week
    draws = media_effects(run, panel)[:, :, keep, 1].sum(axis=(1, 2))
    assert effect["leaf0"] == pytest.approx((draws * part).mean())
    if form is None:  # reach is linear: one per cent more brings one per cent more
        early = rows.filter(pl.col("period_id") == "year_2024")
        assert early.height
        for node in ("c1", "leaf0", "leaf1"):
            row = early.filter(pl.col("node_id") == node).row(0, named=True)
            assert row["marginal_roi_p50"] == pytest.approx(row["roi_p50"], rel=0.1)
        parts = [value["spend"][n] * value["marginal_roi_mean"][n] for n in ("leaf0", "leaf1")]
        assert sum(parts) == pytest.approx(value["spend"]["c1"] * value["marginal_roi_mean"]["c1"])


@pytest.mark.parametrize("form", [None, MULTIPLICATIVE])
def test_performance_by_hand(form):
    """One geo, reach of 2 then 4 at frequency 3 = half: half of what unlimited contacts bring."""
    run = planted.posterior(
        np.full((1, 1, 1), 0.2), 26, level=1.0, media_units=(REACH_FREQUENCY,),
        exposure_scale=np.array([[4.0]]), half=np.full((1, 1), 3.0), kpi_scale=np.array([100.0]),
        **({} if form is None else {"kpi_form": form}),
    )  # fmt: skip
    reach = np.repeat([2.0, 4.0], 13)[None, :, None]
    panel = planted.panel(reach, np.full((1, 26), 9.0), spend=reach * 10.0)
    panel = replace(panel, frequency=np.full((1, 26, 1), 3.0))
    nodes = planted.nodes([("c0", "c0")])
    rows = performance_rows(run, panel, nodes, hurdle_roi=0.001)
    own = {row["period_id"]: row for row in rows.iter_rows(named=True)}
    assert own["training"]["saturation_mean"] == pytest.approx(0.5)
    assert own["last_13_weeks"]["headroom_spend_mean"] == pytest.approx(0.0)  # nobody else known
    mean = 3.0 * 10.0  # up to the largest week of 4: a third more than the mean of 3
    assert own["training"]["headroom_spend_mean"] == pytest.approx(mean * (4.0 / 3.0 - 1.0))
    if form is None:
        # 100 x 0.2 x 4 / 4 x 1/2 of effect in a week of the last quarter, for 40
        assert own["last_13_weeks"]["effect_mean"] == pytest.approx(13 * 10.0)
        assert own["last_13_weeks"]["roi_mean"] == pytest.approx(0.25)
        assert own["last_13_weeks"]["marginal_roi_mean"] == pytest.approx(0.25)
    poor = performance_rows(run, panel, nodes, hurdle_roi=100.0)
    assert poor["headroom_spend_mean"].to_list() == pytest.approx([0.0] * len(poor))


def test_curves_hold_the_frequency_and_cost_what_reach_costs_of_late():
    run = planted.posterior(
        np.full((1, 2, 1), 0.2), 20, media_units=(REACH_FREQUENCY,), half=np.full((1, 1), 2.0),
        exposure_scale=np.full((2, 1), 5.0), kpi_scale=np.array([100.0, 100.0]),
    )  # fmt: skip
    reach = np.full((2, 20, 1), 5.0)
    panel = planted.panel(
        reach, np.zeros((2, 20)), spend=reach * np.r_[[9.0] * 7, [3.0] * 13][:, None]
    )
    frequency = np.full((2, 20, 1), 9.0)
    frequency[0, 7:], frequency[1, 7:] = 2.0, 6.0  # saturations of 1/2 and 3/4 of late
    frame = curve_rows(run, replace(panel, frequency=frequency), NO_PLAN, 3)
    assert frame["weekly_exposure"].to_list() == [0.0, 10.0, 20.0]
    assert frame["weekly_spend"].to_list() == [0.0, 30.0, 60.0]
    assert frame["weekly_frequency"].to_list() == [4.0] * 3
    np.testing.assert_allclose(frame["response_mean"], [0.0, 10.0 + 15.0, 2 * (10.0 + 15.0)])
    np.testing.assert_allclose(frame["marginal_response_mean"], [2.5] * 3)


def test_near_equal_answers_are_told_in_contacts():
    run, panel = reached(n_draws=30)
    rows = specification_rows(run, panel).filter(pl.col("dimension") == "half_saturation")
    own = rows.filter(pl.col("channel_id") == "c1")
    shares = dict(own.select("specification", "probability").rows())
    assert shares == {
        "half at under 2 contacts a week": pytest.approx((run.half[:, 1] == 1.5).mean()),
        "half at 2 to 4 contacts a week": pytest.approx((run.half[:, 1] == 3.0).mean()),
    }
    others = rows.filter(pl.col("channel_id") != "c1")["specification"]
    assert not others.str.contains("contacts").any()


# --- plans and variance -------------------------------------------------------------------------


def planned_and_come():
    """Half the effect at one contact; 4 people at frequency 1 are planned, 4 at 3 came."""
    run = planted.posterior(
        [[[0.4]]], 1, level=1.0, media_units=(REACH_FREQUENCY,), kpi_scale=np.array([100.0]),
        exposure_scale=np.array([[4.0]]),
    )  # fmt: skip
    plan = planted.panel([[[0.0], [4.0]]])
    plan = replace(plan, frequency=np.array([[[0.0], [1.0]]]))
    fact = planted.panel([[[0.0], [4.0]]], [[0.0, 135.0]])
    return run, plan, replace(fact, frequency=np.array([[[0.0], [3.0]]]))


def test_forecasts_keep_the_planned_frequency_and_the_variance_is_against_it():
    run, plan, fact = planned_and_come()
    tree = [("c0", "c0")]
    ledger = published(run, plan, tree)
    own = ledger.filter(pl.col("component_id") == "c0")
    assert own["forecast_mean"].to_list() == pytest.approx([20.0, 20.0])  # 100 x 0.4 x 1/2
    assert own["planned_value"].to_list() == [4.0, 4.0]
    assert own["planned_frequency"].to_list() == [1.0, 1.0]
    others = ledger.filter(pl.col("component_id") != "c0")
    assert others["planned_frequency"].null_count() == len(others)
    frame = variance_rows(run, ledger, fact, planted.nodes(tree))
    assert found(frame, "g0", "c0")["variance_mean"] == pytest.approx(10.0)  # 3/4 instead of 1/2
    often = found(frame, "g0", "c0", cause="frequency")
    assert often["variance_mean"] == pytest.approx(10.0)
    for cause in ("spend", "timing"):
        assert found(frame, "g0", "c0", cause=cause)["variance_mean"] == 0.0
    assert found(frame, "g0", "total")["variance_mean"] == pytest.approx(15.0)
    assert found(frame, "g0", "unexplained")["variance_mean"] == pytest.approx(5.0)


def test_frequency_that_is_told_otherwise_later_is_restated():
    run, plan, fact = planned_and_come()
    ledger = published(run, plan, [("c0", "c0")])
    weeks = fact.weeks.astype(object)
    said = {"run_id": "next", "model_id": "m", "as_of_week": weeks[1], "panel_number": 2}
    said |= {"geo": "g0", "first_week": weeks[0]}
    items = {
        "channel": ("c0", [0.0, 4.0], [0.0, 4.0]),
        "frequency": ("c0", None, [None, 2.0]),  # and 3 today
        "kpi": ("revenue", None, [0.0, 135.0]),
    }
    panels = [
        said | {"item_type": kind, "item_id": item, "spend": spend, "values": values}
        for kind, (item, spend, values) in items.items()
    ]
    record = Record(pl.DataFrame(panels, schema=RUN_PANELS))
    frame = variance_rows(run, ledger, fact, planted.nodes([("c0", "c0")]), record=record)
    first = 40.0 * 2.0 / 3.0 - 20.0  # at two contacts two thirds
    assert found(frame, "g0", "c0", cause="frequency")["variance_mean"] == pytest.approx(first)
    again = found(frame, "g0", "c0", cause="restated")["variance_mean"]
    assert again == pytest.approx(10.0 - first)


def test_a_channel_counted_otherwise_since_has_gone_to_plan():
    run, plan, fact = planned_and_come()
    ledger = published(run, plan, [("c0", "c0")])
    fact = replace(fact, frequency=None)
    frame = variance_rows(run, ledger, fact, planted.nodes([("c0", "c0")]))
    assert found(frame, "g0", "c0")["variance_mean"] == pytest.approx(0.0)
    assert found(frame, "g0", "total")["variance_mean"] == pytest.approx(15.0)


def test_a_panel_takes_frequency_from_media_and_plan():
    weeks = planted.weeks(3).astype(object)
    keys = {"model_id": "m", "geo": "g"}
    outcomes = pl.DataFrame([keys | {"week": week, "outcome": 1.0} for week in weeks[:2]])
    media = pl.DataFrame(
        [
            keys | {"week": weeks[0], "channel_id": "tv", "spend": 5.0, "exposure": 5.0},
            keys | {"week": weeks[0], "channel_id": "web", "spend": 1.0, "exposure": 9.0},
        ]
    )
    often = media.with_columns(pl.Series("frequency", [None, 2.5]))
    drivers = pl.DataFrame(
        schema={"model_id": pl.String, "geo": pl.String, "week": pl.Date, "driver_id": pl.String,
                "value": pl.Float64}
    )  # fmt: skip
    without, with_frequency = (build_panel("m", outcomes, rows, drivers) for rows in (media, often))
    assert without.frequency is None
    assert with_frequency.frequency.tolist() == [[[0.0, 2.5], [0.0, 0.0]]]
    assert data_hash(without) == data_hash(replace(with_frequency, frequency=None))
    assert data_hash(without) != data_hash(with_frequency)
    plan = pl.DataFrame(
        [
            keys
            | {"as_of_week": weeks[1], "week": weeks[2], "item_type": "channel", "item_id": "web"}
            | {"planned_spend": 1.0, "planned_value": 8.0, "planned_frequency": 3.0}
        ]
    )
    future = build_panel("m", outcomes, often, drivers, plan)
    assert future.frequency[0, :, 1].tolist() == [2.5, 0.0, 3.0]
    assert future.exposure[0, :, 1].tolist() == [9.0, 0.0, 8.0]
    chosen = future.select_channels(("web",)).until(future.weeks[1])
    assert chosen.frequency.tolist() == [[[2.5], [0.0]]]


@pytest.mark.parametrize("form", [None, MULTIPLICATIVE])
def test_advice_moves_how_many_are_reached(form):
    """What a plan brings at other amounts is the difference of effects of whole panels."""
    run, panel = reached(form, n_draws=15)
    run = replace(run, last_week=run.last_week - 10 * WEEK)
    in_window = (panel.weeks > run.last_week) & (panel.weeks <= run.last_week + 6 * WEEK)
    window = window_of(run, panel, in_window)
    assert not window.frequency[:, 4 + 6 :].any()  # nothing is planned beyond
    last = np.flatnonzero(in_window)[-1] + 1

    def kpi(factor):
        exposure = panel.exposure.copy()
        exposure[:, in_window, 1] *= factor
        exposure[:, last:] = 0.0
        changed = replace(panel, exposure=exposure)
        keep = in_window | (np.arange(len(panel.weeks)) >= last)
        keep &= np.arange(len(panel.weeks)) < last + run.carryover_weeks
        return media_effects(run, changed)[:, :, keep].sum(axis=(1, 2, 3))

    found = effect_changes(window, 1, np.array([0.0, 1.0, 1.5]))
    np.testing.assert_allclose(found[1], 0.0, atol=1e-12)
    if form is None:
        for row, factor in zip(found, (0.0, 1.0, 1.5), strict=True):
            np.testing.assert_allclose(row, kpi(factor) - kpi(1.0), atol=1e-9)
        np.testing.assert_allclose(found[2], -0.5 * found[0], rtol=1e-9)
    else:
        assert (found[0] < 0).all() and (found[2] > 0).all()
    ahead = status_quo(panel, 3)
    np.testing.assert_array_equal(ahead.frequency[:, -3:], panel.frequency[:, -3:])


def test_a_decision_about_reach_by_hand():
    """100 x 0.2 per 5 people at half; a person costs 2; from 4 to 12 of money a week."""
    run = planted.posterior(
        np.full((1, 1, 1), 0.2), 10, media_units=(REACH_FREQUENCY,), half=np.full((1, 1), 3.0),
        exposure_scale=np.array([[5.0]]), kpi_scale=np.array([100.0]),
    )  # fmt: skip
    reach = np.full((1, 10, 1), 5.0)
    panel = planted.panel(reach, np.ones((1, 10)), spend=2.0 * reach)
    panel = replace(panel, frequency=np.full((1, 10, 1), 3.0))
    money = panel.spend[:, :, 0].sum(axis=0)
    planned = planned_paths(move(12, 14, 4.0, 12.0), panel, money, run.last_week, 2)
    gain = effect_of(run, planned, panel, has_happened=False)
    assert gain.in_all == pytest.approx([3 * 20.0 * (6.0 - 2.0) / 5.0 * 0.5])
    tests = moved_money(move(7, 8, 4.0, 10.0), panel, money)
    came = effect_of(run, actual_paths(tests, panel, 2), panel, has_happened=True)
    assert came.in_all == pytest.approx([2 * 20.0 * (5.0 - 2.0) / 5.0 * 0.5])


# --- what is known beforehand -------------------------------------------------------------------


def test_a_lift_test_moves_how_many_are_reached_not_how_often():
    reach, often = np.full((1, 20, 1), 8.0), np.full((1, 20, 1), 3.0)
    panel = replace(planted.panel(reach, np.ones((1, 20))), frequency=often)
    test = replace(lift_test(), channel_id="c0", geos=())
    test = replace(test, start_week=str(FIRST + 4 * WEEK), end_week=str(FIRST + 5 * WEEK))
    grid = reach_grid()
    asked = (np.full(1, 8.0), np.ones((1, 20)), grid, 0)
    found_at = effect_per_coefficient(test, panel, 0, *asked, unit=REACH_FREQUENCY)
    share = 1.0 - test.spend_counterfactual / test.spend_actual
    person = [
        by_hand(3.0, *row) for row in zip(grid.half, grid.slope, grid.saturation, strict=True)
    ]
    np.testing.assert_allclose(found_at[0], 2 * share * np.array(person), rtol=1e-12)
    # switched off: what would have been reached has the usual frequency and price
    off = slice(4, 6)
    reach, often, spend = reach.copy(), often.copy(), np.full((1, 20, 1), 4.0)
    reach[:, off] = often[:, off] = spend[:, off] = 0.0
    panel = replace(planted.panel(reach, np.ones((1, 20)), spend=spend), frequency=often)
    test = replace(test, spend_actual=0.0, spend_counterfactual=8.0)
    found_at = effect_per_coefficient(test, panel, 0, *asked, unit=REACH_FREQUENCY)
    np.testing.assert_allclose(found_at[0], -2 * np.array(person), rtol=1e-12)


def test_a_belief_about_the_half_frequency_weighs_the_grid():
    grid = reach_grid()
    weight = np.exp(
        channel_log_prior(grid, 12, Belief(half_frequency_low=1.4, half_frequency_high=2.2))
    )
    assert weight.sum() == pytest.approx(1.0)
    inside = (grid.half > 1.4) & (grid.half < 2.2)
    assert weight[inside].sum() > 0.9 > np.exp(grid.log_prior)[inside].sum()
    decay = [weight[grid.decay == d].sum() for d in (0.3, 0.6)]
    assert decay[0] == pytest.approx(decay[1])  # nothing else changes
    with pytest.raises(ValueError, match="half_frequency must have a low and a higher high"):
        Belief(half_frequency_low=3.0)


def test_prior_beside_posterior_is_told_in_contacts():
    run, panel = reached(n_draws=50)
    asked = {"share_of_kpi": {}, "channel_share_scale": 0.06, "pool_spread": 0.3}
    rows = prior_rows(run, panel, asked, np.random.default_rng(1))
    kinds = {c: set(rows.filter(pl.col("channel_id") == c)["quantity"]) for c in ("c0", "c1")}
    assert kinds["c0"] - kinds["c1"] == {"saturation"}
    assert kinds["c1"] - kinds["c0"] == {"half_frequency"}
    own = rows.filter(pl.col("quantity") == "half_frequency").row(0, named=True)
    grid = reach_grid()
    assert own["prior_mean"] == pytest.approx((np.exp(grid.log_prior) * grid.half).sum())
    assert own["posterior_mean"] == pytest.approx(run.half[:, 1].mean())


# --- the fit ------------------------------------------------------------------------------------

SETTINGS = FitSettings(chains=2, warmup=100, sweeps=250, max_sweeps=250, draws=300)


def test_planted_reach_and_frequency_are_recovered():
    """Three worlds: all totals and half frequencies within their 90% ranges."""
    inside = {"total": 0, "half": 0}
    for seed in range(1, 4):
        panel, effect = simulate(seed)
        run = fit(task_of(panel), SETTINGS).posterior
        total = media_effects(run, panel)[:, 0, :, 1].sum(axis=1)
        low, high = np.quantile(total, [0.05, 0.95])
        inside["total"] += low <= effect["video"].sum() <= high
        assert total.mean() == pytest.approx(effect["video"].sum(), rel=0.15)
        low, high = np.quantile(run.half[:, 1], [0.05, 0.95])
        inside["half"] += low <= HALF <= high
    assert inside == {"total": 3, "half": 3}


def test_frequency_tells_what_reach_alone_does_not():
    """Without frequency the model explains the KPI worse."""
    panel, effect = simulate(3)
    errors = {}
    for unit in (REACH_FREQUENCY, "impressions"):
        found_panel = panel if unit == REACH_FREQUENCY else replace(panel, frequency=None)
        run = fit(task_of(found_panel, unit), SETTINGS).posterior
        weekly = media_effects(run, found_panel)[:, 0, :, 1].mean(axis=0)
        errors[unit] = np.abs(weekly - effect["video"]).sum() / effect["video"].sum()
    assert errors[REACH_FREQUENCY] < 0.6 * errors["impressions"], errors


def test_without_reach_a_fit_is_what_it_was():
    """A frequency that no channel's unit asks for changes no draw."""
    world = simulate_world(seed=3, n_weeks=60, geos=("north",))
    units = dict.fromkeys(world.panel.channels, "spend")
    task = task_of(world.panel, media_units=units)
    short = FitSettings(chains=2, warmup=10, sweeps=20, max_sweeps=20, draws=20)
    odd = replace(world.panel, frequency=np.ones(world.panel.exposure.shape))
    one, two = (fit(replace(task, panel=p), short).posterior for p in (world.panel, odd))
    for name in ("coef", "half", "decay", "baseline_coef", "sigma"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_an_unknown_unit_is_refused():
    panel, _ = simulate(1)
    with pytest.raises(ValueError, match="media_unit must be one of spend, impressions, reach"):
        task_of(panel, "grps")


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_notebooks_face_takes_frequency_columns():
    panel, effect = simulate(2)
    rows = pl.DataFrame(
        {
            "week": panel.weeks,
            "tv": panel.exposure[0, :, 0],
            "people": panel.exposure[0, :, 1],
            "contacts": panel.frequency[0, :, 1],
        }
    )
    asked = {"units": {"people": REACH_FREQUENCY}, "frequency": {"people": "contacts"}}
    short = {"chains": 2, "warmup": 100, "sweeps": 200, "max_sweeps": 400, "draws": 200}
    model = MixRegressor(media=["tv", "people"], **asked, **short)
    model.fit(rows, panel.outcome[0])
    assert list(model.feature_names_in_) == ["week", "tv", "people", "contacts"]
    found_total = model.returns().filter(pl.col("component") == "people")["effect_mean"][0]
    assert found_total == pytest.approx(effect["video"].sum(), rel=0.25)
    more = rows.with_columns(contacts=pl.col("contacts") * 2.0)
    assert model.predict(more).sum() > model.predict(rows).sum()
    for wrong in (
        {"units": {"people": REACH_FREQUENCY}},
        {"frequency": {"people": "contacts"}},
        asked | {"frequency": {"tv": "contacts"}},
    ):
        with pytest.raises(ValueError, match="frequency must name a column for each medium"):
            MixRegressor(media=["tv", "people"], **wrong).fit(rows, panel.outcome[0])
    with pytest.raises(ValueError, match="'contacts' is negative"):
        model.fit(rows.with_columns(contacts=-pl.col("contacts")), panel.outcome[0])
