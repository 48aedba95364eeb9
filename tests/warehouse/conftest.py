"""Fixtures of the warehouse tests: a dbt project compiled once, in a folder of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
