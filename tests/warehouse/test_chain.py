"""A chain that keeps what it has built says the same as one that builds everything."""

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

WANTED = ("mixloop__model_health", "int_mixloop__input_findings", "mixloop__media_weekly")


def frames(change=None) -> dict[str, pl.DataFrame]:
    content = tiny.tables()
    if change is not None:
        change(content)
    return {name: pl.DataFrame(rows) for name, rows in content.items()}


def twice_the_tv(tables) -> None:
    for row in tables["media"]:
        row["spend"] *= 1 + (row["platform"] == "tv_house")


def other_goal(tables) -> None:
    tables["goals"][0]["hurdle_roi"] = 2.5


def contents(chain: Chain) -> dict[str, list[tuple]]:
    return {name: chain.read(f"from {{{name}}} order by all") for name in chain.needed(WANTED)}


@pytest.fixture
def manifest(project_root) -> dict:
    return compile_project(project_root)


@pytest.mark.parametrize("change", [twice_the_tv, other_goal])
def test_what_is_kept_is_what_would_be_built(manifest, change):
    chain, fresh = Chain(manifest), Chain(manifest)
    chain.run(WANTED, frames())
    first = contents(chain)
    chain.run(WANTED, frames(change))
    fresh.run(WANTED, frames(change))
    assert contents(chain) == contents(fresh) != first
    chain.run(WANTED, frames())
    assert contents(chain) == first


def test_nothing_is_kept_after_a_test_wrote_something_itself(manifest):
    chain = Chain(manifest)
    chain.run(WANTED, frames())
    before = contents(chain)
    table = chain.relation["int_mixloop__input_findings"]
    chain.connection.execute(f"delete from {table}")
    assert contents(chain) != before
    chain.run(WANTED)
    assert contents(chain) == before


def test_columns_nobody_compiled_are_refused(manifest):
    with pytest.raises(AssertionError, match="columns that are not compiled: \\['colour'\\]"):
        Chain(manifest).run(WANTED, {"goals": pl.DataFrame({"colour": ["red"]})})
