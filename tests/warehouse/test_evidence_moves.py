"""What is said of how far evidence about one channel moved it and the others."""

from fnmatch import fnmatchcase

import pytest
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.test_evidence import RUN, effect, frames, rows_of

from mixloop import schemas


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root))


def move(channel_id, **values):
    facts = {"evidence_id": "t", "channel_id": channel_id, "is_pool_sibling": False}
    facts |= {"effect_before_mean": 400.0, "effect_after_mean": 250.0, "window_kpi": 1000.0}
    facts |= {"shift": -1.5, "shift_error": 0.05, "media_correlation": 0.1, "window_spend": 200.0}
    return {k: v for k, v in RUN.items() if k in schemas.MOVES} | facts | values


@pytest.fixture
def moved(chain):
    def build(*moves):
        test = {k: v for k, v in effect("t").items() if k in schemas.EVIDENCE}
        given = {
            "int_mixloop__evidence_effects": rows_of(schemas.EVIDENCE, test),
            "int_mixloop__evidence_moves": rows_of(schemas.MOVES, *moves),
        }
        chain.run(["mixloop__evidence_moves"], frames(), given=given)
        return chain.read(
            "select channel_id, cause, reason from {mixloop__evidence_moves} order by channel_id"
        )

    return build


NOISE = ", which may be the sampler's noise"
DOWN, UP = "down by 150 of the KPI (1.50", "up by 3.5 of the KPI (0.20"


@pytest.mark.parametrize(
    ("values", "cause", "words"),
    [
        ({}, "indirect", f"*through the baseline, *: moved {DOWN} standard deviations)"),
        ({"media_correlation": None}, "indirect", f"*moved {DOWN} standard deviations)"),
        ({"media_correlation": 0.3}, "shared_weeks", f"its media run with *0.30): moved {DOWN}*"),
        ({"media_correlation": -0.4}, "shared_weeks", "its media run against *(correlation -0.40*"),
        ({"media_correlation": 0.29}, "indirect", f"*moved {DOWN}*"),
        (
            {"is_pool_sibling": True, "media_correlation": 0.9},
            "pool",
            f"*share a return: moved {DOWN}*",
        ),
        (
            {"shift": 0.09, "shift_error": 0.01, "is_pool_sibling": True},
            "little",
            "moved nearly nothing",
        ),
        (
            {"shift": 0.2, "shift_error": 0.11, "effect_after_mean": 403.5},
            "little",
            f"moved {UP} standard deviations){NOISE}",
        ),
        (
            {"shift": 0.2, "shift_error": 0.1, "effect_after_mean": 403.5},
            "indirect",
            f"*moved {UP} standard deviations)",
        ),
        ({"shift": None, "shift_error": None}, "little", "its effect does not vary*"),
        (
            {"channel_id": "tv"},
            "tested",
            f"the row is about this channel: moved {DOWN} standard deviations)",
        ),
        (
            {"channel_id": "tv", "shift": 0.01, "shift_error": 0.001},
            "tested",
            "*: the model already said so, *",
        ),
        ({"channel_id": "tv", "shift": -0.2, "shift_error": 0.2}, "tested", f"*{NOISE}"),
    ],
)
def test_every_move_says_why(moved, values, cause, words):
    ((_, found, reason),) = moved(move("social") | values)
    assert found == cause
    assert fnmatchcase(reason, words), reason


def test_moves_are_published_in_kpi_shares_and_returns(chain, moved):
    moved(move("social"), move("tv", window_spend=0.0, window_kpi=0.0))
    rows = chain.read(
        "select channel_id, label, tested_channel_id, source, compared_by, effect_move, "
        "share_of_kpi_before, share_of_kpi_after, roi_before, roi_after "
        "from {mixloop__evidence_moves} order by channel_id"
    )
    common = ("tv", "experiment", "refitted", -150.0)
    assert rows == [
        ("social", "Pals", *common, 0.4, 0.25, 2.0, 1.25),
        ("tv", "TV", *common, None, None, None, None),
    ]
