"""History that is told otherwise than it was loaded: found, said again, stopped, accepted, old.

The tiny client is built with dbt up to the gate and the snapshots, over and over, without a fit.
"""

from __future__ import annotations

import pytest
from tests.warehouse.place import Place
from tests.warehouse.tiny import N_WEEKS, outcome, spend, week, write_folder

pytestmark = pytest.mark.slow
SNAPSHOTS = "history.main_intermediate.int_mixloop__input_snapshots"
FINDINGS = "main_mixloop.mixloop__input_findings"
QUALITY = "main_mixloop.mixloop__data_quality"
UP_TO_THE_GATE = ("--select", "+int_mixloop__input_snapshots", "+int_mixloop__publication")
SERIES = "google_ads in national"


@pytest.fixture(scope="module")
def first_build(project_root, tmp_path_factory) -> Place:
    """Return a place whose first build has loaded the tiny client; never change it."""
    place = Place(project_root, tmp_path_factory.mktemp("restated") / "p")
    write_folder(place.client)
    build(place)
    return place


@pytest.fixture
def place(first_build, tmp_path) -> Place:
    """Return a copy of it for one test."""
    return first_build.copy(tmp_path / "p")


def build(place: Place, *more: str, fails: bool = False) -> str:
    """Build up to the snapshots; the public tables about the inputs are built either way."""
    public = ("mixloop__input_findings", "+mixloop__data_quality", "+mixloop__open_questions")
    return place.dbt("run", *UP_TO_THE_GATE, *public, *more, fails=fails)


def changed(table: str, index: int, column: str, factor: float, **where: object):
    """Return an edit that multiplies one week's value; `where` chooses the row."""

    def edit(tables):
        (row,) = [
            row
            for row in tables[table]
            if row["date"] == week(index) and where.items() <= row.items()
        ]
        row[column] = round(row[column] * factor, 2)

    return edit


def accept(check: str, series: str = "", reason: str = "as agreed"):
    """Return an edit that adds an override."""
    row = {"check_name": check, "series": series, "accepted_by": "J. Doe", "accepted_on": ""}
    return lambda tables: tables.setdefault("overrides", []).append(row | {"reason": reason})


def together(*edits):
    """Return an edit that makes several."""

    def edit(tables):
        for one in edits:
            one(tables)

    return edit


def restated(place: Place) -> list[tuple]:
    """Return what the checks of restated history say, but for what passed."""
    return place.read(
        "select check_name, series, severity, n_found, cast(first_week as varchar), "
        f"cast(last_week as varchar), problem, is_overridden from {QUALITY} "
        "where (check_name like '%restated' or check_name = 'history_cut') "
        "and severity != 'pass' order by all"
    )


def snapshots(place: Place, where: str = "true") -> list[tuple]:
    """Return revisions of snapshots."""
    return place.read(
        "select series, cast(week as varchar), revision, cast(as_of_week as varchar), "
        f"cast(value_sum as double), n_rows from {SNAPSHOTS} where {where} order by all"
    )


def said(place: Place) -> tuple[list[tuple], list[tuple]]:
    """Return all rows of both tables about the inputs."""
    return place.read(f"from {FINDINGS} order by all"), place.read(f"from {QUALITY} order by all")


FIVE_PERCENT = changed("media", 10, "spend", 1.05, platform="google_ads")
SEARCH = spend("search", 10)
WORDS = (
    f"1 week(s) are told otherwise than they were loaded (media.csv, data up to the week of "
    f"{week(N_WEEKS - 1)}): spend {SEARCH:.2f} became {SEARCH * 1.05:.2f} (+5.0%)"
)
LAST = week(N_WEEKS - 1)


def test_first_build_remembers_every_week_and_another_adds_nothing(place):
    kept = snapshots(place)
    # three channels, the pilot's one week, outcomes, and one variable
    assert len(kept) == 3 * N_WEEKS + 1 + N_WEEKS + N_WEEKS
    assert {(revision, as_of) for _, _, revision, as_of, *_ in kept} == {(1, LAST)}
    assert (SERIES, week(10), 1, LAST, float(SEARCH), 1) in kept
    assert ("sales in national", week(4), 1, LAST, float(outcome(4)), 1) in kept
    before = said(place)
    build(place, "--full-refresh")
    assert snapshots(place) == kept
    assert said(place) == before
    assert restated(place) == []
    passed = place.read(f"select count(*) from {QUALITY} where check_name like '%restated'")
    assert passed == [(6,)]


