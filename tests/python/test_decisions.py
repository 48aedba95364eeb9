"""What an approved move should bring and did bring: closed forms, and what is kept as made."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from planted import FIRST, WEEK, panel, posterior, weeks, world

from mixloop.decision_tables import measurements_table, predictions_table
from mixloop.decisions import (
    Move,
    actual_paths,
    effect_of,
    moved_money,
    planned_paths,
    shares_below,
    weekly_money,
)
from mixloop.evaluate import media_effects
from mixloop.posterior import posterior_to_frame
from mixloop.schemas import DECISION_MEASUREMENTS, DECISION_PREDICTIONS, POSTERIOR
from mixloop.transforms import adstock_weights


def hill(u):
    return u / (u + 1.0)


def move(first, last, spend_from, spend_to, *, role="itself", channels=("c0",), geos=()):
    return Move(
        decision_id="d",
        node_id="node",
        role=role,
        channels=channels,
        geos=geos,
        start=FIRST + first * WEEK,
        end=FIRST + last * WEEK,
        spend_from=spend_from,
        spend_to=spend_to,
    )


def node_spend(history, channel=0):
    return history.spend[:, :, channel].sum(axis=0)


def test_a_prediction_without_carry_over_is_the_difference_of_the_curve() -> None:
    run = posterior([[[2.0]], [[4.0]]], 10, kpi_scale=np.array([100.0]))
    history = panel(np.full((1, 10, 1), 5.0))
    planned = planned_paths(move(12, 14, 1.0, 3.0), history, node_spend(history), run.last_week, 2)
    assert planned.weeks[-1] == FIRST + 16 * WEEK  # and what carries over
    found = effect_of(run, planned, history, has_happened=False)
    gain = 3 * (hill(3.0) - hill(1.0))
    assert found.in_all == pytest.approx([200 * gain, 400 * gain])
    assert found.in_window == pytest.approx(found.in_all)


def test_what_came_after_approval_is_not_looked_at() -> None:
    exposure = np.full((1, 40, 1), 2.0)
    exposure[0, 20:] = 900.0  # a future spike, at a tenth of the price
    spend = exposure.copy()
    spend[0, 20:] /= 10.0
    later, known = panel(exposure, spend=spend), panel(exposure[:, :20])
    mine, last = move(22, 24, 1.0, 3.0), FIRST + 19 * WEEK
    found = planned_paths(mine, later, node_spend(later), last, 2)
    expected = planned_paths(mine, known, node_spend(known), last, 2)
    for name in ("weeks", "with_move", "without", "is_window", "is_after"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_what_carries_over_counts_after_the_window() -> None:
    run = posterior([[[1.0]]], 10, decay=np.array([[0.5]]))
    history = panel(np.full((1, 10, 1), 2.0))
    planned = planned_paths(move(12, 13, 1.0, 3.0), history, node_spend(history), run.last_week, 2)
    found = effect_of(run, planned, history, has_happened=False)
    w = adstock_weights("geometric", 0.5, 2)
    spent = np.array([2.0] * 10 + [1.0] * 2 + [3.0] * 2 + [1.0] * 2)
    without = np.array([2.0] * 10 + [1.0] * 6)
    gains = [
        hill(w @ spent[t - 2 : t + 1][::-1]) - hill(w @ without[t - 2 : t + 1][::-1])
        for t in range(12, 16)
    ]
    assert gains[2] > 0
    assert found.in_all == pytest.approx([sum(gains)])
    assert found.in_window == pytest.approx([sum(gains[:2])])


def test_money_falls_on_geos_as_it_used_to_at_the_usual_price() -> None:
    exposure = np.full((3, 60, 1), 30.0)
    spend = exposure / np.array([[[10.0]], [[10.0]], [[10.0]]])
    exposure[1], spend[1] = 10.0, 1.0
    history = panel(exposure, spend=spend)
    run = posterior(np.ones((1, 3, 1)), 60)
    mine = move(61, 61, 4.0, 8.0, geos=("g0", "g1"))
    planned = planned_paths(mine, history, node_spend(history), run.last_week, 0)
    at = planned.is_window
    assert planned.without[:, at, 0].ravel() == pytest.approx([30.0, 10.0, 0.0])
    assert planned.with_move[:, at, 0].ravel() == pytest.approx([60.0, 20.0, 0.0])
    found = effect_of(run, planned, history, has_happened=False)
    expected = hill(60.0) - hill(30.0) + hill(20.0) - hill(10.0)
    assert found.in_all == pytest.approx([expected])


def test_a_child_moves_its_channel_and_the_rest_goes_on() -> None:
    history = panel(np.full((1, 20, 1), 10.0))
    mine = move(21, 22, 4.0, 7.0, role="below")
    without, with_move = weekly_money(mine, history, np.full(20, 4.0))
    assert without.tolist() == [10.0]
    assert with_move.tolist() == [13.0]
    # what it spent already is not its channel's rest
    assert weekly_money(mine, history, np.full(20, 6.0))[0].tolist() == [8.0]


def test_a_parent_is_spread_over_its_modelled_children_by_recent_money() -> None:
    exposure = np.zeros((1, 30, 2))
    exposure[0, :, 0], exposure[0, :, 1] = 2.0, 6.0
    exposure[0, :10] = 50.0  # long ago
    history = panel(exposure)
    mine = move(31, 32, 10.0, 20.0, role="above", channels=("c0", "c1"))
    without, with_move = weekly_money(mine, history, np.full(30, 10.0))  # 2 are not modelled
    assert without == pytest.approx([2.0, 6.0])
    assert with_move == pytest.approx([4.0, 12.0])
    own = exposure[0].copy()
    own[-13:] = 0.0
    assert shares_below(own, own.sum(axis=1)) == pytest.approx(own.sum(axis=0) / own.sum())
    assert shares_below(np.zeros((30, 2)), np.zeros(30)).tolist() == [0.5, 0.5]


def test_money_without_the_move_by_role() -> None:
    exposure = np.full((1, 20, 2), 8.0)
    exposure[0, 15:17] = [12.0, 4.0]
    history = panel(exposure)
    window = {"first": 15, "last": 16, "spend_from": 5.0, "spend_to": 9.0}
    itself = moved_money(move(**window), history, node_spend(history))
    assert [(t.spend_actual, t.spend_counterfactual) for t in itself] == [(24.0, 10.0)]
    below = moved_money(move(**window, role="below"), history, np.full(20, 7.0))
    assert below[0].spend_counterfactual == 24.0 - 14.0 + 10.0
    above = move(**window, role="above", channels=("c0", "c1"))
    found = moved_money(above, history, history.spend[0].sum(axis=1))
    assert [t.spend_counterfactual for t in found] == [7.5, 2.5]


def test_a_parent_that_was_switched_off_would_have_been_spent_as_usual() -> None:
    exposure = np.full((1, 20, 2), 6.0)
    exposure[0, :, 1] = 2.0
    exposure[0, 18:] = 0.0
    history = panel(exposure)
    off = move(18, 19, 16.0, 0.0, role="above", channels=("c0", "c1"))
    found = moved_money(off, history, history.spend[0].sum(axis=1))
    assert [t.spend_actual for t in found] == [0.0, 0.0]
    assert [t.spend_counterfactual for t in found] == pytest.approx([24.0, 8.0])


def test_what_came_as_planned_brought_what_was_predicted() -> None:
    run, history = world(n_geos=2)
    at = len(history.weeks) - 8
    mine = move(at - 3, at - 1, 40.0, 90.0)  # the panel has three weeks of lead-in
    known = history.until(mine.start - WEEK)
    planned = planned_paths(mine, known, node_spend(known), known.weeks[-1], run.carryover_weeks)
    exposure = history.exposure.copy()
    at_planned = np.isin(history.weeks, planned.weeks)
    exposure[:, at_planned, 0] = planned.with_move[:, : at_planned.sum(), 0]
    happened = panel(exposure, history.outcome, first=history.weeks[0])
    happened = type(history)(
        **vars(happened) | {"drivers": history.drivers, "driver_values": history.driver_values}
    )
    tests = moved_money(mine, happened, node_spend(happened))
    expected = effect_of(run, planned, known, has_happened=False)
    actual = actual_paths(tests, happened, run.carryover_weeks)
    found = effect_of(run, actual, happened, has_happened=True)
    assert found.in_all == pytest.approx(expected.in_all)
    assert found.in_window == pytest.approx(expected.in_window)
    assert not np.allclose(found.in_all, found.in_window)


def test_the_measured_effect_is_the_difference_of_contributions() -> None:
    run, history = world(n_geos=2)
    mine = move(40, 42, 7.0, 20.0, geos=("g1",))
    tests = moved_money(mine, history, history.spend[1, :, 0])
    paths = actual_paths(tests, history, run.carryover_weeks)
    found = effect_of(run, paths, history, has_happened=True)
    other = history.exposure.copy()
    span = (history.weeks >= mine.start) & (history.weeks <= mine.end)
    other[1, span, 0] *= 21.0 / other[1, span, 0].sum()
    without = type(history)(**vars(history) | {"exposure": other})
    gained = (media_effects(run, history) - media_effects(run, without))[..., 0].sum(axis=1)
    assert found.in_all == pytest.approx(gained.sum(axis=1))
    assert found.in_window == pytest.approx(gained[:, span].sum(axis=1))


def test_a_product_gains_a_share_of_its_kpi() -> None:
    run = posterior([[[0.5]]], 10, kpi_form="multiplicative", kpi_scale=np.array([100.0]))
    history = panel(np.full((1, 10, 1), 3.0))
    log_gain = 0.5 * (hill(3.0) - hill(1.0))
    usual = 100.0 * np.exp(0.5 * hill(3.0))  # `level` is zero
    before = move(12, 13, 1.0, 3.0)
    planned = planned_paths(before, history, node_spend(history), run.last_week, 2)
    expected = effect_of(run, planned, history, has_happened=False)
    assert expected.in_all == pytest.approx([2 * usual * np.expm1(log_gain)])
    tests = moved_money(move(7, 9, 1.0, 3.0), history, node_spend(history))
    found = effect_of(run, actual_paths(tests, history, 2), history, has_happened=True)
    assert found.in_all == pytest.approx([3 * usual * -np.expm1(-log_gain)])


# --- frames -------------------------------------------------------------------------------------


def frames_of(run, history):
    """The warehouse's frames of a run and its history; the node's own money is channel c0's."""
    index = {"model_id": run.model_id}
    outcomes, media, drivers, node_media = [], [], [], []
    for j, geo in enumerate(history.geos):
        for t, week in enumerate(history.weeks.tolist()):
            at = index | {"geo": geo, "week": week}
            if week >= run.first_week.item():
                outcomes.append(at | {"outcome": float(history.outcome[j, t])})
            for c, channel in enumerate(history.channels):
                money = {"spend": float(history.spend[j, t, c])}
                exposure = {"exposure": float(history.exposure[j, t, c])}
                media.append(at | {"channel_id": channel} | money | exposure)
            node_media.append(at | {"node_id": "c0", "spend": float(history.spend[j, t, 0])})
            for d, driver in enumerate(history.drivers):
                value = float(history.driver_values[j, t, d])
                drivers.append(at | {"driver_id": driver, "value": value})
    no_drivers = {"model_id": pl.String, "geo": pl.String, "week": pl.Date}
    no_drivers |= {"driver_id": pl.String, "value": pl.Float64}
    return {
        "outcomes": pl.DataFrame(outcomes),
        "media": pl.DataFrame(media),
        "drivers": pl.DataFrame(drivers, schema=no_drivers),
        "node_media": pl.DataFrame(node_media),
    }


