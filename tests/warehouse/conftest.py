"""Fixtures of the warehouse tests: a project compiled once, a small warehouse built once."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.warehouse.place import Place
from tests.warehouse.tiny import write_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def project_root() -> Path:
    """Return the repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def manifest(tmp_path_factory) -> dict:
    """Return the manifest of the project, its dbt tests compiled against an empty warehouse."""
    folder = tmp_path_factory.mktemp("manifest")
    profile = (ROOT / "profiles.example.yml").read_text()
    (folder / "profiles.yml").write_text(profile)
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("MIXLOOP_", "DBT_"))},
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "MIXLOOP_WAREHOUSE": str(folder / "wh.duckdb"),
    }
    dbt = Path(sys.executable).with_name("dbt")
    command = [str(dbt), "--no-use-colors", "compile", "--select", "resource_type:test"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads((folder / "target" / "manifest.json").read_text())


@pytest.fixture(scope="session")
def good(project_root, tmp_path_factory) -> Place:
    """Return a place with a warehouse built once from the tiny client; never change it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # one for all workers: the first builds it, the others wait
    done = shared / "good_is_built"
    with (shared / "good.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        place = Place(project_root, shared / "good")
        if not done.exists():
            write_folder(place.client)
            place.dbt("build", "--exclude-resource-type", "unit_test")
            done.touch()
    return place


@pytest.fixture
def place(good, tmp_path) -> Place:
    """Return a copy of the good place for one test."""
    return good.copy(tmp_path / "p")
