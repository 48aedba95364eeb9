"""What a plan forgets, media of the far future, impossible goals and events without a geo."""

from __future__ import annotations

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


def found(chain, **changes):
    """Findings about the tiny client with other rows of some tables."""
    content = tiny.tables() | changes
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in content.items()}
    chain.run(["int_mixloop__plan_findings"], frames)
    return chain.read(
        "select check_name, severity, input_name, column_name, value, problem "
        "from {int_mixloop__plan_findings}"
    )


PLAN, EVENT, GOAL = (tiny.tables()[name] for name in ("plan", "events", "goals"))


def test_the_tiny_client_has_none(chain):
    assert found(chain) == []


def test_a_channel_that_a_plan_ahead_forgets_is_said_with_its_money(chain):
    spent = sum(tiny.spend("tv", i) for i in range(tiny.N_WEEKS - 13, tiny.N_WEEKS))
    (row,) = found(chain, plan=[row for row in PLAN if row["channel_id"] != "tv"])
    assert row[:5] == ("plan_without_channel", "warn", "plan", "channel_id", "tv")
    assert row[5] == (
        "plan base has no rows of this channel, so it is planned at zero; in the 13 weeks before "
        f"it had {spent}"
    )


def test_a_plan_of_the_past_and_a_channel_without_money_of_late_are_not(chain):
    kept = [row for row in PLAN if row["channel_id"] != "tv"]
    past = [row | {"week": tiny.week(tiny.N_WEEKS - 10 + i % 8)} for i, row in enumerate(kept)]
    assert found(chain, plan=past) == []
    silent = range(tiny.N_WEEKS - 13, tiny.N_WEEKS)
    weeks = {tiny.week(i) for i in silent}
    media = [
        row
        for row in tiny.tables()["media"]
        if row["platform"] != "tv_house" or row["date"] not in weeks
    ]
    assert found(chain, plan=kept, media=media) == []


def test_a_goal_that_ends_before_it_begins_stops(chain):
    goal = GOAL[0] | {"period_start": tiny.week(75), "period_end": tiny.week(72)}
    (row,) = found(chain, goals=[goal])
    assert row[:5] == ("goal_period_reversed", "blocking", "goals", "period_end", tiny.week(72))
    assert found(chain, goals=[goal | {"period_end": tiny.week(75)}]) == []


def test_an_event_of_a_geo_without_a_model_is_said(chain):
    (row,) = found(chain, events=[EVENT[0] | {"geo": "mars"}])
    assert row[:5] == ("event_geo_without_model", "warn", "events", "geo", "mars")


@pytest.mark.parametrize(
    ("ahead", "severity", "is_far"), [(1, "info", False), (26, "info", False), (27, "warn", True)]
)
def test_media_of_the_far_future_are_a_warning(chain, ahead, severity, is_far):
    """Media are ahead of outcomes by some weeks; by more than half a year a date is wrong."""
    content = tiny.tables()
    day = tiny.week(tiny.N_WEEKS - 1 + ahead)
    content["media"] = [*content["media"], content["media"][0] | {"date": day}]
    frames = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in content.items()}
    chain.run(["int_mixloop__media_findings"], frames)
    found = chain.read(
        "select severity, value, contains(problem, 'the last is that of') "
        "from {int_mixloop__media_findings} where check_name = 'media_after_outcomes'"
    )
    assert found == [(severity, day, is_far)]
