"""Get the warehouse ready for `dbt build`: one client for each file, and the demo's raw tables.

Without MIXLOOP_CLIENT the demo client is made and loaded into schema `raw`, unless it is there
already or MIXLOOP_DEMO=0 says that the data comes from elsewhere. With MIXLOOP_CLIENT nothing is
loaded: dbt reads the files of that folder. `make build` runs this from the repository's root.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "python")]

from scripts.warehouse_files import warehouse_files  # noqa: E402

INPUTS = ("media", "outcomes", "context", "plan", "plan_context", "finance")
REQUIRED = ("media", "outcomes", "channel_hierarchy", "channel_mapping", "model_definitions")
DEMO_CLIENT = "the demo client"
TRUTH_FOLDER = ROOT / "data" / "demo"


class SetupError(Exception):
    """The settings cannot work; the message says which one and what to do."""


def client_folder(client: str) -> Path:
    """Return the client folder as an absolute path.

    Raises
    ------
    SetupError
        When it is not a folder, or holds none of the required files.
    """
    folder = Path(client).resolve()
    wanted = ", ".join(f"{name}.csv" for name in REQUIRED)
    help_text = (
        f"It should be a folder with {wanted} (or .parquet) and, where there are any, the "
        "optional ones listed in docs/data-model.md."
    )
    if not folder.is_dir():
        raise SetupError(f"MIXLOOP_CLIENT={client} is not a folder ({folder}). {help_text}")
    endings = (".csv", ".parquet")
    if not any((folder / f"{name}{end}").is_file() for name in REQUIRED for end in endings):
        raise SetupError(f"MIXLOOP_CLIENT={client} holds no client data ({folder}). {help_text}")
    return folder


def claim(warehouse: Path, history: Path, client: str) -> None:
    """Note beside the warehouse file whose it is, so that two clients never share one.

    Raises
    ------
    SetupError
        When the file, or its history, is another client's.
    """
    marker = warehouse.with_name(f"{warehouse.name}.client")
    owner = marker.read_text(encoding="utf-8").strip() if marker.is_file() else client
    if owner != client and (warehouse.exists() or history.exists()):
        raise SetupError(
            f"{warehouse} is the warehouse of {owner}, not of {client}. Give this client a file "
            "of its own: set MIXLOOP_WAREHOUSE, for example "
            f"MIXLOOP_WAREHOUSE=warehouse/another_name.duckdb. If it is the same client in a new "
            f"place, delete {marker}."
        )
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    if not marker.is_file() or owner != client:
        marker.write_text(f"{client}\n", encoding="utf-8")


def demo_version() -> str:
    """Return a hash of all code that the demo data comes from."""
    package = ROOT / "python" / "mixloop"
    files = [*sorted((package / "demo").glob("*.py")), package / "transforms.py"]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def connect(warehouse: Path) -> duckdb.DuckDBPyConnection:
    """Open the warehouse file.

    Raises
    ------
    SetupError
        When it cannot be opened, most often because another program holds it.
    """
    import duckdb

    try:
        return duckdb.connect(str(warehouse))
    except duckdb.IOException as error:
        raise SetupError(
            f"{warehouse} cannot be opened. Close the program that holds it and try again. "
            f"DuckDB says: {error}"
        ) from error


def loaded_version(warehouse: Path) -> tuple[str | None, list[str]]:
    """Return the version of the demo data in the warehouse, and the raw inputs it has."""
    if not warehouse.exists():
        return None, []
    with connect(warehouse) as connection:
        rows = connection.execute(
            "select table_name from information_schema.tables "
            "where table_schema = 'raw' and table_catalog = current_database()"
        ).fetchall()
        names = {row[0] for row in rows}
        stamp = None
        if "_demo" in names:
            (stamp,) = connection.execute("select version from raw._demo").fetchone()
    return stamp, sorted(names.intersection(INPUTS))


def load_demo(warehouse: Path, version: str, *, is_fresh: bool) -> str:
    """Make the demo, write its truth and, unless the warehouse has it, its raw tables."""
    from mixloop.demo import generate, write_truth

    client = generate()
    write_truth(client, TRUTH_FOLDER)
    if not is_fresh:
        with connect(warehouse) as connection:
            connection.execute("begin")
            connection.execute("create schema if not exists raw")
            for name, frame in client.inputs().items():
                connection.register("frame", frame)
                connection.execute(f"create or replace table raw.{name} as select * from frame")
                connection.unregister("frame")
            connection.execute(
                f"create or replace table raw._demo as select '{version}' as version"
            )
            connection.execute("commit")
    (TRUTH_FOLDER / "version.txt").write_text(f"{version}\n", encoding="utf-8")
    return f"{len(client.media):,} media rows in schema raw; the truth is in data/demo/"


def prepare_demo(warehouse: Path) -> str:
    """Bring the demo's raw tables and truth up to date; say what was done."""
    version = demo_version()
    loaded, present = loaded_version(warehouse)
    if loaded is None and present:
        return (
            f"schema raw has tables of your own ({', '.join(present)}): the demo was not loaded. "
            "MIXLOOP_DEMO=0 says so without asking."
        )
    is_fresh = loaded == version and present == sorted(INPUTS)
    note = TRUTH_FOLDER / "version.txt"
    if is_fresh and note.is_file() and note.read_text(encoding="utf-8").strip() == version:
        return "demo data is up to date"
    return load_demo(warehouse, version, is_fresh=is_fresh)


def main() -> int:
    """Prepare the warehouse that the environment asks for; return the exit code."""
    client = os.environ.get("MIXLOOP_CLIENT", "")
    warehouse, history = warehouse_files()
    try:
        if client:
            claim(warehouse, history, str(client_folder(client)))
            print(f"prepare: {warehouse} for the client folder {client}")
        else:
            claim(warehouse, history, DEMO_CLIENT)
            is_off = os.environ.get("MIXLOOP_DEMO", "1") == "0"
            done = "demo not loaded (MIXLOOP_DEMO=0)" if is_off else prepare_demo(warehouse)
            print(f"prepare: {warehouse}: {done}")
    except SetupError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
