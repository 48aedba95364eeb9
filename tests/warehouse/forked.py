"""dbt that has parsed a place once and runs every command in a fork of itself: a second each.

A command can be killed at any moment, and several can run at once. The fit is replaced by the rows
of an earlier one: what is tested with this is how results are written, not how they are made.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.warehouse.place import Place, dbt_environment
from tests.warehouse.tiny import FIT_VARS

OUTPUT = "forked_{}.txt"


class ForkedDbt:
    """A process beside the test that holds a parsed project and forks for every command."""

    def __init__(self, place: Place, fitted: Path) -> None:
        self.place = place
        root = str(place.root)
        settings = place.settings | {"DBT_LOG_LEVEL_FILE": "none"}
        environment = dbt_environment(Path(), **settings)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.warehouse.forked", str(fitted)],
            cwd=place.folder,
            env=environment | {"PYTHONPATH": os.pathsep.join([root, f"{root}/python"])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()

    def start(self, *arguments: str, **variables: object) -> int:
        """Start a command and return its process id."""
        given = ["--no-use-colors", *arguments, "--vars", json.dumps(FIT_VARS | variables)]
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def said(self, pid: int) -> str:
        """Return what a command has said so far."""
        output = self.place.folder / OUTPUT.format(pid)
        return output.read_text() if output.exists() else ""

    def wait(self, pid: int) -> int:
        """Return how a command ended: 0, 1, or minus the signal that killed it."""
        self.process.stdin.write(f"{pid}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def dbt(self, *arguments: str, fails: bool = False, **variables: object) -> str:
        """Run a command to its end and return what it said."""
        pid = self.start(*arguments, **variables)
        assert (self.wait(pid) != 0) == fails, self.said(pid)
        return self.said(pid)


def _refit(fitted: Path):
    """Return a stand-in for `runs.fit_runs` that reads the runs from a file."""
    import polars as pl

    def fit_runs(*, existing, **_):
        return pl.read_parquet(fitted).filter(~pl.col("run_id").is_in(list(existing)))

    return fit_runs


def _serve(fitted: Path) -> None:
    """Parse, then answer: a list of arguments starts a command, a number waits for one."""
    from dbt.cli.main import dbtRunner

    from mixloop import runs

    runs.fit_runs = _refit(fitted)
    parsed = dbtRunner().invoke(["--quiet", "parse", "--vars", json.dumps(FIT_VARS)])
    if not parsed.success:
        raise SystemExit(str(parsed.exception))
    gc.collect()
    gc.freeze()  # forks share the parsed project's memory
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if isinstance(asked, int):
            _, status = os.waitpid(asked, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
            continue
        pid = os.fork()
        if pid:
            print(pid, flush=True)
            continue
        output = os.open(OUTPUT.format(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        done = dbtRunner(manifest=parsed.result).invoke(asked)
        sys.stdout.flush()
        os._exit(0 if done.success else 1)


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
