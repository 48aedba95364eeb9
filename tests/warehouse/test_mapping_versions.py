"""What a build says beside its numbers: the mapping's version, and what somebody accepted."""

import pytest
from tests.warehouse.tiny import write_folder

pytestmark = pytest.mark.slow
PUBLISHED = "history.main_mixloop.mixloop__published_contributions"
UP_TO_PUBLISHED = ("+mixloop__published_contributions", "+mixloop__mapping_versions")
VERSIONS = (
    "select mapping_version, is_current, n_rows_added, n_rows_removed "
    "from main_mixloop.mixloop__mapping_versions order by mapping_version"
)


def tv_is_search(tables):
    """Let the rule of the TV campaign lead to search."""
    tables["channel_mapping"][0]["channel_id"] = "search"


def other_words(tables):
    """Change names and notes only."""
    for row in tables["channel_mapping"]:
        row["notes"] = "looked at in spring"
    tables["channel_hierarchy"][1]["label"] = "Television"


SAYS_OVERRIDES = (
    *("runs", "run_scores", "contributions", "channel_performance", "response_curves"),
    *("backtests", "forecast_variance"),
)
ACCEPTED = "open_blocking_question of q accepted by finance director: it is small"


def accepted_question(tables):
    """Ask a question that blocks, accept that it is open, and rename what has no meaning."""
    other_words(tables)
    tables["open_questions"] = [
        {
            "question_id": "q",
            "question": "Is the agency's fee in TV?",
            "asked_by": "finance",
            "is_blocking": "true",
            "status": "open",
        }
    ]
    tables["overrides"] = [
        {
            "check_name": "open_blocking_question",
            "series": "q",
            "accepted_by": "finance director",
            "reason": "it is small",
        }
    ]


def test_versions_and_what_was_published_under_them(place):
    assert place.read(VERSIONS) == [(1, True, 0, 0)]
    first = place.read(f"from {PUBLISHED} order by all")
    spend = (
        "select component_id, sum(spend) from " + PUBLISHED + " where mapping_version = {} "
        "and component_id in ('tv', 'search', 'media') group by all order by all"
    )
    media = dict(place.read(spend.format(1)))
    assert media["media"] > media["tv"] + media["search"] > 0

    write_folder(place.client, accepted_question)
    place.dbt("run")
    assert place.read(VERSIONS) == [(1, True, 0, 0)]
    assert place.read(f"from {PUBLISHED} order by all") == first
    for name in SAYS_OVERRIDES:
        where = "where is_current" if name == "runs" else ""
        said = place.read(f"select distinct overrides from main_mixloop.mixloop__{name} {where}")
        assert said == [(ACCEPTED,)], name
    for name in ("open_questions", "overrides"):
        (place.client / f"{name}.csv").unlink()

    write_folder(place.client, tv_is_search)
    place.dbt("run", "--select", *UP_TO_PUBLISHED)
    assert place.read(VERSIONS) == [(1, False, 0, 0), (2, True, 1, 1)]
    assert place.read(f"from {PUBLISHED} where mapping_version = 1 order by all") == first
    assert place.read(f"select distinct overrides from {PUBLISHED}") == [(None,)]
    moved = dict(place.read(spend.format(2)))
    assert moved == {"media": media["media"], "search": media["tv"] + media["search"]}
    assert place.read(
        'select rows_added like \'%"channel_id":"search"%\', '
        'rows_removed like \'%"channel_id":"tv"%\' '
        "from main_mixloop.mixloop__mapping_versions where mapping_version = 2"
    ) == [(True, True)]

    second = place.read(f"from {PUBLISHED} order by all")
    write_folder(place.client)
    place.dbt("run", "--select", *UP_TO_PUBLISHED)
    assert place.read(VERSIONS) == [(1, True, 0, 0), (2, False, 1, 1)]
    assert place.read(f"from {PUBLISHED} order by all") == second