def test_a_small_change_is_told_in_the_same_words_until_new_weeks_come(place):
    changes = together(FIVE_PERCENT, changed("outcomes", 30, "value", 1.005))
    write_folder(place.client, changes)
    build(place)
    row = ("media_restated", SERIES, "warn", 1, week(10), week(10), WORDS, False)
    found, tiny = restated(place)
    assert found == row
    assert tiny[:3] == ("outcomes_restated", "sales in national", "info")
    first = said(place)
    that_week = f"series = '{SERIES}' and week = date '{week(10)}'"
    revisions = [
        (SERIES, week(10), 1, LAST, float(SEARCH), 1),
        (SERIES, week(10), 2, LAST, SEARCH * 1.05, 1),
    ]
    assert snapshots(place, that_week) == revisions
    build(place)  # now the snapshot has today's content too
    assert said(place) == first
    assert snapshots(place, that_week) == revisions

    # a new week is no restatement, and what was said before is old
    write_folder(place.client, changes, n_weeks=N_WEEKS + 1)
    build(place)
    old = f"{WORDS}; known since the data up to the week of {LAST}"
    assert restated(place)[0] == (*row[:2], "info", *row[3:6], old, False)
    assert restated(place)[1][:3] == tiny[:3]
    newest = snapshots(place, f"as_of_week = date '{week(N_WEEKS)}'")
    assert {(at, revision) for _, at, revision, *_ in newest} == {(week(N_WEEKS), 1)}


def without_social(*weeks: int):
    """Return an edit that takes the rows of meta_ads in some weeks away."""
    gone = {week(at) for at in weeks}

    def edit(tables):
        kept = [r for r in tables["media"] if r["platform"] != "meta_ads" or r["date"] not in gone]
        tables["media"] = kept

    return edit


def test_large_changes_stop_until_somebody_accepts_them(place):
    more_sales, gone = changed("outcomes", 30, "value", 1.5), without_social(20, 21)
    write_folder(place.client, together(more_sales, gone))
    kept = snapshots(place)
    text = build(place, fails=True)
    assert "outcomes.csv [sales in national]: 1 week(s) are told otherwise" in text
    line = "outcomes_restated,sales in national,<your name>,<YYYY-MM-DD>,<why>"
    assert f"add to overrides.csv of the client folder: {line}" in text
    assert snapshots(place) == kept  # not the new normal
    media, sales = restated(place)
    assert media[:6] == (
        *("media_restated", "meta_ads in national", "blocking", 2, week(20), week(21)),
    )
    assert "(-100.0%); 2 of them have no rows now" in media[6]
    assert sales[:3] == ("outcomes_restated", "sales in national", "blocking")
    assert not media[7] and not sales[7]

    accepted = together(
        more_sales,
        gone,
        accept("outcomes_restated", "Sales in national", "refunds were booked"),
        accept("media_restated"),
    )
    write_folder(place.client, accepted)
    build(place)
    assert place.read(
        "select n_overrides, overrides from main_intermediate.int_mixloop__publication"
    ) == [
        (
            2,
            "media_restated of meta_ads in national accepted by J. Doe: as agreed; "
            "outcomes_restated of sales in national accepted by J. Doe: refunds were booked",
        ),
    ]
    assert place.read(
        f"select severity, is_overridden, overridden_by, override_reason from {FINDINGS} "
        "where check_name = 'outcomes_restated'"
    ) == [("blocking", True, "J. Doe", "refunds were booked")]
    assert snapshots(place, "n_rows = 0") == [
        ("meta_ads in national", week(at), 2, LAST, 0.0, 0) for at in (20, 21)
    ]
    after, remembered = said(place), snapshots(place)
    assert len(remembered) == len(kept) + 3
    build(place)
    assert (said(place), snapshots(place)) == (after, remembered)

    # rows that are back are as good as new ones; the sales are told otherwise once more
    write_folder(place.client)
    (place.client / "overrides.csv").unlink()
    build(place, fails=True)
    assert [row[:3] for row in restated(place)] == [
        ("outcomes_restated", "sales in national", "blocking")
    ]


def test_history_cut_at_either_end_is_no_restatement(place):
    kept = snapshots(place)

    def without(lowest, highest):
        def edit(tables):
            for name in ("media", "outcomes", "context"):
                rows = tables[name]
                tables[name] = [r for r in rows if week(lowest) <= r["date"] <= week(highest)]

        return edit

    for lowest, highest, severity, first, last in (
        (5, N_WEEKS - 1, "info", week(0), week(4)),
        (0, N_WEEKS - 4, "warn", week(N_WEEKS - 3), LAST),
    ):
        write_folder(place.client, without(lowest, highest))
        build(place)
        rows = restated(place)
        assert [row[:2] for row in rows] == [
            ("history_cut", name) for name in ("context", "media", "outcomes")
        ]
        assert {(row[2], row[4], row[5]) for row in rows} == {(severity, first, last)}
        assert snapshots(place) == kept
