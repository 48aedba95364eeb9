"""The ingest benchmark runs, and what it times is right: the same sums as the query by hand."""

import json
import subprocess
import sys

import pytest


@pytest.mark.slow
def test_weekly_sums_are_those_of_the_query_by_hand(project_root, tmp_path):
    command = [sys.executable, "benchmarks/ingest.py", "--rows", "30000", "--repeats", "1"]
    command += ["--source", "parquet", "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["checks"]["weekly_sums"] > 100
    assert report["checks"]["weekly_sums_that_differ"] == 0
    assert 0 < report["checks"]["unmapped_share"] < 0.5
    assert report["ratios"]["path_sql"] > 0
    assert report["dbt_run"]["peak_mib"] > 0
    assert list(tmp_path.iterdir()) == []  # it cleans up behind itself
