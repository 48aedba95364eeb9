"""Seeded defects of the tests about mapping versions and published contributions."""

from tests.warehouse.defects import Case, rows

PUBLISHED = rows(
    "run_id, mapping_version, week, component_id, is_additive, contribution_mean",
    "'r', 1, date '2024-01-01', 'tv', true, 2.0",
    "'r', 1, date '2024-01-01', 'level', true, 8.0",
    "'r', 1, date '2024-01-01', 'media', false, 2.0",
    "'r', 1, date '2024-01-01', 'kpi', false, 10.0",
    "'r', 1, date '2024-01-08', 'level', true, 8.0",
    "'r', 1, date '2024-01-08', 'unexplained', true, null",
    "'r', 1, date '2024-01-08', 'kpi', false, null",
)
CONTENT = rows("row_kind, content", "'rule', 'a'", "'node', 'tv'")
LEDGER = rows(
    "mapping_version, row_kind, content", "1, 'rule', 'a'", "1, 'node', 'tv'", "2, 'rule', 'b'"
)
VERSIONS = rows("mapping_version, is_current", "1, true", "2, false")

VERSION_DEFECTS = {
    "assert_published_contributions_sum_to_kpi": Case(
        tables={"mixloop__published_contributions": PUBLISHED},
        defects={
            "a part is too large": "update {mixloop__published_contributions} "
            "set contribution_mean = 2.1 where component_id = 'tv'",
            "a part is null": "update {mixloop__published_contributions} "
            "set contribution_mean = null where component_id = 'tv'",
            "a subtotal is counted": "update {mixloop__published_contributions} "
            "set is_additive = true where component_id = 'media'",
            "the kpi is gone": "delete from {mixloop__published_contributions} "
            "where component_id = 'kpi' and week = date '2024-01-01'",
        },
    ),
    "assert_current_mapping_is_kept": Case(
        tables={
            "mixloop__mapping_versions": VERSIONS,
            "int_mixloop__mapping_ledger": LEDGER,
            "int_mixloop__mapping_content": CONTENT,
        },
        defects={
            "a row was lost": "delete from {int_mixloop__mapping_ledger} where content = 'tv'",
            "a row was changed": "update {int_mixloop__mapping_ledger} set content = 'x' "
            "where content = 'a'",
            "no version is current": "update {mixloop__mapping_versions} "
            "set is_current = false where is_current",
            "two versions are current": "update {mixloop__mapping_versions} "
            "set is_current = true where not is_current",
        },
    ),
}
