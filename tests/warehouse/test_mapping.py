"""Mapping rules on small worlds made by hand: lineage, conflicts, findings, odd patterns."""

import os
import time
from datetime import timedelta
from decimal import Decimal

import polars as pl
import pytest
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.worlds import MONDAY, N_WEEKS, World

FIELDS = ("platform", "account", "campaign", "ad_group", "line_item")
HIERARCHY = [
    {"channel_id": "all", "label": "All", "is_modelled": "false"},
    *(
        {"channel_id": name, "parent_id": "all", "label": name, "is_modelled": "true"}
        for name in ("tv", "web", "shop")
    ),
]
LAST = MONDAY + timedelta(days=7 * N_WEEKS - 1)
NASTY = [
    "'; drop table raw.media; --",
    "say \"hi\" 'now'; select 1/0 %",
    "{{ 1/0 }} {% raw %}",
    "100%_\\sure\\",
    "\u202eRTL\u202c עברית",
    "👩‍💻🎬",
    "x" * 10_000,
    "a\x00b".replace("\x00", "\x01"),
]


def row(day: int, spend: str, **names: str) -> dict[str, object]:
    """Return a media row of the given day after the first Monday."""
    date_ = MONDAY + timedelta(days=day)
    return {"date": date_, "spend": spend, **dict.fromkeys((*FIELDS, "geo")), **names}


def rule(priority: int, channel: str, *conditions: str, **columns: str) -> list[dict[str, str]]:
    """Return the rows of a rule; a condition is `field type pattern`."""
    name = {"rule_id": f"r{priority}"} if len(conditions) > 1 else {}
    parts = [condition.split(" ", 2) for condition in conditions]
    return [
        {
            **name,
            "priority": str(priority),
            "match_field": field,
            "match_type": kind,
            "pattern": pattern,
            "channel_id": channel,
            **columns,
        }
        for field, kind, pattern in parts
    ]


def world(rules: list[list[dict[str, str]]], media: list[dict[str, object]]) -> dict:
    """Return the tables of a world with three leaves."""
    cast = [{**entry, "spend": Decimal(entry["spend"])} for entry in media]
    conditions = [condition for one in rules for condition in one]
    tables = World(HIERARCHY, [], cast).tables()
    columns = [*tables["channel_mapping"].columns, "notes", "owner"]
    schema = dict.fromkeys(columns, pl.String())
    return tables | {"channel_mapping": pl.DataFrame(conditions, schema=schema)}


@pytest.fixture(scope="module")
def chain(project_root) -> Chain:
    return Chain(compile_project(project_root))


def mapped(chain: Chain) -> dict[str, str]:
    """Return channel by campaign, for line items that one rule holds all the time."""
    found = chain.read("select campaign, channel_id from {mixloop__line_items}")
    assert len({campaign for campaign, _ in found}) == len(found)
    return dict(found)


def findings(chain: Chain) -> dict[str, tuple[int, str]]:
    """Return row and problem of each finding about the rules."""
    found = chain.read(
        "select check_name, source_row, problem from {int_mixloop__mapping_findings} "
        "where input_name = 'channel_mapping'"
    )
    return {name: (row, problem) for name, row, problem in found}


def run(chain: Chain, rules: list, media: list) -> None:
    wanted = ["mixloop__line_items", "mixloop__mapping_conflicts", "int_mixloop__mapping_findings"]
    chain.run(wanted, world(rules, media))


def test_all_conditions_of_a_rule_must_hold(chain):
    rules = [
        rule(10, "tv", "platform exact META", "campaign prefix br_", "campaign like %video%"),
        rule(20, "web", "platform exact meta", "account regex ^(eu|us)$"),
        rule(30, "shop", "campaign prefix BR_"),
    ]
    media = [
        row(0, "1", platform="meta", campaign="BR_video_1"),
        row(0, "2", platform="google", campaign="BR_video_2"),  # not meta
        row(0, "4", platform="meta", campaign="BR_image"),  # no video
        row(0, "8", platform="meta", campaign="video BR_"),  # no prefix
        row(0, "16", platform="meta", campaign="none", account="EU"),
        row(0, "32", platform="meta", campaign="BR_VIDEO_EU", account="eu"),
    ]
    run(chain, rules, media)
    assert mapped(chain) == {
        "BR_video_1": "tv",
        "BR_video_2": "shop",
        "BR_image": "shop",
        "video BR_": "unmapped",
        "none": "web",
        "BR_VIDEO_EU": "tv",
    }
    labels = chain.read(
        "select rule_label from {mixloop__line_items} where campaign = 'BR_video_1'"
    )
    said = '10: platform exact "META" and campaign prefix "br_" and campaign like "%video%"'
    assert labels == [(said,)]


