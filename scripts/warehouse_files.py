"""Which file is the warehouse: the rule of profiles.example.yml, for the scripts."""

from __future__ import annotations

import os
from pathlib import Path


def warehouse_files() -> tuple[Path, Path]:
    """Return the warehouse file and the history file beside it, for the environment's client.

    MIXLOOP_WAREHOUSE names the file; without it there is one for each MIXLOOP_CLIENT folder.
    """
    client = os.environ.get("MIXLOOP_CLIENT") or "demo"
    name = client.rstrip("/").split("/")[-1]
    path = os.environ.get("MIXLOOP_WAREHOUSE") or f"warehouse/mixloop_{name}.duckdb"
    return Path(path), Path(f"{path.removesuffix('.duckdb')}_history.duckdb")


def sheets_folder() -> Path:
    """Return the folder of the requirements sheets, beside dbt's other output."""
    return Path(os.environ.get("DBT_TARGET_PATH") or "target") / "sheets"
