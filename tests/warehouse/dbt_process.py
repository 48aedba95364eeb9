"""dbt in processes of their own that start at once.

Every process is forked from one that has imported dbt and what Python models import, and that has
parsed this project: that is most of a start's time. Apart from that it is a process as any other:
it has its own environment, folder, output and end, and it can be killed. The parsed project is used
only where it is what the process would parse itself.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

PRELOADED = ["dbt.cli.main", "dbt.adapters.duckdb.impl", "dbt.adapters.duckdb.environments.local"]
PRELOADED += ["pyarrow.dataset", "polars", "holidays", "joblib", "scipy.stats", "scipy.special"]
PRELOADED += ["scipy.linalg", "scipy.optimize", "scipy.signal", "pytest"]
WARM = "tests.warehouse.warm"  # the parsed project; processes fork faster than they parse

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload([*PRELOADED, WARM])


def run_dbt(
    arguments: tuple[str, ...],
    folder: Path,
    environment: Mapping[str, str],
    is_parsed: bool,
    out: Connection,
) -> None:
    """Be a dbt process: `dbt <arguments>` in a folder, with this environment and no other."""
    warm = sys.modules.get(WARM) if is_parsed else None
    given = None if warm is None else {"manifest": warm.PARSED}
    for stream in (1, 2):
        os.dup2(out.fileno(), stream)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    forget_the_tests()
    sys.argv = ["dbt", *arguments]
    from dbt.cli.main import cli

    try:
        cli(obj=given)
    finally:
        atexit._run_exitfuncs()  # forked processes leave it out; it closes the warehouse's files


def forget_the_tests() -> None:
    """Leave of the import path and of what is imported only what belongs to Python itself."""
    own = (sys.prefix, sys.base_prefix)
    sys.path[:] = [entry for entry in sys.path if entry.startswith(own)]
    sys.path_importer_cache.clear()  # relative entries are looked up from another folder now
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and not file.startswith(own):
            del sys.modules[name]
    sys.modules["__main__"] = ModuleType("__main__")


class DbtProcess:
    """A dbt process whose output, errors included, is one stream of lines; like a `Popen`."""

    def __init__(
        self,
        folder: Path,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        is_parsed: bool = False,
    ) -> None:
        reader, writer = FORKED.Pipe(duplex=False)
        self.process = FORKED.Process(
            target=run_dbt, args=(arguments, folder, dict(environment), is_parsed, writer)
        )
        self.process.start()
        writer.close()
        self.stdout = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()
        self.pid = self.process.pid

    @property
    def returncode(self) -> int | None:
        """Return the exit code; minus the signal's number when a signal ended it."""
        return self.process.exitcode

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        return self.process.exitcode

    def kill(self) -> None:
        """Send SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    def communicate(self) -> tuple[str, None]:
        """Wait for the end; return what it said since, as `Popen` does."""
        with self.stdout:
            said = self.stdout.read()
        self.process.join()
        return said, None