def learned(*runs, lift_tests=()):
    """The posterior table of some runs."""
    facts = dict.fromkeys(POSTERIOR)
    asked = json.dumps({"lift_tests": list(lift_tests)})
    return pl.concat(
        [
            posterior_to_frame(run)
            .with_columns(pl.lit(asked).alias("configuration"))
            .with_columns(pl.lit(None).cast(POSTERIOR[name]).alias(name) for name in facts
                          if name not in (*posterior_to_frame(run).columns, "configuration"))
            for run in runs
        ]
    )  # fmt: skip


@pytest.fixture(scope="module")
def told():
    early = posterior([[[2.0]], [[4.0]]], 10, kpi_scale=np.array([100.0]), run_id="early")
    now = posterior([[[1.0]], [[3.0]]], 20, kpi_scale=np.array([100.0]), run_id="now")
    history = panel(np.full((1, 20, 1), 1.0), np.full((1, 20), 100.0))
    history.exposure[0, 12:14] = history.spend[0, 12:14] = 3.0
    return SimpleNamespace(early=early, now=now, frames=frames_of(now, history))


def decided(**changes):
    """A row of int_mixloop__decision_models: one week from 1 to 3 for two weeks."""
    return {
        "prediction_id": "p1",
        "decision_id": "d",
        "model_id": "m",
        "terms_hash": "h1",
        "status": "predicted",
        "run_id": "early",
        "run_basis": "newest_before_approval",
        "approved_on": weeks(20)[11].item(),
        "channel_id": "c0",
        "role": "itself",
        "channels": ["c0"],
        "run_channels": ["c0"],
        "geos": [],
        "start_week": weeks(20)[12].item(),
        "end_week": weeks(20)[13].item(),
        "spend_from": 1.0,
        "spend_to": 3.0,
    } | changes


