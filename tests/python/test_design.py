"""The baseline's columns, value by value."""

from dataclasses import replace

import numpy as np
import pytest

from mixloop.design import GROUPS, WEEKS_PER_YEAR, baseline_names, baseline_values, build_design
from mixloop.panel import Panel

MONDAY = np.datetime64("2022-01-03")


def panel_of(n_weeks, drivers=(), values=None, geos=("north", "south")):
    """A panel without media; `values` is (J, T, D)."""
    weeks = MONDAY + 7 * np.arange(n_weeks)
    shape = (len(geos), n_weeks)
    return Panel(
        geos=geos,
        weeks=weeks,
        channels=(),
        drivers=drivers,
        outcome=np.ones(shape),
        exposure=np.empty((*shape, 0)),
        spend=np.empty((*shape, 0)),
        driver_values=np.empty((*shape, 0)) if values is None else values,
    )


def column(design, name):
    """The standardised column as (J, T)."""
    return design.values[:, :, [c.name for c in design.columns].index(name)]


def test_level_is_one_and_trend_runs_from_minus_one_to_one():
    design = build_design(panel_of(5), 5)
    assert [c.name for c in design.columns] == ["level", "trend"]
    for j in range(2):
        assert column(design, "level")[j].tolist() == [1, 1, 1, 1, 1]
        assert column(design, "trend")[j].tolist() == [-1, -0.5, 0, 0.5, 1]


def test_hinges_stand_every_half_year_but_not_in_the_last_quarter():
    knots = [
        name for name in baseline_names(92, MONDAY, ()) if name.startswith("hinge:")
    ]  # 26, 52, 78; 78 is 14 weeks before the end
    assert knots == ["hinge:2022-07-04", "hinge:2023-01-02", "hinge:2023-07-03"]
    assert sum(name.startswith("hinge:") for name in baseline_names(91, MONDAY, ())) == 2
    assert sum(name.startswith("hinge:") for name in baseline_names(39, MONDAY, ())) == 0


def test_a_hinge_is_zero_until_its_knot_and_one_after_a_year():
    hinge = column(build_design(panel_of(110), 110), "hinge:2022-07-04")[0]
    assert hinge[:27].tolist() == [0.0] * 27
    assert hinge[27] == pytest.approx(7 / 365.25)
    year = np.interp(26 + WEEKS_PER_YEAR, np.arange(110), hinge)
    assert year == pytest.approx(1.0)
    assert np.diff(hinge[26:]) == pytest.approx(7 / 365.25)


@pytest.mark.parametrize(("n_weeks", "pairs"), [(51, 0), (52, 2), (103, 2), (104, 4)])
def test_seasons_need_a_year_of_history(n_weeks, pairs):
    names = [n for n in baseline_names(n_weeks, MONDAY, ()) if n.startswith("season:")]
    assert names == [f"season:{f}{k}" for k in range(1, pairs + 1) for f in ("sin", "cos")]


def test_seasons_are_yearly_waves_from_the_first_training_week():
    design = build_design(panel_of(110), 104)
    days = 7 * np.arange(104)
    for k in (1, 2, 3, 4):
        angle = 2 * np.pi * k * days / 365.25
        sine, cosine = column(design, f"season:sin{k}")[0], column(design, f"season:cos{k}")[1]
        # k waves a year count a k-th: a smooth season is the likelier one
        np.testing.assert_allclose(sine, np.sin(angle) / k, atol=1e-12)
        np.testing.assert_allclose(cosine, np.cos(angle) / k, atol=1e-12)
    # 1461 weeks are 28 Julian years: the season is back where it began
    later = MONDAY + 7 * (6 + np.array([0, 1461]))
    season = baseline_values(design.columns, later, MONDAY + 42, (), np.empty((2, 2, 0)))[0]
    at = [c.component == "season" for c in design.columns]
    assert sum(at) == 8
    np.testing.assert_allclose(season[0, at], season[1, at], atol=1e-9)


