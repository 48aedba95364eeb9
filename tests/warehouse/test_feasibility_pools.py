"""Verdicts and answers become pools: by hand-made verdicts, and from media to model_channels."""

import numpy as np
import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

from mixloop.schemas import FEASIBILITY, conform

ANSWER = {
    "model_id": "m",
    "channel_id": "search",
    "answer": "model",
    "answered_by": "head of search",
    "answered_on": "2025-03-01",
    "reason": "We can steer them apart",
}


def frames(answers=(), change=None):
    """The tiny client as frames, with feasibility answers."""
    content = tiny.tables()
    if change is not None:
        change(content)
    found = {name: pl.DataFrame(rows) for name, rows in content.items()}
    rows = [ANSWER | answer for answer in answers]
    found["feasibility_answers"] = pl.DataFrame(rows, schema=dict.fromkeys(ANSWER, pl.String))
    return found


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root), live=["int_mixloop__feasibility"])


# --- hand-made verdicts on a wider tree ---------------------------------------------------------


def wider(content):
    """Four modelled siblings under `online`, one modelled channel beside it."""
    nodes = [("media", "", False), ("tv", "media", True), ("online", "media", False)]
    nodes += [(f"s{k}", "online", True) for k in range(1, 5)]
    content["channel_hierarchy"] = [
        {"channel_id": n, "parent_id": p, "label": n, "is_modelled": str(m).lower()}
        for n, p, m in nodes
    ]
    for rule in content["channel_mapping"]:
        rule["channel_id"] = "tv"
    content["plan"] = [{**row, "channel_id": "tv"} for row in content["plan"]]


def verdicts(**channels):
    """Rows of int_mixloop__feasibility: name=(verdict, nearest sibling)."""
    rows = [
        {
            **dict.fromkeys(FEASIBILITY),
            "model_id": "m",
            "node_id": name,
            "node_role": role[0] if role else "modelled",
            "active_weeks": role[1] if role else 70,
            "verdict": verdict,
            "nearest_sibling_id": nearest,
            "reason": "x",
        }
        for name, (verdict, nearest, *role) in channels.items()
    ]
    return conform(pl.DataFrame(rows, schema_overrides=FEASIBILITY), FEASIBILITY)


def pools(chain, answers=(), **channels):
    """Return {channel: pool} of the pooled channels."""
    chain.run(
        ["int_mixloop__model_feasibility"],
        frames(answers, wider),
        given={"int_mixloop__feasibility": verdicts(**channels)},
    )
    rows = chain.read("select node_id, pool_id from {int_mixloop__model_feasibility}")
    return {node: pool for node, pool in rows if pool is not None}


ALONE = {"tv": ("model", None), "s3": ("model", "s1"), "s4": ("model", "s1")}
PAIR = {"s1": ("pool", "s2"), "s2": ("pool", "s1"), **ALONE}
BOTH = {"s1": "online", "s2": "online"}


def test_two_that_are_alike_are_one_pool(chain):
    assert pools(chain, **PAIR) == BOTH


def test_nobody_is_alike(chain):
    assert pools(chain, s1=("model", "s2"), s2=("model", "s1"), **ALONE) == {}


def test_merge_is_pooled_until_it_is_merged(chain):
    assert pools(chain, **PAIR | {"s1": ("merge", "s2"), "s2": ("merge", "s1")}) == BOTH


def test_the_sibling_it_moves_with_joins(chain):
    for verdict in ("model", "hold_fixed", "test_first"):
        assert pools(chain, **PAIR | {"s2": (verdict, "s3")}) == BOTH


def test_small_channels_of_one_parent_share_a_pool(chain):
    found = pools(chain, **PAIR | {"s3": ("pool", "s4"), "s4": ("model", "s3")})
    assert found == dict.fromkeys(("s1", "s2", "s3", "s4"), "online")


def test_answer_model_dissolves_a_pool_of_two(chain):
    assert pools(chain, [{"channel_id": "s1"}], **PAIR) == {}


def test_answer_model_leaves_a_pool_of_three_as_two(chain):
    three = PAIR | {"s3": ("pool", "s1")}
    assert pools(chain, [{"channel_id": "s1"}], **three) == {"s2": "online", "s3": "online"}


@pytest.mark.parametrize("answer", ["hold_fixed", "test_first", "model"])
def test_other_answers_keep_a_sibling_out(chain, answer):
    answers = [{"channel_id": "s2", "answer": answer}]
    assert pools(chain, answers, **PAIR) == {}


def test_answer_pool_makes_one(chain):
    none = PAIR | {"s1": ("model", "s2"), "s2": ("model", "s1")}
    assert pools(chain, [{"channel_id": "s1", "answer": "Pool "}], **none) == BOTH


def test_answer_pool_without_siblings_changes_nothing(chain):
    assert pools(chain, [{"channel_id": "tv", "answer": "pool"}], **PAIR) == BOTH


