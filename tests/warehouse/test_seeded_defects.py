"""Every dbt test of the project passes on clean rows and fails on each of its seeded defects.

What runs is the SQL that dbt compiles, against tables made by hand (tests/warehouse/defects.py).
"""

import duckdb
import pytest
from tests.warehouse.allocation_defects import ALLOCATION_DEFECTS
from tests.warehouse.bridge_defects import BRIDGE_DEFECTS
from tests.warehouse.decision_defects import DECISION_DEFECTS
from tests.warehouse.defects import DEFECTS as MART_DEFECTS
from tests.warehouse.defects import Case
from tests.warehouse.feasibility_defects import FEASIBILITY_DEFECTS
from tests.warehouse.feature_defects import FEATURE_DEFECTS
from tests.warehouse.hierarchy_defects import HIERARCHY_DEFECTS
from tests.warehouse.hypothesis_defects import HYPOTHESIS_DEFECTS
from tests.warehouse.judging_defects import JUDGING_DEFECTS
from tests.warehouse.ledger_defects import LEDGER_DEFECTS
from tests.warehouse.mapping_defects import MAPPING_DEFECTS
from tests.warehouse.planning_defects import PLANNING_DEFECTS
from tests.warehouse.pooling_defects import POOLING_DEFECTS
from tests.warehouse.staleness_defects import STALENESS_DEFECTS
from tests.warehouse.version_defects import VERSION_DEFECTS

DEFECTS = {
    **MART_DEFECTS,
    **FEATURE_DEFECTS,
    **FEASIBILITY_DEFECTS,
    **ALLOCATION_DEFECTS,
    **DECISION_DEFECTS,
    **BRIDGE_DEFECTS,
    **HIERARCHY_DEFECTS,
    **HYPOTHESIS_DEFECTS,
    **JUDGING_DEFECTS,
    **LEDGER_DEFECTS,
    **MAPPING_DEFECTS,
    **PLANNING_DEFECTS,
    **POOLING_DEFECTS,
    **STALENESS_DEFECTS,
    **VERSION_DEFECTS,
}
SEEDED = [(name, defect) for name, case in DEFECTS.items() for defect in case.defects]


def compiled_sql(manifest: dict, name: str, case: Case) -> str:
    """Return the SQL of a singular test, or of one instance of a generic test."""
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test":
            continue
        metadata = node.get("test_metadata")
        if not case.attached_to:
            is_it = metadata is None and node["name"] == name
        else:
            attached = (node.get("attached_node") or "").split(".")[-1]
            is_it = (
                metadata is not None
                and metadata["name"] == name
                and attached == case.attached_to
                and (case.arguments or {}).items() <= metadata["kwargs"].items()
            )
        if is_it:
            return node["compiled_code"]
    raise LookupError(
        f"dbt knows no test {name} {f'on {case.attached_to}' * bool(case.attached_to)}"
    )


def as_double(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    """Return the query with literals such as 1.5 as double, so that no defect is rounded away."""
    types = connection.execute(f"describe {query}").fetchall()
    wide = [f"cast({name} as double) as {name}" for name, kind, *_ in types if "DECIMAL" in kind]
    return f"select * replace ({', '.join(wide)}) from ({query})" if wide else query


def failures(manifest: dict, name: str, defect: str | None = None) -> int:
    """Return how many rows a test reports on clean rows, or after one defect."""
    case = DEFECTS[name]
    relations = {
        node["name"]: node["relation_name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed", "snapshot")
    }
    sql = compiled_sql(manifest, name, case)
    with duckdb.connect(":memory:") as connection:
        for table, query in case.tables.items():
            database, schema, _ = relations[table].split(".")
            connection.execute(f"attach if not exists ':memory:' as {database}")
            connection.execute(f"create schema if not exists {database}.{schema}")
            connection.execute(f"create table {relations[table]} as {as_double(connection, query)}")
        if defect is not None:
            touched = connection.execute(case.defects[defect].format(**relations)).fetchone()
            assert touched[0] > 0, f"the defect '{defect}' of {name} changes no row"
        return connection.execute(f"select count(*) from ({sql}) as found").fetchone()[0]


def test_every_dbt_test_has_a_seeded_defect(project_root):
    files = [
        *project_root.glob("tests/dbt/singular/**/*.sql"),
        *project_root.glob("tests/dbt/generic/**/*.sql"),
    ]
    assert {path.stem for path in files} == set(DEFECTS)
    assert all(case.defects for case in DEFECTS.values())


@pytest.mark.parametrize("name", DEFECTS)
def test_passes_on_clean_rows(manifest, name):
    assert failures(manifest, name) == 0


@pytest.mark.parametrize(("name", "defect"), SEEDED, ids=[f"{n}: {d}" for n, d in SEEDED])
def test_fails_on_defect(manifest, name, defect):
    assert failures(manifest, name, defect) > 0
