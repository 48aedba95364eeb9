"""Lift tests and beliefs in whole fits: how far they move a channel, and conflict."""

import json
from dataclasses import asdict, replace

import numpy as np
import polars as pl
import pytest
from dense import problem_of
from test_fit import task_of, total_effects
from test_runs import ORIGINS, SETTINGS, TINY, Clock

from mixloop import calibration
from mixloop.beliefs import evidence_table, priors_table
from mixloop.experiments import LiftTest
from mixloop.fit import FitSettings, fit, worth_of_a_unit
from mixloop.priors import Belief
from mixloop.runs import configuration, fit_runs, fit_tasks
from mixloop.schemas import EVIDENCE, PRIORS
from mixloop.transforms import adstock, adstock_weights, hill

SETTLED = FitSettings(warmup=200, sweeps=500, max_sweeps=500, draws=1000)


@pytest.fixture(scope="module")
def world(simulate):
    return simulate(n_weeks=104, geos=("north", "south"), channels=("search", "tv"), noise=0.04)


def true_lift(world, channel, first, last):
    """The window's effect against no spend at all in it, carry-over into it included."""
    panel = world.panel
    c = panel.channels.index(channel)
    return world.effect[:, first : last + 1, c].sum()


def lift_test(world, lift, se, *, channel="search", first=90, last=95, **changes):
    """A test that compared the actual spend of both geos with none."""
    panel = world.panel
    c = panel.channels.index(channel)
    values = {
        "evidence_id": "t",
        "channel_id": channel,
        "geos": (),
        "start_week": str(panel.weeks[first]),
        "end_week": str(panel.weeks[last]),
        "spend_actual": float(panel.spend[:, first : last + 1, c].sum()),
        "spend_counterfactual": 0.0,
        "lift": lift,
        "standard_error": se,
    }
    return LiftTest(**(values | changes))


@pytest.fixture(scope="module")
def plain(world):
    return fit(task_of(world.panel), SETTLED)


def with_test(world, lift, se, **changes):
    """A fit with one test whose error is not inflated, and what is published of it."""
    task = replace(task_of(world.panel), lift_tests=(lift_test(world, lift, se, **changes),))
    result = fit(task, replace(SETTLED, evidence_half_life_weeks=1e9))
    (row,) = result.evidence
    return result, row


def training_effect(result, world, channel):
    draws = total_effects(result.posterior, world.panel)
    return draws[:, result.posterior.channels.index(channel)]


@pytest.fixture(scope="module")
def loose(world):
    """A test about as vague as what the data know."""
    lift = true_lift(world, "search", 90, 95)
    return with_test(world, 1.1 * lift, 0.25 * lift)


@pytest.fixture(scope="module")
def tight(world):
    """A wrong test, sure of itself: half as much again as the truth."""
    lift = true_lift(world, "search", 90, 95)
    return with_test(world, 1.5 * lift, 0.01 * lift)


def test_removing_a_vague_test_by_weights_gives_the_fit_without_it(world, plain, loose):
    result, row = loose
    assert row["method"] == "reweighted" and row["pareto_k"] < 0.7
    draws, spend = training_effect(plain, world, "search"), world.panel.spend[:, :, 0].sum()
    sd = draws.std() / spend
    assert row["roi_before_mean"] == pytest.approx(draws.mean() / spend, abs=0.2 * sd)
    low, high = np.quantile(draws, [0.05, 0.95]) / spend
    assert row["roi_before_p05"] == pytest.approx(low, abs=0.35 * sd)
    assert row["roi_before_p95"] == pytest.approx(high, abs=0.35 * sd)
    after = training_effect(result, world, "search") / spend
    assert row["roi_after_mean"] == pytest.approx(after.mean(), abs=0.1 * after.std())


