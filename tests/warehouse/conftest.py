"""Fixtures of the warehouse tests: the project compiled, and a small warehouse built from it."""

from pathlib import Path

import pytest
from tests.warehouse.chain import compile_project
from tests.warehouse.place import Place, built_place

ROOT = Path(__file__).resolve().parents[2]


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