def predict(told, *rows, existing=None, posterior_rows=None):
    rows = pl.DataFrame(list(rows), schema_overrides={"geos": pl.List(pl.String)})
    read = posterior_rows or (lambda: learned(told.early))
    return predictions_table(rows, read, **told.frames, existing=existing)


GAIN = 2 * (hill(3.0) - hill(1.0))


def test_a_prediction_is_made_with_its_range_and_run(told) -> None:
    found = predict(told, decided(), decided(prediction_id="p2", status="not_modelled"))
    assert dict(found.schema) == DECISION_PREDICTIONS
    row = found.row(0, named=True)
    assert (len(found), row["prediction_id"], row["revision"]) == (1, "p1", 1)
    assert row["effect_mean"] == pytest.approx(300 * GAIN)
    assert row["effect_sd"] == pytest.approx(100 * GAIN)
    assert (row["run_as_of_week"], row["run_id"]) == (weeks(10)[-1].item(), "early")
    assert (row["node_id"], row["channels"], row["geos"], row["p_positive"]) == ("c0", "c0", "", 1)


def test_a_prediction_is_made_once_and_new_terms_are_the_next_revision(told) -> None:
    def never():
        raise AssertionError("nothing is to be predicted, and the posterior is read")

    kept = pl.DataFrame({"prediction_id": ["p1"], "decision_id": ["d"], "model_id": ["m"]})
    assert predict(told, decided(), existing=kept, posterior_rows=never).is_empty()
    again = predict(told, decided(prediction_id="p2", spend_to=5.0), existing=kept)
    assert again["revision"].to_list() == [2]


