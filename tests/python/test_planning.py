"""Allocation, what money brings at other amounts, and the advice made of both."""

from dataclasses import replace
from itertools import product

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.evaluate import align, fitted_by_geo, media_effects
from mixloop.planning.advise import Advice, advise, bounds
from mixloop.planning.allocate import Choices, allocate, value_of
from mixloop.planning.recommend import held_by, plan_of, recommendation_rows
from mixloop.planning.response import effect_changes, joint_change, window_of
from mixloop.posterior import MULTIPLICATIVE
from mixloop.schemas import RECOMMENDATIONS

# --- the split ----------------------------------------------------------------------------------


def some_choices(rng):
    """Two to four channels, each S-shaped, concave, falling or wild, with bounds of its own."""
    out = []
    for _ in range(rng.integers(2, 5)):
        count = int(rng.integers(1, 7))
        x = np.arange(count) / 3.0
        shapes = (x**3 / (x**3 + 1), 1 - np.exp(-x), -x, rng.normal(size=count))
        out.append(Choices(int(rng.integers(-3, 3)), shapes[rng.integers(4)] * rng.gamma(2.0)))
    return out


def brute_force(choices, total):
    """The best value over every combination; None where none adds up."""
    ranges = [range(choice.low, choice.high + 1) for choice in choices]
    values = [value_of(choices, steps) for steps in product(*ranges) if sum(steps) == total]
    return max(values, default=None)


def test_no_combination_is_better():
    rng = np.random.default_rng(11)
    for _ in range(300):
        choices = some_choices(rng)
        low, high = sum(c.low for c in choices), sum(c.high for c in choices)
        total = int(rng.integers(low, high + 1))
        steps = allocate(choices, total)
        assert steps.sum() == total
        bounds = zip(choices, steps, strict=True)
        assert all(choice.low <= step <= choice.high for choice, step in bounds)
        assert value_of(choices, steps) == pytest.approx(brute_force(choices, total), abs=1e-9)
        np.testing.assert_array_equal(steps, allocate(choices, total))
        for impossible in (low - 1, high + 1):
            with pytest.raises(ValueError, match=rf"{low} at least and {high} at most"):
                allocate(choices, impossible)


def test_more_money_is_never_worse_where_channels_never_fall():
    rng = np.random.default_rng(5)
    for _ in range(50):
        choices = [Choices(0, np.sort(rng.gamma(1.0, size=rng.integers(2, 9)))) for _ in range(4)]
        high = sum(c.high for c in choices)
        best = [value_of(choices, allocate(choices, total)) for total in range(high + 1)]
        assert (np.diff(best) >= -1e-12).all()


def test_nothing_moves_for_nothing():
    flat = Choices(-2, np.full(5, 3.0))
    noisy = Choices(-2, 3.0 + np.array([4e-16, -4e-16, 0.0, 4e-16, 8e-16]))
    assert allocate([flat, noisy, flat], 0).tolist() == [0, 0, 0]


def test_what_cannot_be_chosen_from_is_said():
    with pytest.raises(ValueError, match="no channel"):
        allocate([], 0)
    with pytest.raises(ValueError, match="channel 1: its lower bound"):
        allocate([Choices(0, np.zeros(2)), Choices(0, np.zeros(0))], 1)
    with pytest.raises(ValueError, match="channel 0: some of its values"):
        allocate([Choices(0, np.array([0.0, np.nan]))], 1)


# --- what money brings --------------------------------------------------------------------------


def ahead(n_weeks=70, n_window=6, form="additive", *, has_reach=False):
    """A run that knows all but the last weeks, its panel, and which weeks are the window."""
    run, panel = planted.world(n_weeks=n_weeks)
    if has_reach:
        often = np.random.default_rng(9).uniform(1.0, 6.0, panel.exposure.shape)
        often *= (np.arange(4) == 1) & (panel.exposure > 0)
        panel = replace(panel, frequency=often)
        run = replace(run, media_units=("spend", "reach_frequency", "spend", "spend"))
    window = np.arange(len(panel.weeks)) >= len(panel.weeks) - n_window
    run = replace(run, last_week=panel.weeks[~window][-1], kpi_form=form)
    return run, align(run, panel), window


def with_factor(panel, window, factors, tail):
    """The panel with some weeks' media multiplied, and weeks without media after it."""
    exposure = panel.exposure.copy()
    exposure[:, window] *= factors
    extra = np.zeros((len(panel.geos), tail, len(panel.channels)))
    weeks = np.concatenate([panel.weeks, panel.weeks[-1] + planted.WEEK * np.arange(1, tail + 1)])
    last = np.repeat(panel.driver_values[:, -1:], tail, axis=1)
    return replace(
        panel,
        weeks=weeks,
        exposure=np.concatenate([exposure, extra], axis=1),
        spend=np.concatenate([panel.spend, extra], axis=1),
        outcome=np.pad(panel.outcome, ((0, 0), (0, tail))),
        frequency=None
        if panel.frequency is None
        else np.concatenate([panel.frequency, extra], axis=1),
        driver_values=np.concatenate([panel.driver_values, last], axis=1),
    )