def test_a_vague_test_moves_the_effect_by_the_precision_weighted_mean(loose):
    """The effect's posterior is near to normal here: precisions add up."""
    _, row = loose
    sd = (row["effect_before_p95"] - row["effect_before_p05"]) / 3.29
    se = row["standard_error_used"]
    share = sd**2 / (sd**2 + se**2)
    expected = row["effect_before_mean"] + share * (row["lift"] - row["effect_before_mean"])
    assert row["effect_after_mean"] == pytest.approx(expected, abs=0.15 * sd)
    narrow = (row["effect_after_p95"] - row["effect_after_p05"]) / 3.29
    assert narrow == pytest.approx(np.sqrt(1 / (sd**-2 + se**-2)), rel=0.15)
    assert abs(row["z_score"]) < 2
    assert np.sign(row["shift"]) == np.sign(row["lift"] - row["effect_before_mean"])
    assert 0 < row["narrowing"] < 1


def test_a_sure_test_is_compared_with_a_fit_without_it(world, plain, tight):
    _, row = tight
    assert row["method"] == "refitted"
    draws, spend = training_effect(plain, world, "search"), world.panel.spend[:, :, 0].sum()
    assert row["roi_before_mean"] * spend == pytest.approx(draws.mean(), abs=0.25 * draws.std())
    assert row["roi_before_mean"] < row["roi_after_mean"]


def test_a_wrong_test_is_in_conflict_and_is_believed_all_the_same(tight):
    _, row = tight
    assert row["z_score"] > 2
    gap = abs(row["effect_after_mean"] - row["lift"])
    assert gap < 0.2 * abs(row["effect_before_mean"] - row["lift"])


def test_the_facts_of_a_row_are_those_of_the_test(world, loose):
    _, row = loose
    factor = np.sqrt(row["age_factor"] * row["gap_factor"] * row["duration_factor"])
    assert row["standard_error_used"] == pytest.approx(factor * row["standard_error"])
    assert row["geos"] == ["north", "south"]
    assert (row["source"], row["channel_id"]) == ("experiment", "search")
    assert row["start_week"] == str(world.panel.weeks[90])
    json.dumps(row, allow_nan=False)  # it goes into the ledger


def test_a_belief_in_the_return_is_a_row_of_evidence_too(world, plain):
    spend = world.panel.spend[:, :, 0].sum()
    roi = training_effect(plain, world, "search") / spend
    belief = Belief(roi_low=2 * roi.mean(), roi_high=2 * roi.mean() + 2 * roi.std())
    task = replace(task_of(world.panel), beliefs={"search": belief, "unknown": belief})
    (row,) = fit(task, SETTLED).evidence
    assert (row["evidence_id"], row["source"]) == ("roi:search", "roi_belief")
    assert row["lift"] == pytest.approx(0.5 * (belief.roi_low + belief.roi_high) * spend)
    assert row["roi_before_mean"] == pytest.approx(roi.mean(), abs=0.25 * roi.std())
    assert row["roi_after_mean"] > row["roi_before_mean"] + 0.5 * roi.std()


def test_a_backtest_is_not_judged(world):
    task = replace(task_of(world.panel), run_kind="backtest")
    task = replace(task, lift_tests=(lift_test(world, 1.0, 1.0),))
    assert (
        fit(task, FitSettings(chains=2, warmup=2, sweeps=8, max_sweeps=8, draws=8)).evidence == ()
    )


# --- runs ---------------------------------------------------------------------------------------


def evidence_frame(tests, model_id="sales", is_used=True):
    rows = [asdict(test) | {"model_id": model_id, "is_used": is_used} for test in tests]
    dates = [pl.col(name).str.to_date() for name in ("start_week", "end_week")]
    return pl.DataFrame(rows, schema_overrides={"geos": pl.List(pl.String)}).with_columns(*dates)


@pytest.fixture(scope="module")
def inputs(world, to_frames):
    return to_frames(world.panel)


