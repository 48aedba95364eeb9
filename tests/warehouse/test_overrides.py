"""Who accepts what, what nobody can accept, and what a question is about."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.integrity_faults import FAULTS, WEEK, Tables, clean_client

WANTED = ("int_mixloop__input_findings", "int_mixloop__publication", "mixloop__data_quality")
ACCEPTED = (
    "select check_name, series, is_overridden, overridden_by, override_reason "
    "from {int_mixloop__input_findings} where severity = 'blocking' order by all"
)


@pytest.fixture(scope="module")
def clean(project_root) -> Tables:
    """Return the clean client's tables."""
    return clean_client(project_root)


@pytest.fixture(scope="module")
def chain(project_root) -> Chain:
    """Return the project's SQL models."""
    return Chain(compile_project(project_root))


def overrides(*rows: tuple[str, str | None, str, str]) -> Tables:
    """Return the client table: check, series, who, why."""
    columns = ("check_name", "series", "accepted_by", "reason")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String()), orient="row")
    none = pl.lit(None, dtype=pl.String())
    return {"overrides": frame.select(*columns[:3], none.alias("accepted_on"), columns[3])}


def questions(*rows: dict[str, str | None]) -> Tables:
    """Return the client table of questions; what a row does not say is like this."""
    usual = {
        "question_id": "q",
        "channel_id": None,
        "line_item_id": None,
        "week": None,
        "question": "Is that so?",
        "asked_by": "finance",
        "asked_on": None,
        "is_blocking": "true",
        "status": "open",
        "answer": None,
        "answered_by": None,
    }
    schema = dict.fromkeys(usual, pl.String())
    return {"open_questions": pl.DataFrame([usual | row for row in rows], schema=schema)}


def both_booked_lower(clean: Tables) -> Tables:
    """Return bookings of two platforms that are a fifth lower."""
    low = pl.col("platform").is_in(["dv360", "awin"])
    spend = pl.col("spend").cast(pl.Float64)
    fifth = pl.when(low).then(spend * 0.8).otherwise(spend).round(2)
    return {"finance": clean["finance"].with_columns(fifth.cast(clean["finance"]["spend"].dtype))}


def test_an_override_of_one_series_goes_before_one_of_the_check(chain, clean):
    gap = both_booked_lower(clean)
    chain.run(WANTED, clean | gap | overrides(("finance_gap", "DV360", "J. Doe", "fees")))
    assert chain.read(ACCEPTED) == [
        ("finance_gap", "awin", False, None, None),
        ("finance_gap", "dv360", True, "J. Doe", "fees"),
    ]
    one = "finance_gap of dv360 accepted by J. Doe: fees"
    assert chain.read("from {int_mixloop__publication}") == [(1, one)]
    assert chain.read(
        "select series, is_overridden, overridden_by from {mixloop__data_quality} "
        "where check_name = 'finance_gap' and severity = 'blocking' order by all"
    ) == [("awin", False, None), ("dv360", True, "J. Doe")]

    every = overrides(
        ("finance_gap", None, "CFO", "a new ledger; from January on"),
        ("finance_gap", "dv360", "J. Doe", "fees"),
    )
    chain.run(WANTED, clean | gap | every)
    other = "finance_gap of awin accepted by CFO: a new ledger; from January on"
    assert chain.read("from {int_mixloop__publication}") == [(2, f"{other}; {one}")]

    chain.run(WANTED, clean | overrides())
    assert chain.read("from {int_mixloop__publication}") == [(0, None)]


def test_a_warning_may_be_accepted_too_but_is_no_matter_of_publication(chain, clean):
    fault = FAULTS["one month booked otherwise"]
    accepted = overrides(("finance_month_gap", "spotify_ads", "J. Doe", "a late invoice"))
    chain.run(WANTED, clean | fault.plant(clean) | accepted)
    assert chain.read(
        "select severity, is_overridden from {int_mixloop__input_findings} "
        "where check_name = 'finance_month_gap'"
    ) == [("warn", True)]
    assert chain.read("from {int_mixloop__publication}") == [(0, None)]