def test_answer_for_the_model_goes_before_all_models(chain):
    for_all = {"channel_id": "s1", "model_id": None, "answer": "model", "answered_by": "a"}
    own = {"channel_id": "s1", "answer": "pool", "answered_by": "b"}
    assert pools(chain, [for_all], **PAIR) == {}
    assert pools(chain, [for_all, own], **PAIR) == BOTH
    assert pools(chain, [own, for_all], **PAIR) == BOTH
    read = "select answered_by from {int_mixloop__model_feasibility} where node_id = 's1'"
    assert chain.read(read) == [("b",)]


def test_only_fitted_channels_are_pooled(chain):
    silent = PAIR | {"s2": ("test_first", "s1", "modelled", 0)}
    assert pools(chain, **silent) == {}
    below = PAIR | {"s2": ("pool", "s1", "child", 70), "s1": ("pool", "s2", "child", 70)}
    assert pools(chain, **below) == {}
    top = PAIR | {"media": (None, None, "subtotal", 70)}
    assert pools(chain, [{"channel_id": "online", "answer": "pool"}], **top) == BOTH


def test_answers_and_disagreements_are_recorded(chain):
    answers = [
        {"channel_id": "s1", "answer": "pool"},
        {"channel_id": "s3", "answer": "test_first"},
        {"channel_id": "online", "answer": "merge"},
    ]
    pools(chain, answers, **PAIR | {"online": (None, None, "subtotal", 70)})
    rows = chain.read(
        "select node_id, verdict, answer, answered_by, answered_on::varchar, answer_reason, "
        "is_disagreement, effective_verdict from {int_mixloop__model_feasibility} "
        "where node_id in ('s1', 's2', 's3', 'online') order by node_id"
    )
    said = ("head of search", "2025-03-01", "We can steer them apart")
    assert rows == [
        ("online", None, "merge", *said, False, "merge"),
        ("s1", "pool", "pool", *said, False, "pool"),
        ("s2", "pool", None, None, None, None, False, "pool"),
        ("s3", "model", "test_first", *said, True, "test_first"),
    ]


# --- from the client's media to the channels of the model ---------------------------------------


def twins(content):
    """Social spends 40% of search, give or take a little."""
    for k, row in enumerate(r for r in content["media"] if r["platform"] == "meta_ads"):
        row["spend"] = 0.4 * tiny.spend("search", k) + 8 * (k * k % 3)


def channels(chain, answers=()):
    chain.run(["int_mixloop__model_channels", "mixloop__model_feasibility"], frames(answers, twins))
    return dict(chain.read("select channel_id, pool_id from {int_mixloop__model_channels}"))


def test_media_to_pools(chain):
    assert channels(chain) == {"tv": None, "search": "online", "social": "online"}
    read = (
        "select node_id, node_role, verdict, moves_with, is_sibling, active_weeks "
        "from {mixloop__model_feasibility} order by node_id"
    )
    assert chain.read(read) == [
        ("media", "subtotal", None, None, None, 70),
        ("online", "subtotal", None, None, None, 70),
        ("search", "modelled", "pool", "social", True, 70),
        ("social", "modelled", "pool", "search", True, 70),
        ("tv", "modelled", "model", "social", False, 35),
    ]
    series = {c: [tiny.spend(c, k) for k in range(70)] for c in ("tv", "search")}
    series["social"] = [0.4 * v + 8 * (k * k % 3) for k, v in enumerate(series["search"])]
    among = np.corrcoef([series[c] for c in ("search", "social", "tv")])
    assert abs(among[2, 1]) > abs(among[2, 0])
    found = dict(chain.read("select node_id, correlation from {mixloop__model_feasibility}"))
    assert found["search"] == found["social"] == pytest.approx(among[0, 1])
    assert found["tv"] == pytest.approx(among[2, 1])


def test_an_answer_changes_the_fit_and_is_recorded(chain):
    assert channels(chain, [{}]) == {"tv": None, "search": None, "social": None}
    read = (
        "select verdict, answer, effective_verdict, is_disagreement, answered_by, pool_id "
        "from {mixloop__model_feasibility} where node_id = 'search'"
    )
    assert chain.read(read) == [("pool", "model", "model", True, "head of search", None)]
    assert channels(chain, [{"answer": "merge"}])["social"] == "online"


def test_media_of_every_node_adds_up(chain):
    """Each node has the media of the leaves below it."""
    channels(chain)
    rows = chain.read(
        "select node_id, sum(spend), sum(exposure) "
        "from {int_mixloop__model_node_media} group by node_id order by node_id"
    )
    tv, search = (sum(tiny.spend(c, k) for k in range(70)) for c in ("tv", "search"))
    social = sum(0.4 * tiny.spend("search", k) + 8 * (k * k % 3) for k in range(70))
    expected = {
        "media": tv + search + social,
        "online": search + social,
        "search": search,
        "social": social,
        "tv": tv,
        "unmapped": 250,
    }
    for node, spend, exposure in rows:
        assert spend == pytest.approx(expected.pop(node), abs=1e-6)
        assert exposure == spend
    assert expected == {}