@pytest.mark.parametrize(("drifts", "has_reach"), [(False, False), (True, False), (True, True)])
def test_changes_of_a_sum_are_those_of_the_whole_model(drifts, has_reach):
    run, panel, window = ahead(has_reach=has_reach)
    if drifts:
        run = replace(run, drift=np.random.default_rng(2).choice([-0.2, 0.0, 0.4], run.half.shape))
    found = window_of(run, panel, window)
    factors = np.array([0.0, 0.7, 1.0, 1.3])
    now = media_effects(run, with_factor(panel, window, np.ones(4), run.carryover_weeks))
    for c in range(4):
        changes = effect_changes(found, c, factors)
        for factor, change in zip(factors, changes, strict=True):
            one = np.where(np.arange(4) == c, factor, 1.0)
            then = media_effects(run, with_factor(panel, window, one, run.carryover_weeks))
            np.testing.assert_allclose(change, (then - now).sum(axis=(1, 2, 3)), atol=1e-9)
    multiple = np.array([1.2, 1.0, 0.5, 0.9])
    then = media_effects(run, with_factor(panel, window, multiple, run.carryover_weeks))
    weekly = (then - now).sum(axis=(1, 3))
    inside, after = joint_change(found, multiple)
    np.testing.assert_allclose(inside, weekly[:, : len(panel.weeks)].sum(axis=1), atol=1e-9)
    np.testing.assert_allclose(after, weekly[:, len(panel.weeks) :].sum(axis=1), atol=1e-9)
    assert (np.abs(after) > 0).any()


def test_changes_of_a_product_are_those_of_the_whole_model():
    run, panel, window = ahead(form=MULTIPLICATIVE)
    found = window_of(run, panel, window)
    multiple = np.array([1.2, 1.0, 0.5, 0.9])

    def kpi(factors):
        changed = with_factor(panel, window, factors, 0)
        return sum(part.sum(axis=0) for part in fitted_by_geo(run, changed, window))

    inside, _ = joint_change(found, multiple)
    np.testing.assert_allclose(inside, kpi(multiple) - kpi(np.ones(4)), rtol=1e-9)
    for c in range(4):
        one = np.where(np.arange(4) == c, multiple, 1.0)
        changes = effect_changes(found, c, np.array([multiple[c]]))[0]
        np.testing.assert_allclose(changes, joint_change(found, one).sum(axis=0), atol=1e-9)


@pytest.mark.parametrize("with_later", [False, True])
def test_weeks_after_the_window_count_only_where_asked_for(with_later):
    run, panel, _ = ahead()
    window = np.arange(len(panel.weeks)) == 60
    later = np.arange(len(panel.weeks)) > 60
    other = replace(panel, exposure=np.where(later[:, None], 99.0, panel.exposure))
    multiple = np.full(4, 1.5)
    changes = [
        joint_change(window_of(run, p, window, with_later=with_later), multiple)
        for p in (panel, other)
    ]
    same = np.array_equal(*changes)
    assert same != with_later
    if with_later:
        then, now = (media_effects(run, p) for p in (with_factor(panel, window, 1.5, 0), panel))
        weekly = (then - now).sum(axis=(1, 3))
        np.testing.assert_allclose(changes[0].sum(axis=0), weekly.sum(axis=1), atol=1e-9)


# --- the advice ---------------------------------------------------------------------------------


def test_bounds_by_hand():
    training = np.zeros((1, 5, 5))
    training[0, :, 0] = [10, 0, 0, 0, 0]
    training[0, :, 1] = [10, 8, 8, 8, 8]
    training[0, :, 2] = [10, 9, 9, 9, 9]
    training[0, :, 3] = [10, 0, 0, 0, 0]
    window = np.array([[[4, 9, 12, 0, 3], [5, 9, 8, 0, 0]]], float)
    panel = planted.panel(np.concatenate([training, window], axis=1))
    known = np.arange(7) < 5
    low, high = bounds(panel, known, ~known, 0.2)
    # free; 9 may fall to 8 and rise to 10; 12 and 8 are outside already; nothing planned; never ran
    np.testing.assert_allclose(low, [0.8, 8 / 9, 1.0, 0.8, 0.8])
    np.testing.assert_allclose(high, [1.2, 10 / 9, 1.0, 1.0, 1.0])


