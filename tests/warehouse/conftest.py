"""Fixtures of the warehouse tests: the project compiled, and a small warehouse built from it."""

from pathlib import Path

import pytest
from tests.warehouse.chain import compile_project
from tests.warehouse.place import Place, built_place

ROOT = Path(__file__).resolve().parents[2]
# Files that take longest, the first ones first: what is left for the end is short, on any number
# of workers (with --no-loadscope-reorder). The first two wait for different builds.
LONGEST = ("test_package", "test_rebuilds", "test_ledger", "test_history", "test_restatements")
LONGEST += ("test_bad_inputs", "test_two_trees", "test_mapping_versions", "test_client_folder")
LONGEST += ("test_as_of", "test_gate", "test_seeds_in_a_clone", "test_propose", "test_integrity")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of the longest files first."""
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def manifest(project_root) -> dict:
    """Return the manifest of the project, its models and dbt tests compiled."""
    return compile_project(project_root)


@pytest.fixture(scope="session")
def good(project_root) -> Place:
    """Return a place with a warehouse built from the tiny client; never change it."""
    return built_place(project_root)


@pytest.fixture
def place(good, tmp_path) -> Place:
    """Return a copy of the good place for one test."""
    return good.copy(tmp_path / "p")