def test_context_is_standardised_in_each_geo_and_events_stay_shares():
    rng = np.random.default_rng(0)
    price = rng.normal([[10.0], [40.0]], [[1.0], [5.0]], size=(2, 30))
    event = (rng.random((2, 30)) < 0.3) * 3 / 7
    values = np.stack([price, event], axis=2)
    design = build_design(panel_of(30, ("context:price", "event:sale"), values), 20)
    standard = column(design, "context:price")
    assert standard.mean(axis=1) == pytest.approx([0, 0], abs=1e-12)
    assert standard.std(axis=1) == pytest.approx([1, 1])
    training = price[:, 10:]
    expected = (training - training.mean(axis=1)[:, None]) / training.std(axis=1)[:, None]
    np.testing.assert_allclose(standard, expected)
    assert (column(design, "event:sale") == event[:, 10:]).all()
    components = [c.component for c in design.columns]
    assert components == ["level", "trend", "context:price", "event:sale"]
    assert [GROUPS[g] for g in design.group] == ["level", "trend", "context", "event"]
    assert design.dropped == ()


def test_drivers_that_never_move_are_dropped_and_named():
    values = np.zeros((2, 30, 3))
    values[:, :, 0] = 19.99  # a constant price is not a variation, whatever its rounding
    values[0, :, 1] = np.arange(30)  # moves in one geo only
    values[:, 3, 2] = 1.0  # an event before the training window
    names = ("context:price", "context:weather", "event:fair")
    design = build_design(panel_of(30, names, values), 20)
    assert design.dropped == ("context:price", "event:fair")
    assert [c.name for c in design.columns] == ["level", "trend", "context:weather"]
    weather = column(design, "context:weather")
    assert weather[0].std() == pytest.approx(1.0)
    assert (weather[1] == 0.0).all()


def test_a_missing_driver_value_names_driver_geo_and_week():
    values = np.random.default_rng(0).normal(size=(2, 10, 2))
    values[:, :4] = np.nan  # the lead-in may be unknown
    panel = panel_of(10, ("context:price", "context:rain"), values)
    assert build_design(panel, 6).dropped == ()
    values = values.copy()
    values[1, 7, 1] = np.nan
    with pytest.raises(ValueError, match=r"'context:rain'.*'south'.*2022-02-21"):
        build_design(replace(panel, driver_values=values), 6)


def test_the_same_columns_continue_beyond_training():
    rng = np.random.default_rng(3)
    price = rng.normal(10, 2, size=(2, 130, 1))
    panel = panel_of(130, ("context:price",), price)
    short = replace(
        panel,
        weeks=panel.weeks[:110],
        outcome=panel.outcome[:, :110],
        exposure=panel.exposure[:, :110],
        spend=panel.spend[:, :110],
        driver_values=price[:, :110],
    )
    design = build_design(short, 110)
    longer = baseline_values(design.columns, panel.weeks, MONDAY, panel.drivers, price)
    np.testing.assert_array_equal(longer[:, :110], design.values)
    beyond = {c.name: longer[0, :, p] for p, c in enumerate(design.columns)}
    assert beyond["trend"][129] == pytest.approx(1 + 20 / 54.5)  # the line goes on
    assert beyond["hinge:2022-07-04"][129] == pytest.approx((129 - 26) * 7 / 365.25)
    training = price[0, :110, 0]
    expected = (price[0, 129, 0] - training.mean()) / training.std()
    assert beyond["context:price"][129] == pytest.approx(expected)


def test_a_column_without_its_driver_is_named():
    rng = np.random.default_rng(3)
    panel = panel_of(20, ("context:price",), rng.normal(size=(2, 20, 1)))
    design = build_design(panel, 20)
    with pytest.raises(ValueError, match="'context:price'"):
        baseline_values(design.columns, panel.weeks, MONDAY, (), np.empty((2, 20, 0)))
