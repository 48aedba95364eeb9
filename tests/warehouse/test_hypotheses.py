"""How hypotheses move from run to run: every status planted, whatever the order of building."""

import random
from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse.by_hand import rows_of

FIGURES = ("marginal_roi", "movable_spend", "gain")
RANGE = ("mean", "p05", "p50", "p95")
WEEK = date(2024, 1, 1)
# channel: what each run says, (direction, p_over, weekly spend), None where it says nothing; status
STORIES = {
    "steady": [("over", 0.8, 100), ("over", 0.85, 100), ("over", 0.78, 100)],
    "fading": [("over", 0.9, 100), ("over", 0.7, 100), ("open", 0.55, 100)],
    "turning": [("under", 0.2, 100), ("over", 0.7, 100), ("under", 0.3, 100)],
    "acted": [("over", 0.9, 100), ("open", 0.5, 85), ("open", 0.5, 85)],
    "fed": [("under", 0.1, 100), ("open", 0.5, 112), ("over", 0.7, 112)],
    "wrong": [("over", 0.9, 100), ("open", 0.5, 120), ("open", 0.5, 120)],
    "quiet": [("open", 0.5, 100), ("open", 0.45, 100), ("under", 0.35, 100)],
    "late": [None, ("under", 0.2, 100), ("under", 0.25, 100)],
    "gone": [("over", 0.7, 100), None, None],
}
STATUSES = {
    "steady": ["new", "held", "held"],
    "fading": ["new", "weakened", "weakened"],
    "turning": ["new", "reversed", "reversed"],
    "acted": ["new", "resolved", "open"],
    "fed": ["new", "resolved", "new"],
    "wrong": ["new", "weakened", "open"],
    "quiet": ["open", "open", "new"],
    "late": [None, "new", "held"],
    "gone": ["new", "dropped", None],
}


def said(run, number, channel, what, *, model="m", revision=1, week=None):
    """Return one published row."""
    direction, p_over, spend = what
    figures = {f"{stem}_{part}": 1.0 + k for stem in FIGURES for k, part in enumerate(RANGE)}
    return {
        "published_hypothesis_id": f"{run}|{channel}|{revision}", "run_id": run, "model_id": model,
        "as_of_week": week or WEEK + timedelta(weeks=13 * int(run[-1])), "record_number": number,
        "channel_id": channel, "revision": revision, "is_pooled": False, "hurdle_roi": 1.0,
        "weekly_spend": float(spend), "p_over": p_over, "direction": direction,
        "best_weekly_spend": 50.0, **figures, "n_origins": 4, "share_origins_agree": 1.0,
        "n_specifications": 5, "share_specifications_agree": 1.0, "content_hash": "x",
    }  # fmt: skip


def story_rows(order=(0, 1, 2)):
    """Return the stories as published by three runs that were built in some order."""
    return [
        said(f"r{i}", number, channel, told[i])
        for number, i in enumerate(order, start=1)
        for channel, told in STORIES.items()
        if told[i] is not None
    ]


def hypotheses(manifest, rows):
    """Return mixloop__hypotheses over published rows, by run and channel."""
    tables = {
        "int_mixloop__published_hypotheses": pl.DataFrame(rows),
        "int_mixloop__channel_tree": (
            "select 'main' as hierarchy_id, 'steady' as channel_id, 'Steady TV' as label, "
            "'brand' as owner"
        ),
        "int_mixloop__publication": "select cast(null as varchar) as overrides",
        "int_mixloop__hypotheses": "select 'r2' as run_id",
        "int_mixloop__models": "select 'm' as model_id, 'sales' as kpi",
    }
    found = rows_of(manifest, "mixloop__hypotheses", tables)
    return {(row["run_id"], row["channel_id"]): row for row in found}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_statuses_follow_the_weeks_not_the_builds(manifest, order):
    found = hypotheses(manifest, random.Random(1).sample(rows := story_rows(order), len(rows)))
    for channel, expected in STATUSES.items():
        told = [found.get((f"r{i}", channel), {}).get("status") for i in range(3)]
        assert told == expected, channel


def test_rows_repeat_what_was_said_and_say_it_in_words(manifest):
    found = hypotheses(manifest, story_rows())
    steady = found["r2", "steady"]
    assert steady["is_current"]
    assert not found["r1", "steady"]["is_current"]
    assert (steady["label"], steady["owner"]) == ("Steady TV", "brand")
    assert steady["previous_run_id"] == "r1"
    assert steady["previous_p_over"] == 0.85
    assert (steady["n_earlier_runs"], steady["share_earlier_runs_agree"]) == (2, 1.0)
    assert steady["sentence"] == (
        "78% that Steady TV is past the point where more money earns the hurdle of 1; about 1 a "
        "week (90%: 2 to 4) could be used elsewhere. At 50 a week instead of 100: 1 sales a week "
        "after the hurdle (90%: 2 to 4)"
    )
    turning = found["r2", "turning"]
    assert turning["probability"] == pytest.approx(0.7)
    assert turning["share_earlier_runs_agree"] == 0.5
    assert turning["sentence"].startswith("70% that more money for turning still earns")
    assert found["r2", "fading"]["sentence"].startswith("whether fading has too much")
    gone = found["r1", "gone"]
    assert (gone["p_over"], gone["direction"]) == (0.7, "over")
    assert "no money in the last 52 weeks" in gone["sentence"]


def test_a_gain_within_noise_is_not_told_as_sure(manifest):
    told = said("r2", 1, "steady", ("under", 0.3, 100))
    bet = hypotheses(manifest, [told | {"gain_p05": -2.0}])["r2", "steady"]["sentence"]
    assert bet.endswith("(90%: -2 to 4), so it may as well lose")
    stay = hypotheses(manifest, [told | {"best_weekly_spend": 100.0}])["r2", "steady"]["sentence"]
    assert stay.endswith("could be added. No other amount is better on average")


def test_the_last_revision_and_the_last_run_of_a_week_count(manifest):
    rows = [
        said("r0", 1, "tv", ("over", 0.9, 100)),
        said("r0", 2, "tv", ("under", 0.2, 100), revision=2),
        # another run of the same week: the later one is what the next week is compared with
        said("s0", 3, "tv", ("over", 0.9, 100)),
        said("r1", 4, "tv", ("over", 0.9, 100)),
        said("q0", 9, "tv", ("under", 0.1, 100), model="other"),
    ]
    found = hypotheses(manifest, rows)
    assert found["r0", "tv"]["direction"] == "under"
    assert found["r0", "tv"]["revision"] == 2
    assert found["r0", "tv"]["status"] == "new"
    assert found["s0", "tv"]["status"] == "new"
    assert found["r1", "tv"]["previous_run_id"] == "s0"
    assert found["r1", "tv"]["status"] == "held"
    assert len(found) == 4
