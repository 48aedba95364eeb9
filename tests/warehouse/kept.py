"""Work that many tests share, done once for the same files and kept: `make_once`.

What is kept lies in pytest's cache folder (`pytest --cache-clear` empties it), under a name that
holds a hash of every file and version that went in. Another worker that wants the same waits.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

# What dbt reads when it parses this project.
PROJECT = ("dbt_project.yml", "profiles.example.yml", "models", "macros", "seeds", "tests/dbt")
PROJECT += ("docs/dbt", "tests/warehouse/kept.py", "tests/warehouse/place.py")
PACKAGES = ("dbt-core", "dbt-duckdb", "duckdb", "numpy", "polars", "pyarrow", "scipy")
N_KEPT = 2  # of each kind: the newest, and one of a moment ago that may still be read


def content_hash(root: Path, parts: tuple[str, ...]) -> str:
    """Return a hash of files and folders of the repository, and of the versions they run with."""
    digest = hashlib.sha256(repr((sys.version, [metadata.version(p) for p in PACKAGES])).encode())
    for part in parts:
        found = [root / part]
        if found[0].is_dir():
            found = sorted(path for path in found[0].rglob("*") if path.is_file())
        for path in found:
            if path.suffix != ".pyc":
                content = path.read_bytes()
                name = path.relative_to(root).as_posix()
                digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]


def make_once(
    root: Path, name: str, parts: tuple[str, ...], make: Callable[[Path], object]
) -> Path:
    """Return the folder that `make` fills, given its path; made anew when one of the parts changed.

    The folder gets its final name when it is complete, so that a run that is stopped leaves nothing
    half done; what is in it must not depend on its path.
    """
    cache = root / ".pytest_cache" / "d" / "mixloop"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / f"{name}-{content_hash(root, parts)}"
    with (cache / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = cache / f"{name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            make(unfinished)
            unfinished.rename(folder)
        os.utime(folder)
        every = sorted(cache.glob(f"{name}-*"), key=lambda path: path.stat().st_mtime)
        for old in every[:-N_KEPT]:
            shutil.rmtree(old)
    return folder
