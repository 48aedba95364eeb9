"""Fingerprint every relation of a warehouse, or compare with an earlier fingerprint.

    python scripts/fingerprint.py --out FILE
    python scripts/fingerprint.py --compare FILE

A relation's fingerprint is its row count and a hash of its rows that does not depend on their
order. `--compare` prints what differs and ends with exit code 1 when anything does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.warehouse_files import warehouse_files

# Clock and memory readings differ from build to build; everything else must not.
MEASUREMENTS = ("fit_seconds", "peak_memory_mib")


def quoted(name: str) -> str:
    """Return a name as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def fingerprint(path: Path, *, without: tuple[str, ...] = ()) -> dict[str, list[int]]:
    """Return rows and hash of every table and view, by qualified name.

    Parameters
    ----------
    path : Path
        The warehouse file; its history file beside it is read too.
    without : tuple of str
        Columns to leave out, wherever they occur.
    """
    history = path.with_name(f"{path.stem}_history.duckdb")
    with duckdb.connect(str(path), read_only=True) as connection:
        if history.exists():
            where = str(history).replace("'", "''")
            connection.execute(f"attach '{where}' as history (read_only)")
        columns: dict[tuple[str, str, str], list[str]] = {}
        for database, schema, table, column in connection.execute(
            "select database_name, schema_name, table_name, column_name from duckdb_columns() "
            "where not internal order by all"
        ).fetchall():
            # Seen through the warehouse's own name the history is the same whatever its file.
            columns.setdefault((database, schema, table), []).append(column)
        out = {}
        for (database, schema, table), names in columns.items():
            kept = ", ".join(quoted(name) for name in names if name not in without)
            relation = ".".join(quoted(part) for part in (database, schema, table))
            where = "history" if database == "history" else "warehouse"
            out[f"{where}.{schema}.{table}"] = list(
                connection.execute(
                    f"select count(*), coalesce(sum(hash({kept})::hugeint), 0)::varchar "
                    f"from {relation}"
                ).fetchone()
            )
        return out


def differences(before: dict[str, list], after: dict[str, list]) -> list[str]:
    """Return one line for every relation that is not the same in both."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            rows = f"{old[0] if old else 'absent'} -> {new[0] if new else 'absent'} rows"
            lines.append(f"{name}: {rows}{'' if not old or not new else ', contents differ'}")
    return lines


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, help="write the fingerprint here")
    parser.add_argument("--compare", type=Path, help="compare with this fingerprint")
    parser.add_argument(
        "--without-measurements", action="store_true", help=f"leave out {', '.join(MEASUREMENTS)}"
    )
    arguments = parser.parse_args()
    without = MEASUREMENTS if arguments.without_measurements else ()
    found = fingerprint(warehouse_files()[0], without=without)
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1))
        print(f"{len(found)} relations, {sum(rows for rows, _ in found.values())} rows")
    if arguments.compare:
        lines = differences(json.loads(arguments.compare.read_text()), found)
        if lines:
            print("These relations changed though their inputs did not:", *lines, sep="\n  ")
            return 1
        print(f"{len(found)} relations, the same rows as before")
    return 0


if __name__ == "__main__":
    sys.exit(main())
