"""Answers under each transform, and whether earlier origins agree, by hand."""

import numpy as np
import planted
import polars as pl
import pytest

from mixloop.consistency import consistency_rows
from mixloop.schemas import CONSISTENCY, SPECIFICATIONS
from mixloop.specifications import specification_rows, variance_between


def run_of_four():
    """Four draws: two nearly linear and two that saturate early, of different size."""
    run = planted.posterior(
        np.array([1.0, 3.0, 5.0, 7.0]).reshape(4, 1, 1) * 2.0,
        10,
        half=np.array([[1.4], [1.4], [0.25], [0.25]]),
        kernel=np.array([["geometric"], ["delayed"], ["geometric"], ["delayed"]]),
        decay=np.full((4, 1), 0.5),
        carryover_weeks=8,
    )
    return run, planted.panel(np.full((1, 10, 1), 2.0))


def spread_of(frame, dimension):
    own = frame.filter(pl.col("dimension") == dimension)
    return {row["specification"]: row for row in own.iter_rows(named=True)}


def test_the_draws_that_share_a_transform_are_the_answer_under_it():
    run, panel = run_of_four()
    frame = specification_rows(run, panel)
    assert frame.schema == SPECIFICATIONS
    found = spread_of(frame, "half_saturation")
    assert {k: (v["n_draws"], v["probability"]) for k, v in found.items()} == {
        "saturates early": (2, 0.5),
        "nearly linear": (2, 0.5),
    }
    everything = spread_of(frame, "all")["all"]
    assert everything["probability"] == 1.0
    by_hand = np.mean([v["effect_mean"] for v in found.values()])
    assert everything["effect_mean"] == pytest.approx(by_hand)
    assert found["nearly linear"]["roi_mean"] == pytest.approx(
        found["nearly linear"]["effect_mean"] / 20.0
    )


def test_exponential_curves_are_a_shape_of_their_own():
    run, panel = run_of_four()
    family = np.array([["hill"], ["exponential"], ["hill"], ["exponential"]])
    found = spread_of(specification_rows(planted.replace(run, saturation=family), panel), "slope")
    assert {k: v["probability"] for k, v in found.items()} == {"1": 0.5, "none: exponential": 0.5}


def test_probabilities_of_a_dimension_add_up():
    frame = specification_rows(*planted.world())
    totals = frame.group_by("channel_id", "dimension").agg(
        pl.col("probability").sum(), pl.col("n_draws").sum(),
        (pl.col("probability") * pl.col("effect_mean")).sum().alias("mean"),
    )  # fmt: skip
    assert totals["probability"].to_list() == pytest.approx([1.0] * len(totals))
    assert totals["n_draws"].unique().to_list() == [40]
    spread = totals.group_by("channel_id").agg(pl.col("mean").max() - pl.col("mean").min())
    assert spread["mean"].to_list() == pytest.approx([0.0] * len(spread), abs=1e-9)


def test_bands_of_the_half_life():
    run, panel = run_of_four()
    found = spread_of(specification_rows(run, panel), "half_life")
    # geometric with decay 1/2: just over half at once; delayed around week two: 2 to 3 weeks
    assert {k: v["n_draws"] for k, v in found.items()} == {"under 1 week": 2, "2 to 4 weeks": 2}


def test_how_much_the_choice_matters_by_hand():
    # group means 2 and 6 around 4: between 4, total 1 + 4
    assert variance_between(np.array([1, 3, 5, 7.0]), np.array([0, 0, 1, 1])) == pytest.approx(0.8)
    assert variance_between(np.array([1, 3, 1, 3.0]), np.array([0, 0, 1, 1])) == 0.0
    assert np.isnan(variance_between(np.ones(4), np.array([0, 0, 1, 1])))
    # one group leaves nothing between groups, not even a rounding error
    for values in np.random.default_rng(1).normal(size=(20, 999)):
        assert variance_between(values, np.full(999, 2)) == 0.0


def test_without_spend_there_is_no_return():
    run, panel = run_of_four()
    panel = planted.panel(panel.exposure, spend=np.zeros((1, 10, 1)))
    frame = specification_rows(run, panel)
    assert frame["roi_mean"].null_count() == len(frame)
    assert frame["effect_mean"].null_count() == 0