def test_advice_is_the_best_of_all_splits_and_keeps_the_budget():
    run, panel, window = ahead(n_window=4)
    found = window_of(run, panel, window)
    low, high = np.full(4, 0.7), np.full(4, 1.3)
    advice = advise(found, low, high, step=0.05)
    budget = found.spend.sum()
    assert (advice.factor * found.spend).sum() == pytest.approx(budget, rel=1e-12)
    assert ((advice.factor >= low) & (advice.factor <= high)).all()
    steps = [
        range(-int((1 - low[c]) * spend / (0.05 * budget)),
              int((high[c] - 1) * spend / (0.05 * budget)) + 1)
        for c, spend in enumerate(found.spend)
    ]  # fmt: skip
    splits = [k for k in product(*steps) if sum(k) == 0]
    gains = [
        joint_change(found, 1 + np.array(k) * 0.05 * budget / found.spend).sum(axis=0).mean()
        for k in splits
    ]
    assert len(splits) > 20
    assert advice.gain.mean() == pytest.approx(max(gains), rel=1e-9)
    np.testing.assert_allclose(advice.effect_change.sum(axis=0), advice.gain, atol=1e-9)
    nothing = window_of(run, with_factor(panel, window, np.zeros(4), 0), window)
    np.testing.assert_allclose(
        advice.effect_now.sum(axis=0), joint_change(nothing, np.ones(4)).sum(axis=0)
        - joint_change(found, np.zeros(4)).sum(axis=0), atol=1e-9,
    )  # fmt: skip


def test_without_money_or_room_nothing_is_moved():
    run, panel, window = ahead()
    broke = replace(panel, spend=np.zeros_like(panel.spend))
    for panel_, high in ((broke, np.full(4, 1.2)), (panel, np.ones(4))):
        advice = advise(window_of(run, panel_, window), np.full(4, 0.8), high, step=0.01)
        assert not advice.is_moved.any()
        assert (advice.gain == 0).all()


@pytest.mark.parametrize(
    ("low", "high", "step", "says"),
    [(1.1, 1.2, 0.01, "hold 1"), (0.8, 0.9, 0.01, "hold 1"), (0.8, 1.2, 0.0, "share of the")],
)
def test_impossible_terms_are_said(low, high, step, says):
    run, panel, window = ahead()
    with pytest.raises(ValueError, match=says):
        advise(window_of(run, panel, window), np.full(4, low), np.full(4, high), step=step)


def test_rows_of_a_recommendation():
    run, panel, window = ahead()
    keys = {"model_id": "m", "as_of_week": run.last_week.item()}
    plans = pl.DataFrame(
        [keys | {"plan_id": name, "plan_source": source, "item_type": "channel"}
         for name, source in (("a", "assumed"), ("b", "client"))]
    )  # fmt: skip
    plan = plan_of(plans, run)
    assert plan["plan_id"].to_list() == ["b"]  # the client's comes first
    frame = recommendation_rows(run, panel, plan, change_max=0.2, step=0.01)
    assert frame.schema == RECOMMENDATIONS
    assert frame["channel_id"].to_list() == list(run.channels)
    np.testing.assert_allclose(
        frame["spend_now"], panel.spend[:, window].sum(axis=(0, 1)) / window.sum()
    )
    assert frame["spend_recommended"].sum() == pytest.approx(frame["spend_now"].sum())
    inside = frame.filter(pl.col("spend_recommended").is_between("spend_low", "spend_high"))
    assert len(inside) == 4
    np.testing.assert_allclose(
        frame["effect_now_mean"] + frame["effect_change_mean"], frame["effect_recommended_mean"]
    )
    assert frame["effect_change_mean"].sum() == pytest.approx(frame["gain_mean"][0])
    assert frame["n_moved"].unique().to_list() == [frame.filter(pl.col("change") != 0).height]
    at_bound = frame.filter(pl.col("held_by").is_not_null())
    step = 0.01 * frame["spend_now"].sum()
    for row in frame.iter_rows(named=True):
        edge = row["spend_high"] if row["change"] > 0 else row["spend_low"]
        assert (row["held_by"] is not None) == (
            row["change"] != 0 and abs(edge - row["spend_recommended"]) < step
        )
    assert len(at_bound) >= 1


def test_what_holds_a_channel_by_hand():
    spend = np.array([100.0, 100.0, 100.0, 100.0, 0.0, 100.0])
    factor = np.array([1.2, 0.8, 1.0, 1.1, 1.0, 1.0])
    low, high = np.array([0.8, 0.8, 0.99, 0.8, 0.8, 1.0]), np.full(6, 1.2)
    high[2], high[5] = 1.005, 1.2
    advice = Advice(spend, low, high, factor, *[np.zeros((6, 1))] * 2, np.zeros(1))
    assert held_by(advice, 0.01) == ["high", "low", "fixed", None, "no_spend", None]
