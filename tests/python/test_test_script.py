"""`make test` and `make test-slow` fail when any of their steps fails."""

import os
import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test.sh"
COMMAND = """#!/bin/sh
echo "$0 $*" >>"$CALLS"
case "$0 $*" in *"$FAILS"*) exit 1 ;; esac
"""
EVERY_DAY = (
    *("ruff check", "ruff format", "--no-partial-parse", "prepare.py", "dbt build", "--out"),
    *("--exclude-resource-type test", "--compare", "docs generate", "requirements_sheet.py"),
    *("summary.py", "pytest -m not slow"),
)
SLOW = ("sqlfluff lint", "pytest -m slow")
PARTS = [((), step) for step in EVERY_DAY] + [(("slow",), step) for step in SLOW]


@pytest.fixture
def run(tmp_path):
    """Return a function that runs the script with commands that do nothing, but for one."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for name in ("python", "ruff", "pytest"):
        (bin_folder / name).write_text(COMMAND)
        (bin_folder / name).chmod(0o755)
    calls = tmp_path / "calls"

    def run(*part, fails="no command"):
        calls.write_text("")
        given = {"FAILS": fails, "CALLS": str(calls), "TMPDIR": str(tmp_path)}
        done = subprocess.run(
            ["bash", str(SCRIPT), str(bin_folder), *part],
            env=os.environ | given,
            capture_output=True,
            text=True,
        )
        return done, calls.read_text()

    return run


@pytest.mark.parametrize(("part", "steps"), [((), EVERY_DAY), (("slow",), SLOW)])
def test_every_step_is_run_and_timed(run, part, steps):
    done, calls = run(*part)
    assert done.returncode == 0, done.stderr
    assert [step for step in steps if step not in calls] == []
    assert len(re.findall(r"^ +\d+s  ", done.stdout, re.M)) == len(steps) + 1
    assert len(calls.splitlines()) == len(steps)


@pytest.mark.parametrize(("part", "step"), PARTS)
def test_a_step_that_fails_fails_the_whole(run, part, step):
    done, _ = run(*part, fails=step)
    assert done.returncode == 1
    assert "FAILED: see above" in done.stdout


def test_another_part_is_refused(run):
    done, calls = run("fast")
    assert done.returncode == 2
    assert "the part is slow or none, not fast" in done.stderr
    assert calls == ""