def test_lineage_is_cut_where_rules_change_and_clipped_to_activity(chain):
    change = MONDAY + timedelta(days=9)  # a Wednesday: the week is cut
    rules = [
        rule(1, "tv", "platform exact p", valid_to=str(change - timedelta(days=1)), owner="Ann"),
        rule(2, "web", "platform exact p", valid_from=str(change), notes="since then"),
    ]
    media = [row(day, f"{1 + day}.01", platform="p", campaign="c") for day in (2, 8, 9, 20)]
    # two spellings of one line item, and one that ran under the first rule only
    media += [row(9, "0.50", platform=" p", campaign="c\t"), row(3, "7", platform="p")]
    run(chain, rules, media)
    lineage = chain.read(
        "select campaign, valid_from, valid_to, channel_id, rule_id, rule_owner, rule_notes, "
        "first_date, last_date, n_rows, spend::double from {mixloop__line_items} "
        "order by campaign nulls first, valid_from"
    )
    day = [MONDAY + timedelta(days=k) for k in range(21)]
    assert lineage == [
        (None, day[3], day[3], "tv", "p1", "Ann", None, day[3], day[3], 1, 7.0),
        ("c", day[2], day[8], "tv", "p1", "Ann", None, day[2], day[8], 2, 12.02),
        ("c", day[9], day[20], "web", "p2", None, "since then", day[9], day[20], 3, 31.52),
    ]


def test_conflicts_name_who_wins_and_what_is_at_stake(chain):
    rules = [
        rule(1, "tv", "campaign prefix a", valid_to=str(MONDAY + timedelta(days=6))),
        rule(2, "web", "platform exact p"),
        rule(3, "web", "campaign prefix a"),  # same channel as rule 2: no conflict, but shadowed
        rule(4, "shop", "platform exact q"),  # dead
        rule(5, "shop", "platform exact p", "campaign exact never"),  # dead: one condition only
        rule(6, "shop", "campaign exact b"),  # shadowed by rule 2
        rule(7, "tv", "campaign exact a1", valid_from=str(LAST + timedelta(days=1))),  # later
    ]
    media = [
        row(0, "1", platform="p", campaign="a1"),
        row(7, "2", platform="p", campaign="a1"),
        row(0, "4", platform="p", campaign="b"),
        row(8, "8", platform="p", campaign="b"),
        row(0, "16", platform="p", campaign="c"),
    ]
    run(chain, rules, media)
    conflicts = chain.read(
        "select kind, rule_id, channel_id, campaign, other_rules, n_line_items, spend::double "
        "from {mixloop__mapping_conflicts} order by all"
    )
    assert conflicts == [
        ("dead_rule", "p4", "shop", None, None, 0, 0.0),
        ("dead_rule", "r5", "shop", None, None, 0, 0.0),
        ("overlap", "p1", "tv", "a1", "p2, p3", 1, 1.0),
        ("overlap", "p2", "web", "b", "p6", 1, 12.0),
        ("shadowed_rule", "p3", "web", None, "p1, p2", 1, 3.0),
        ("shadowed_rule", "p6", "shop", None, "p2", 1, 12.0),
        ("shadowed_rule", "p7", "tv", None, "p2", 1, 0.0),
    ]
    (reason,) = chain.read("select reason from {mixloop__mapping_conflicts} where campaign = 'b'")
    for part in ("p2 (priority 2) maps it to web and wins", "p6 (priority 6) to shop"):
        assert part in reason[0]
    found = chain.read(
        "select source_row, check_name from {int_mixloop__mapping_findings} "
        "where input_name = 'channel_mapping' order by all"
    )
    assert found == [
        (4, "rule_never_wins"),
        (5, "rule_without_match"),
        (6, "rule_without_match"),
        (8, "rule_never_wins"),
        (9, "rule_never_wins"),
    ]
    problems = {problem for _, problem in findings(chain).values()}
    assert any("no line item meets all 2 conditions" in problem for problem in problems)


@pytest.mark.parametrize("kind", ["exact", "prefix", "like", "regex"])
def test_odd_patterns_are_data(chain, kind):
    """Every odd text is claimed by a rule with that text, and only by it."""
    meant = {"like": lambda t: t.replace("%", "_"), "regex": quoted}.get(kind, str)
    texts = [text for text in NASTY if kind != "regex" or len(meant(text)) <= 1000]
    rules = [
        rule(k + 1, ("tv", "web", "shop")[k % 3], f"campaign {kind} {meant(text)}")
        for k, text in enumerate(texts)
    ]
    media = [row(0, str(k + 1), campaign=text) for k, text in enumerate(texts)]
    run(chain, rules, media)
    expected = {text: ("tv", "web", "shop")[k % 3] for k, text in enumerate(texts)}
    assert mapped(chain) == expected
    assert chain.read("select count(*) from raw.media") == [(len(texts),)]


def quoted(text: str) -> str:
    r"""Return a regex for exactly this text, anchored."""
    return "^" + "".join(f"\\x{{{ord(c):x}}}" if not c.isalnum() else c for c in text) + "$"


def test_patterns_that_would_explode_take_no_time(chain):
    texts = {f"c{k}": "a" * 20_000 + f"!{k}" for k in range(20)}
    patterns = ["(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
    rules = [rule(k + 1, "tv", f"campaign regex {p}") for k, p in enumerate(patterns)]
    rules.append(rule(99, "web", "campaign prefix aaaa"))
    start = time.perf_counter()
    run(chain, rules, [row(0, "1", campaign=text) for text in texts.values()])
    limit = 60 if "CI" in os.environ else 30
    assert time.perf_counter() - start < limit
    assert set(mapped(chain).values()) == {"web"}
