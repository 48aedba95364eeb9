"""Every kind of fault is found, named and located; a clean client raises nothing above info."""

from __future__ import annotations

import os
from functools import cache
from itertools import cycle

import pytest
from tests.warehouse.chain import Chain, compile_project
from tests.warehouse.integrity_faults import (
    BOOKED,
    FAULTS,
    HARMLESS,
    Tables,
    above_info,
    booked,
    clean_client,
)

WANTED = ("int_mixloop__integrity_checks", "int_mixloop__input_findings")
# Worlds drawn with other seeds; MIXLOOP_CLEAN_SEEDS=1,2,3 tries others, or more of them.
SEEDS = [int(seed) for seed in os.environ.get("MIXLOOP_CLEAN_SEEDS", "1,2,3,4,5").split(",")]


@pytest.fixture(scope="module")
def clean(project_root):
    """Return the clean client's tables."""
    return clean_client(project_root)


@pytest.fixture(scope="module")
def chain(project_root):
    """Return the project's SQL models."""
    return Chain(compile_project(project_root))


@cache
def world(project_root, seed: int) -> Tables:
    """Return the clean client drawn with another seed."""
    return clean_client(project_root, seed=seed)


def findings(chain, tables) -> list[tuple]:
    """Run the checks over a world; return check, series and severity of all that was found."""
    chain.run(WANTED, tables)
    checks = chain.read(
        "select check_name, series, severity from {int_mixloop__integrity_checks} "
        "where severity != 'pass'"
    )
    others = chain.read(
        "select check_name, coalesce(series, value), severity from {int_mixloop__input_findings} "
        "where check_name not in (select check_name from {int_mixloop__integrity_checks})"
    )
    return checks + others


@pytest.mark.parametrize("seed", [None, *SEEDS], ids=str)
def test_clean_client_raises_nothing_above_info(chain, project_root, clean, seed):
    tables = clean if seed is None else world(project_root, seed)
    assert above_info(findings(chain, tables)) == set()
    ((n_checks, n_series),) = chain.read(
        "select count(*), count(distinct series) from {int_mixloop__integrity_checks}"
    )
    assert n_checks > 200 and n_series > 40  # what passed is said too


@pytest.mark.parametrize(("name", "seed"), list(zip(FAULTS, cycle(SEEDS), strict=False)))
def test_fault_is_found_named_and_located(chain, project_root, name, seed):
    fault, clean = FAULTS[name], world(project_root, seed)
    tables = clean | fault.plant(clean)
    found = findings(chain, tables)
    assert above_info(found) == {fault.found, *fault.beside}
    check, series, _ = fault.found
    where = "check_name = $1 and series = $2"
    if check.endswith(("question", "line_item")):
        rows = chain.read(
            "select source_row, problem, remedy, is_overridable "
            f"from {{int_mixloop__input_findings}} where {where}",
            *(check, series),
        )
        assert [row for row, *_ in rows] == fault.rows(tables)
        assert rows[0][3]
        return
    ((first, last, source_rows, n_found, problem, remedy, file),) = chain.read(
        "select first_week, last_week, source_rows, n_found, problem, remedy, source_file "
        f"from {{int_mixloop__integrity_checks}} where {where}",
        *(check, series),
    )
    if fault.weeks is not None:
        assert (first, last) == fault.weeks
    if fault.rows is not None:
        assert [int(row) for row in source_rows.split(", ")] == fault.rows(tables)
    assert n_found >= 1 and problem and remedy and file


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_things_raise_nothing_above_info(chain, clean, name):
    tables = clean | HARMLESS[name](clean)
    if name in BOOKED:
        tables["finance"] = booked(tables)
    assert not tables["media"].equals(clean["media"]) or not tables["outcomes"].equals(
        clean["outcomes"]
    )
    assert above_info(findings(chain, tables)) == set()