def test_what_nobody_can_accept_and_what_nobody_needs_to(chain, clean):
    plan = clean["plan"].with_columns(
        channel_id=pl.when(pl.int_range(pl.len()) == 7)
        .then(pl.lit("radoi"))
        .otherwise("channel_id")
    )
    chain.run(
        WANTED,
        clean
        | {"plan": plan}
        | questions({"question_id": "q1"})
        | overrides(
            ("unknown_channel", None, "J. Doe", "never mind"),
            ("finance_gap", "dv360", "J. Doe", "fees"),
            ("open_blocking_question", "q2", "J. Doe", "a slip"),
        ),
    )
    assert chain.read(ACCEPTED) == [
        ("open_blocking_question", "q1", False, None, None),
        ("unknown_channel", None, False, None, None),
    ]
    assert chain.read(
        "select check_name, severity, value, source_row - min(source_row) over () "
        "from {int_mixloop__input_findings} where input_name = 'overrides' order by source_row"
    ) == [
        ("override_not_possible", "warn", "unknown_channel", 0),
        ("override_unused", "info", "finance_gap of dv360", 1),
        ("override_unused", "info", "open_blocking_question of q2", 2),
    ]
    ((words,),) = chain.read(
        "select problem from {int_mixloop__input_findings} where value = "
        "'open_blocking_question of q2'"
    )
    assert words == "the check has no finding of this series; it has: q1"


def test_the_limit_of_listed_findings_hides_none_that_stops(chain, clean):
    asked = questions(*({"question_id": f"q{at:02}"} for at in range(30)))
    accepted = overrides(
        *(("open_blocking_question", f"q{at:02}", "J. Doe", "known") for at in range(25))
    )
    chain.run(WANTED, clean | asked | accepted)
    stopping = "select series from {int_mixloop__input_findings} where severity = 'blocking' "
    assert chain.read(stopping + "and not is_overridden order by all") == [
        (f"q{at}",) for at in range(25, 30)
    ]
    ((n_overrides, words),) = chain.read("from {int_mixloop__publication}")
    assert n_overrides == 25
    assert words.count("accepted by J. Doe") == 25


def test_questions_say_what_they_are_about(chain, clean):
    media = clean["media"].with_columns(week=pl.col("date").dt.truncate("1w"))
    amazon = media.filter(pl.col("platform") == "amazon_ads")
    names = ["platform", "account", "campaign", "ad_group", "line_item"]
    campaign = amazon["campaign"].max()
    chain.run(["int_mixloop__line_items"], clean)
    ((line_item_id,),) = chain.read(
        "select line_item_id from {int_mixloop__line_items} "
        f"where campaign = '{campaign}' and platform = 'amazon_ads' limit 1"
    )
    one = amazon.filter(pl.col("campaign") == campaign)
    week = WEEK[0].isoformat()
    asked = questions(
        {"question_id": "channel", "channel_id": "marketplace"},
        {"question_id": "above", "channel_id": "partners", "is_blocking": "false"},
        {"question_id": "week", "channel_id": "marketplace", "week": "2025-06-12"},
        {"question_id": "item", "line_item_id": line_item_id, "status": "withdrawn"},
        {"question_id": "waived", "is_blocking": "true"},
    )
    accepted = overrides(("open_blocking_question", "waived", "J. Doe", "asked twice"))
    chain.run(["mixloop__open_questions"], clean | asked | accepted)
    found = {
        row[0]: row[1:]
        for row in chain.read(
            "select question_id, is_stopping, channel_label, owner, n_line_items, spend, "
            "overridden_by from {mixloop__open_questions}"
        )
    }
    partners = media.filter(pl.col("platform").is_in(["amazon_ads", "awin"]))
    this_week = amazon.filter(pl.col("week") == date.fromisoformat(week))
    label, owner = "Marketplace ads", "partnerships"

    def size(rows: pl.DataFrame) -> tuple:
        return rows.select(names).n_unique(), rows["spend"].sum()

    assert found == {
        "channel": (True, label, owner, *size(amazon), None),
        "above": (False, "Partners", owner, *size(partners), None),
        "week": (True, label, owner, *size(this_week), None),
        "item": (False, None, None, *size(one), None),
        "waived": (False, None, None, 0, 0, "J. Doe"),
    }
    assert size(one)[0] == 1


def test_weeks_that_still_grow_are_not_remembered(chain, clean):
    first = date(2024, 1, 3)  # a Wednesday
    days = [first + timedelta(days=at) for at in range(50)]
    daily = pl.DataFrame(
        {
            "date": days,
            "geo": ["north"] * 50,
            "kpi": ["revenue"] * 50,
            "value": [1000.0 + at for at in range(50)],
        }
    )
    loaded = daily.select(
        *(pl.col(n).cast(clean["outcomes"].schema[n]) for n in daily.columns),
        loaded_at=pl.lit(None, dtype=clean["outcomes"].schema["loaded_at"]),
    )
    chain.run(["int_mixloop__input_content"], clean | {"outcomes": loaded})
    weeks = chain.read(
        "select week, n_rows from {int_mixloop__input_content} "
        "where input_name = 'outcomes' order by week"
    )
    # from the first whole week to the last: 3 January is in the week of the 1st, 21 February ends
    # on a Wednesday
    assert weeks == [(date(2024, 1, 8) + timedelta(weeks=at), 7) for at in range(6)]
