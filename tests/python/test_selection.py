"""How much of the KPI every variable moves, by hand."""

import json

import numpy as np
import planted
import pytest

from mixloop.schemas import SELECTION
from mixloop.selection import selection_rows

NOTHING = json.dumps({"channels": [], "drivers": []})


def rows_of(run, panel, dropped=NOTHING, material_share=0.001):
    frame = selection_rows(run, panel, dropped, material_share=material_share)
    assert frame.schema == SELECTION
    return {row["variable_id"]: row for row in frame.iter_rows(named=True)}


def world(**over):
    """Two weeks, KPI 100 each; a channel of 10 or 20 a week, a price of +-5 around its center."""
    run = planted.posterior(
        np.array([[[0.2]], [[0.4]]]),
        2,
        level=0.9,
        drivers={"context:price": np.array([[-0.05], [0.01]])},
        kpi_scale=np.array([100.0]),
        **over,
    )
    price = np.array([1.0, -1.0])
    return run, planted.panel(
        np.ones((1, 2, 1)), outcome=np.full((1, 2), 100.0), drivers={"context:price": price}
    )


def test_shares_by_hand():
    found = rows_of(*world())
    assert set(found) == {"c0", "context:price", "season"}  # the level is no choice
    # hill(1) = 1/2: effects of 10 and 20 a week of 100
    assert found["c0"]["share_of_kpi_mean"] == pytest.approx(0.15)
    assert found["c0"]["p_material"] == 1.0
    assert found["c0"]["p_positive"] is None
    # price moves the KPI by 5 up and 5 down, or 1 and 1
    assert found["context:price"]["share_of_kpi_mean"] == pytest.approx(0.03)
    assert found["context:price"]["p_positive"] == 0.5


def test_material_is_a_matter_of_the_threshold():
    assert rows_of(*world(), material_share=0.02)["context:price"]["p_material"] == 0.5
    assert rows_of(*world(), material_share=0.2)["c0"]["p_material"] == 0.0


def test_the_sign_is_of_one_unit_of_the_variable():
    # a geo counts by what a unit of the variable does there, not by its standardised coefficient
    run = planted.posterior(
        np.zeros((1, 2, 1)),
        2,
        drivers={"context:price": np.array([[0.3, -0.2]])},
        kpi_scale=np.array([100.0, 100.0]),
    )
    scale = np.array([3.0, 1.0])
    column = planted.replace(run.baseline[1], scale=scale)
    run = planted.replace(run, baseline=(run.baseline[0], column))
    panel = planted.panel(
        np.ones((2, 2, 1)), outcome=np.full((2, 2), 100.0), drivers={"context:price": np.ones(2)}
    )
    # 0.3 / 3 - 0.2 / 1 < 0 although 0.3 > 0.2
    assert rows_of(run, panel)["context:price"]["p_positive"] == 0.0


def test_what_was_left_out_is_listed_with_its_reason():
    run, panel = world()
    dropped = json.dumps({"channels": ["radio"], "drivers": ["context:flat", "event:never"]})
    found = rows_of(run, panel, dropped)
    said = {name: (row["variable_type"], row["drop_reason"]) for name, row in found.items()}
    assert said["radio"] == ("channel", "no_exposure")
    assert said["context:flat"] == ("context", "never_varies")
    assert said["event:never"] == ("event", "never_varies")
    assert said["season"] == ("season", "too_short")  # two weeks
    assert not found["radio"]["is_fitted"]
    assert found["radio"]["share_of_kpi_mean"] is None


def test_weeks_without_a_kpi_count_on_neither_side():
    run, panel = world()
    panel.outcome[0, 1] = np.nan
    assert rows_of(run, panel)["c0"]["share_of_kpi_mean"] == pytest.approx(0.15)


def test_season_and_trend_are_judged_as_a_whole():
    run, panel = planted.world(n_weeks=60)
    found = rows_of(run, panel)
    assert {name: row["variable_type"] for name, row in found.items()} == {
        **{f"c{c}": "channel" for c in range(4)},
        "trend": "trend",
        "season": "season",
        "context:price": "context",
    }
    assert found["season"]["p_positive"] is None
    assert found["season"]["p_material"] == 1.0


def test_an_event_is_measured_against_its_own_weeks():
    # ten weeks of 100; in one of them 8 more: 0.8% of all, 8% of its week
    value = np.zeros(10)
    value[4] = 1.0
    run = planted.posterior(
        np.zeros((2, 1, 1)),
        10,
        level=1.0,
        drivers={"event:sale": np.full((2, 1), 0.08)},
        kpi_scale=np.array([100.0]),
    )
    outcome = np.full((1, 10), 100.0)
    panel = planted.panel(np.ones((1, 10, 1)), outcome=outcome, drivers={"event:sale": value})
    found = rows_of(run, panel, material_share=0.05)["event:sale"]
    assert found["share_of_kpi_mean"] == pytest.approx(0.008)
    assert found["p_material"] == 1.0
    assert rows_of(run, panel, material_share=0.09)["event:sale"]["p_material"] == 0.0
    assert found["p_positive"] == 1.0


def test_an_event_whose_weeks_are_unknown_is_not_judged():
    value = np.array([0.0, 1.0, 0.0])
    run = planted.posterior(np.zeros((1, 1, 1)), 3, drivers={"event:sale": 0.1})
    outcome = np.array([[1.0, np.nan, 1.0]])
    panel = planted.panel(np.ones((1, 3, 1)), outcome=outcome, drivers={"event:sale": value})
    assert rows_of(run, panel)["event:sale"]["p_material"] is None


def test_a_large_geo_decides_the_direction():
    run = planted.posterior(
        np.zeros((1, 2, 1)),
        2,
        drivers={"context:price": np.array([[0.1, -0.3]])},
        kpi_scale=np.array([100.0, 1.0]),
    )
    panel = planted.panel(
        np.ones((2, 2, 1)), outcome=np.ones((2, 2)), drivers={"context:price": np.ones(2)}
    )
    assert rows_of(run, panel)["context:price"]["p_positive"] == 1.0