def origin(returns, n_weeks, **over):
    """A run whose channels return so much on spend of one a week."""
    coef = 2.0 * np.array(returns).reshape(1, 1, -1)
    return planted.posterior(coef, n_weeks, run_kind="backtest", **over)


def consistency(live, earlier, hurdle=1.0, n_channels=3):
    panel = planted.panel(np.ones((1, 40, n_channels)))
    frame = consistency_rows(
        origin(live, 40), [origin(r, n) for r, n in earlier], panel, hurdle_roi=hurdle
    )
    assert frame.schema == CONSISTENCY
    return {row["channel_id"]: row for row in frame.iter_rows(named=True)}


def test_agreement_by_hand():
    found = consistency(
        [3.0, 2.0, 0.5], [([3.0, 2.0, 0.5], 20), ([1.0, 2.0, 0.4], 30), ([4.0, 0.9, 1.5], 35)]
    )
    first, second, third = (found[f"c{k}"] for k in range(3))
    assert first["roi"] == pytest.approx(3.0)
    assert (first["roi_lowest"], first["roi_highest"]) == pytest.approx((1.0, 4.0))
    assert [row["rank"] for row in (first, second, third)] == [1, 2, 3]
    assert [row["n_origins"] for row in (first, second, third)] == [3, 3, 3]
    # above one at all three, not (exactly one is not above), at all three
    assert first["share_same_side_of_hurdle"] == pytest.approx(2 / 3)
    assert second["share_same_side_of_hurdle"] == pytest.approx(2 / 3)
    assert third["share_same_side_of_hurdle"] == pytest.approx(2 / 3)
    # ranks of the origins: 1 2 3, 2 1 3, 1 3 2
    assert first["share_same_rank"] == pytest.approx(2 / 3)
    assert second["share_same_rank"] == pytest.approx(1 / 3)
    assert (second["rank_highest"], second["rank_lowest"]) == (1, 3)
    # c1 is the median of the live run; above it only at the second origin
    assert second["share_same_side_of_median"] == pytest.approx(2 / 3)


def test_the_hurdle_is_the_models_own():
    found = consistency([3.0, 2.0, 0.5], [([2.4, 2.6, 0.5], 20)], hurdle=2.5)
    assert {name: row["is_above_hurdle"] for name, row in found.items()} == {
        "c0": True, "c1": False, "c2": False,
    }  # fmt: skip
    assert [row["share_same_side_of_hurdle"] for row in found.values()] == [0.0, 0.0, 1.0]


def test_all_are_asked_about_the_weeks_that_all_have_seen():
    found = consistency([3.0, 2.0, 0.5], [([3.0, 2.0, 0.5], 20)])
    assert found["c0"]["first_week"] == planted.FIRST.item()
    assert found["c0"]["last_week"] == planted.weeks(20)[-1].item()
    assert {row["share_same_rank"] for row in found.values()} == {1.0}


def test_nothing_to_compare_with_agrees_with_nothing():
    found = consistency([3.0, 2.0, 0.5], [])
    assert {row["n_origins"] for row in found.values()} == {0}
    assert {row["share_same_rank"] for row in found.values()} == {None}
    assert {row["share_same_side_of_hurdle"] for row in found.values()} == {None}
    assert found["c2"]["rank"] == 3


def test_a_channel_that_an_origin_did_not_have_has_no_rank():
    panel = planted.panel(np.ones((1, 40, 3)))
    frame = consistency_rows(
        origin([3.0, 2.0, 9.0], 40), [origin([3.0, 2.0], 20)], panel, hurdle_roi=1.0
    )
    found = {row["channel_id"]: row for row in frame.iter_rows(named=True)}
    assert (found["c2"]["n_origins"], found["c2"]["rank"]) == (0, None)
    assert found["c2"]["is_above_hurdle"]
    assert (found["c0"]["rank"], found["c0"]["share_same_rank"]) == (1, 1.0)
    assert found["c0"]["n_channels"] == 2
