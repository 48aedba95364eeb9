"""From long frames to arrays, by hand."""

import datetime as dt

import numpy as np
import polars as pl
import pytest

from mixloop.panel import build_panel

W = [dt.date(2024, 1, 1) + dt.timedelta(weeks=i) for i in range(6)]
NAN = float("nan")


@pytest.fixture
def frames():
    """Two geos, two channels, weeks 1 to 3 of training, media from week 0, rows in no order."""
    outcomes = pl.DataFrame(
        [
            ("m", "south", W[1], 20.0),
            ("m", "north", W[2], None),
            ("m", "north", W[1], 10.0),
            ("m", "north", W[3], 30.0),
            ("m", "south", W[3], 40.0),
            ("m", "south", W[2], 25.0),
            ("other", "south", W[5], 1.0),
        ],
        schema=["model_id", "geo", "week", "outcome"],
        orient="row",
    )
    media = pl.DataFrame(
        [
            ("m", "north", W[3], "tv", 3.0, 300.0),
            ("m", "north", W[0], "tv", 1.0, 100.0),
            ("m", "south", W[2], "search", 2.0, 2.0),
            ("other", "south", W[2], "radio", 9.0, 9.0),
        ],
        schema=["model_id", "geo", "week", "channel_id", "spend", "exposure"],
        orient="row",
    )
    drivers = pl.DataFrame(
        [
            ("m", geo, week, "context:price", value)
            for geo, week, value in [
                ("north", W[1], 1.0),
                ("north", W[2], 2.0),
                ("north", W[3], 3.0),
                ("south", W[3], 6.0),
                ("south", W[2], 5.0),
                ("south", W[1], 4.0),
            ]
        ],
        schema=["model_id", "geo", "week", "driver_id", "value"],
        orient="row",
    )
    return outcomes, media, drivers


@pytest.fixture
def plan():
    """The plan as of week 2 for weeks 3 and 4."""
    return pl.DataFrame(
        [
            ("m", W[2], "north", W[3], "channel", "tv", 700.0, 7.0),
            ("m", W[2], "south", W[4], "channel", "search", 8.0, 8.0),
            ("m", W[2], "south", W[4], "channel", "cinema", 5.0, 5.0),  # not in the history
            ("m", W[2], "north", W[4], "context", "context:price", 9.0, None),
            ("m", W[2], "west", W[4], "channel", "tv", 5.0, 5.0),  # not a geo of the model
            ("other", W[5], "north", W[5], "channel", "tv", 5.0, 5.0),
        ],
        schema=[
            *("model_id", "as_of_week", "geo", "week"),
            *("item_type", "item_id", "planned_value", "planned_spend"),
        ],
        orient="row",
    )


def test_arrays_by_hand(frames):
    panel = build_panel("m", *frames)
    assert panel.geos == ("north", "south")
    assert panel.channels == ("search", "tv")
    assert panel.drivers == ("context:price",)
    assert panel.weeks.tolist() == W[:4]
    np.testing.assert_array_equal(panel.outcome, [[NAN, 10, NAN, 30], [NAN, 20, 25, 40]])
    tv, search = panel.exposure[:, :, 1], panel.exposure[:, :, 0]
    assert tv.tolist() == [[100, 0, 0, 300], [0, 0, 0, 0]]
    assert search.tolist() == [[0, 0, 0, 0], [0, 0, 2, 0]]
    assert panel.spend[:, :, 1].tolist() == [[1, 0, 0, 3], [0, 0, 0, 0]]
    np.testing.assert_array_equal(panel.driver_values[:, :, 0], [[NAN, 1, 2, 3], [NAN, 4, 5, 6]])


def test_the_order_of_rows_does_not_matter(frames):
    ordered = build_panel("m", *frames)
    shuffled = build_panel("m", *(f.sample(fraction=1, shuffle=True, seed=5) for f in frames))
    for name in ("weeks", "outcome", "exposure", "spend", "driver_values"):
        np.testing.assert_array_equal(getattr(ordered, name), getattr(shuffled, name))


def test_a_plan_replaces_what_came_after_its_week(frames, plan):
    panel = build_panel("m", *frames, plan=plan)
    assert panel.geos == ("north", "south")
    assert panel.channels == ("search", "tv")
    assert panel.weeks.tolist() == W[:5]
    np.testing.assert_array_equal(
        panel.outcome, [[NAN, 10, NAN, NAN, NAN], [NAN, 20, 25, NAN, NAN]]
    )
    # north's tv in week 3 is the planned 700, not the 300 that happened later
    assert panel.exposure[:, :, 1].tolist() == [[100, 0, 0, 700, 0], [0, 0, 0, 0, 0]]
    assert panel.spend[0, :, 1].tolist() == [1, 0, 0, 7, 0]
    assert panel.exposure[1, :, 0].tolist() == [0, 0, 2, 0, 8]
    np.testing.assert_array_equal(
        panel.driver_values[:, :, 0], [[NAN, 1, 2, NAN, 9], [NAN, 4, 5, NAN, NAN]]
    )


def test_duplicates_name_the_row(frames):
    outcomes, media, drivers = frames
    twice = pl.concat([media, media.filter(pl.col("channel_id") == "search")])
    with pytest.raises(ValueError, match=r"2024, 1, 15.*'south'.*'search'"):
        build_panel("m", outcomes, twice, drivers)
    twice = pl.concat([outcomes, outcomes.head(1)])
    with pytest.raises(ValueError, match=r"outcome has more than one row.*2024, 1, 8.*'south'"):
        build_panel("m", twice, media, drivers)


def test_a_model_without_outcomes_is_named(frames):
    with pytest.raises(ValueError, match="'nobody' has no outcomes"):
        build_panel("nobody", *frames)


def test_a_model_may_lack_media_and_drivers(frames):
    outcomes, media, drivers = frames
    panel = build_panel("m", outcomes, media.head(0), drivers.head(0))
    assert panel.exposure.shape == (2, 3, 0)
    assert panel.driver_values.shape == (2, 3, 0)
    assert panel.weeks.tolist() == W[1:4]


def test_select_channels_keeps_the_asked_order(frames):
    panel = build_panel("m", *frames)
    swapped = panel.select_channels(("tv", "search"))
    assert swapped.channels == ("tv", "search")
    assert (swapped.exposure == panel.exposure[:, :, ::-1]).all()
    assert (swapped.spend == panel.spend[:, :, ::-1]).all()
    with pytest.raises(ValueError, match=r"\['radio'\]"):
        panel.select_channels(("tv", "radio"))


def test_until_cuts_everything_after_a_week(frames):
    panel = build_panel("m", *frames).until(np.datetime64(W[2]))
    assert panel.weeks.tolist() == W[:3]
    np.testing.assert_array_equal(panel.outcome, [[NAN, 10, NAN], [NAN, 20, 25]])
    assert panel.exposure[:, :, 1].tolist() == [[100, 0, 0], [0, 0, 0]]
    assert panel.spend.shape == panel.exposure.shape
    assert panel.driver_values.shape == (2, 3, 1)