def test_only_origins_after_the_test_know_it(world, inputs):
    """A backtest that looks ahead would have another identity."""
    before = fit_tasks(**inputs, settings=TINY, **ORIGINS)
    evidence = evidence_frame([lift_test(world, 500.0, 50.0, first=90, last=95)])
    after = fit_tasks(**inputs, settings=TINY, **ORIGINS, evidence=evidence)
    assert [str(task.panel.weeks[-1]) for task in after] == [
        str(world.panel.weeks[at]) for at in (90, 99, 103)
    ]
    same = [a.run_id == b.run_id for a, b in zip(before, after, strict=True)]
    assert same == [True, False, False]
    assert [len(task.lift_tests) for task in after] == [0, 1, 1]


def test_what_was_measured_later_is_not_known_to_an_earlier_origin(world, inputs):
    frame = evidence_frame([lift_test(world, 500.0, 50.0, first=10, last=15)])
    for week, known in ((14, [1, 1, 1]), (95, [0, 1, 1]), (104, [0, 0, 0])):
        measured = (world.panel.weeks[0] + np.timedelta64(7 * week, "D")).item()
        evidence = frame.with_columns(known_week=pl.lit(measured))
        tasks = fit_tasks(**inputs, settings=TINY, **ORIGINS, evidence=evidence)
        assert [len(task.lift_tests) for task in tasks] == known


def test_rows_that_do_not_count_and_those_of_other_models_change_nothing(world, inputs):
    before = [task.run_id for task in fit_tasks(**inputs, settings=TINY, **ORIGINS)]
    tests = [lift_test(world, 500.0, 50.0)]
    for other in ({"is_used": False}, {"model_id": "other"}):
        evidence = evidence_frame(tests, **other)
        after = fit_tasks(**inputs, settings=TINY, **ORIGINS, evidence=evidence)
        assert [task.run_id for task in after] == before


def test_evidence_and_beliefs_are_part_of_a_run_only_where_they_are(world, inputs):
    (plain, *_) = fit_tasks(**inputs, settings=TINY, **ORIGINS)
    asked = json.loads(configuration(plain, TINY))
    assert not {"lift_tests", "beliefs", "evidence_half_life_weeks"} & set(asked)
    other = replace(TINY, evidence_half_life_weeks=26.0)
    assert configuration(plain, other) == configuration(plain, TINY)
    told = replace(plain, lift_tests=(lift_test(world, 5.0, 1.0),))
    assert json.loads(configuration(told, TINY))["lift_tests"][0]["lift"] == 5.0
    assert configuration(told, other) != configuration(told, TINY)
    channels = inputs["channels"].with_columns(
        roi_low=pl.Series([1.0, None]), roi_high=pl.Series([3.0, None])
    )
    (task, *_) = fit_tasks(**inputs | {"channels": channels}, settings=TINY, **ORIGINS)
    assert task.beliefs == {"search": Belief(roi_low=1.0, roi_high=3.0)}
    assert json.loads(configuration(task, TINY))["beliefs"] == {
        "search": {"roi_low": 1.0, "roi_high": 3.0}
    }


def test_the_ledger_keeps_what_evidence_moved(world, inputs):
    settings = SETTINGS | {"backtest_origins": 0, "first_forecast_weeks_ago": 0}
    evidence = evidence_frame([lift_test(world, 500.0, 50.0)])
    ledger = fit_runs(**inputs, existing=[], settings=settings, clock=Clock(), evidence=evidence)
    (said,) = ledger["evidence"].unique().to_list()
    (row,) = json.loads(said)
    assert row["evidence_id"] == "t" and row["method"] in ("reweighted", "refitted")


# --- tables -------------------------------------------------------------------------------------