def due(**changes):
    row = decided() | {
        "measurement_id": "x1",
        "measured_by": "later_model",
        "source_id": "now",
        "as_of_week": weeks(20)[-1].item(),
        "current_run_id": "now",
        "prediction_run_id": "early",
        "experiment_geos": None,
        "experiment_start_week": None,
        "experiment_end_week": None,
        "spend_actual": None,
        "spend_counterfactual": None,
        "lift": None,
        "standard_error": None,
    }
    return row | changes


def measure(told, *rows, existing=None, **told_to_run):
    types = dict.fromkeys(("experiment_start_week", "experiment_end_week"), pl.Date)
    lists = dict.fromkeys(("geos", "experiment_geos"), pl.List(pl.String))
    figures = ("spend_actual", "spend_counterfactual", "lift", "standard_error")
    types |= lists | dict.fromkeys(figures, pl.Float64) | {"prediction_run_id": pl.String}
    frame = pl.DataFrame(list(rows), schema_overrides=types)

    def read():
        return learned(told.early, told.now, **told_to_run)

    return measurements_table(frame, read, **told.frames, existing=existing)


def test_a_later_run_measures_and_says_what_was_expected(told) -> None:
    lift_tests = [{"evidence_id": "x", "channel_id": "c0"}, {"evidence_id": "y", "channel_id": "z"}]
    found = measure(told, due(), lift_tests=lift_tests)
    assert dict(found.schema) == DECISION_MEASUREMENTS
    row = found.row(0, named=True)
    assert row["effect_mean"] == pytest.approx(200 * GAIN)
    assert row["expected_mean"] == pytest.approx(300 * GAIN)
    assert (row["spend_actual"], row["spend_counterfactual"]) == (6.0, 2.0)
    assert (row["carryover_weeks_seen"], row["n_training_weeks"]) == (2, 20)
    assert (row["evidence_ids"], row["revision"]) == (["x"], 1)


def test_a_test_is_a_measurement_with_its_own_weeks_and_money(told) -> None:
    week = weeks(20)[12].item()
    test = {
        "measurement_id": "x2",
        "measured_by": "experiment",
        "source_id": "lift",
        "experiment_geos": [],
        "experiment_start_week": week,
        "experiment_end_week": week,
        "spend_actual": 3.0,
        "spend_counterfactual": 0.0,
        "lift": 50.0,
        "standard_error": 10.0,
    }
    row = measure(told, due(**test)).row(0, named=True)
    assert (row["window_effect_mean"], row["window_effect_sd"]) == (50.0, 10.0)
    assert row["window_effect_p05"] == pytest.approx(50.0 - 16.4485, abs=1e-3)
    assert row["effect_mean"] is None
    assert row["expected_window_mean"] == pytest.approx(300 * hill(3.0))
    assert (row["spend_actual"], row["spend_counterfactual"]) == (3.0, 0.0)


def test_it_is_measured_once_by_a_run_and_again_by_the_next(told) -> None:
    columns = ("measurement_id", "prediction_id", "measured_by")
    kept = pl.DataFrame([["x1"], ["p1"], ["later_model"]], schema=columns)
    assert measure(told, due(), existing=kept).is_empty()
    again = measure(told, due(measurement_id="x3"), existing=kept)
    assert again["revision"].to_list() == [2]


def test_without_a_prediction_it_is_measured_all_the_same(told) -> None:
    row = measure(told, due(prediction_run_id=None)).row(0, named=True)
    assert row["effect_mean"] is not None
    assert row["expected_mean"] is None


def test_a_run_that_left_the_channel_out_measures_nothing(told) -> None:
    assert measure(told, due(channels=["gone"])).is_empty()