def test_tables_are_those_of_the_current_live_runs(world, inputs):
    evidence = evidence_frame([lift_test(world, 500.0, 50.0)])
    ledger = fit_runs(**inputs, existing=[], settings=SETTINGS, clock=Clock(), evidence=evidence)
    models = inputs["models"].with_columns(last_training_week=world.panel.weeks[-1].item())
    live = ledger.filter(pl.col("run_kind") == "live")["run_id"][0]
    rows = evidence_table(ledger, models)
    assert dict(rows.schema) == EVIDENCE
    assert rows.select("run_id", "evidence_id", "lift").rows() == [(live, "t", 500.0)]
    assert rows["start_week"][0] == world.panel.weeks[90].item()
    frames = [inputs[name] for name in ("outcomes", "media", "drivers")]
    priors = priors_table(ledger, models, *frames)
    assert set(priors["run_id"]) == {live}
    assert priors.equals(priors_table(ledger, models, *frames))
    # a ledger without evidence, and none at all
    plain = ledger.with_columns(evidence=pl.lit(None, pl.String))
    assert evidence_table(plain, models).is_empty()
    nothing = ledger.head(0)
    assert dict(evidence_table(nothing, models).schema) == EVIDENCE
    assert dict(priors_table(nothing, models, *frames).schema) == PRIORS


def test_the_training_effect_is_the_sum_over_its_weeks():
    problem = problem_of(3, n_geos=2, n_weeks=4, n_channels=1, n_grid=2)
    worth = np.arange(10.0).reshape(2, 5)  # one week of lead-in
    found = calibration.training_effect(problem, 0, worth)
    expected = [[(problem.media[0, j, g] * worth[j, 1:]).sum() for g in range(2)] for j in range(2)]
    np.testing.assert_allclose(found, expected)


def test_a_unit_of_the_model_is_an_average_week_or_a_share_of_the_weeks_own_kpi(world):
    panel, scale = replace(world.panel, outcome=world.panel.outcome.copy()), np.array([7.0, 9.0])
    panel.outcome[1, 4] = np.nan
    plain = worth_of_a_unit(panel, scale, "additive")
    np.testing.assert_array_equal(plain, [[7.0] * 104, [9.0] * 104])
    product = worth_of_a_unit(panel, scale, "multiplicative")
    assert product[1, 4] == 9.0
    np.testing.assert_array_equal(product[0], panel.outcome[0])


def test_a_lift_of_a_product_counts_in_the_weeks_own_kpi(world):
    """A sure test: what the KPI loses without the spend is the lift, less than a tenth aside."""
    panel = world.panel
    c, window = panel.channels.index("search"), slice(90, 96)
    lift = 0.1 * panel.outcome[:, window].sum()
    assert panel.spend[:, window, c].sum() > 0
    task = replace(task_of(panel), kpi_form="multiplicative")
    task = replace(task, lift_tests=(lift_test(world, lift, 0.001 * lift),))
    quick = FitSettings(chains=2, warmup=50, sweeps=100, max_sweeps=100, draws=100)
    result = fit(task, replace(quick, evidence_half_life_weeks=1e9))
    run, first_order, lost = result.posterior, [], []
    at = run.channels.index("search")
    scale = run.exposure_scale[:, [at]]
    for s in range(0, 100, 10):
        weights = adstock_weights(run.kernel[s, at], run.decay[s, at], 12)
        without = panel.exposure[:, :, c].copy()
        without[:, window] = 0.0
        gained = [
            hill(adstock(x / scale, weights), run.half[s, at], run.slope[s, at])
            for x in (panel.exposure[:, :, c], without)
        ]
        log_points = run.coef[s, :, [at]].T * (gained[0] - gained[1])
        first_order.append((panel.outcome * log_points)[:, window].sum())
        lost.append((panel.outcome * -np.expm1(-log_points))[:, window].sum())
    assert np.mean(first_order) == pytest.approx(lift, rel=0.01)
    assert 0.9 * lift < np.mean(lost) < lift


def test_the_same_task_gives_the_same_comparison(world):
    lift = true_lift(world, "search", 90, 95)
    tests = (
        lift_test(world, lift, 0.02 * lift),
        lift_test(world, lift, 2.0 * lift, evidence_id="vague"),
    )
    task = replace(task_of(world.panel), lift_tests=tests)
    quick = FitSettings(chains=2, warmup=20, sweeps=60, max_sweeps=60, draws=60)
    once, again = (fit(task, quick).evidence for _ in range(2))
    assert once == again
    assert [row["method"] for row in once] == ["refitted", "reweighted"]
    assert once != fit(task, replace(quick, seed=2)).evidence
