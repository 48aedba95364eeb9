"""Write one page per model for people who never open a terminal: `make sheet`.

What the model needs of the client's structure and data, what it got, which channels the data can
tell apart, what the client has answered, and what to do next. Everything comes from the public
tables; every text is escaped; a page needs no other file and no network.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from jinja2 import Environment, FileSystemLoader, StrictUndefined

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts.summary import connect, find_tables
from scripts.warehouse_files import sheets_folder, warehouse_files

LABEL_LENGTH = 120  # longer texts of the client are cut
Row = dict[str, object]
STATUS = {
    "blocking": "Missing",
    "warn": "Warning",
    "info": "Note",
    "ok": "In place",
}
VERDICTS = {
    "model": ("Measured on its own", "The data can tell its effect from everything else."),
    "pool": (
        "Pool with siblings",
        "Too like a sibling, or too small: it stays a line of its own, and shares what is learned "
        "of its parent. Trust the parent's range.",
    ),
    "merge": (
        "Merge into parent",
        "Nothing in the data tells it from its sibling: model the two as one.",
    ),
    "hold_fixed": (
        "Hold fixed",
        "It hardly ever changed, so nobody has seen what a change would do.",
    ),
    "test_first": (
        "Test first",
        "Too few weeks, too small, or in step with a channel of another branch: only a test helps.",
    ),
}
FINER = {
    "model": "Could stand on its own",
    "pool": "Would be pooled",
    "merge": "Keep in its parent",
    "hold_fixed": "Would be held fixed",
    "test_first": "Test first",
}
AREAS = {
    "structure": "Your structure",
    "data": "Your data",
    "plan": "Plan, goals and evidence",
    "push_back": "Your channels",
}
COLUMNS = {
    "model_requirements": "model_id area requirement position needs got status next_step",
    "model_feasibility": (
        "model_id node_id parent_id label owner path node_role media_unit verdict reason answer "
        "answered_by answered_on answer_reason is_disagreement effective_verdict pool_id "
        "active_weeks share_of_active_weeks spend share_of_spend variation vif correlation "
        "moves_with effective_observations"
    ),
    "input_findings": (
        "check_name severity input_name source_file source_row problem remedy is_overridden "
        "overridden_by override_reason"
    ),
    "open_questions": (
        "question_id channel_id question asked_by asked_on is_blocking status answer answered_by"
    ),
}


def read_rows(connection: duckdb.DuckDBPyConnection, address: str, columns: str) -> list[Row]:
    """Return a table's rows as dicts with the wanted columns, null where it has no such column."""
    there = {name for name, *_ in connection.execute(f"describe {address}").fetchall()}
    names = columns.split()
    chosen = ", ".join(name if name in there else f"null as {name}" for name in names)
    rows = connection.execute(f"select {chosen} from {address} order by all").fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


def slug(model_id: str) -> str:
    """Return a file name for a model: its id where that is plain, else cleaned, with a hash.

    Examples
    --------
    >>> slug("revenue"), slug("../Umsatz €")
    ('revenue', 'umsatz-c7b31cb6')
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", model_id):
        return model_id
    cleaned = re.sub(r"[^a-z0-9]+", "-", model_id.lower()).strip("-")[:40].strip("-")
    digest = hashlib.sha256(model_id.encode(errors="replace")).hexdigest()[:8]
    return f"{cleaned or 'model'}-{digest}"


def cut(text: object, length: int = LABEL_LENGTH) -> str:
    """Return a text that fits into a line, without control characters.

    Those that turn the direction of writing go too: cut off in the middle, they would turn ours.
    Text in right-to-left scripts does not need them.

    Examples
    --------
    >>> cut("a" + chr(10) + "b"), cut(None), cut("abcdef", 4)
    ('a b', '', 'abc…')
    """
    visible = re.sub("[\u202a-\u202e\u2066-\u2069]", "", str(text or ""))
    plain = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", visible).split())
    return plain if len(plain) <= length else plain[: length - 1] + "…"


def percent(share: float | None) -> str:
    """Return a share for readers, `none` where there is no number.

    Examples
    --------
    >>> [percent(x) for x in (0.234, 0.0234, 0.0, None)]
    ['23%', '2.3%', '0%', 'none']
    """
    if share is None:
        return "none"
    return f"{100 * share:.0f}%" if share == 0 or share >= 0.0995 else f"{100 * share:.1f}%"


def sentence(text: object) -> str:
    """Return a text that begins with a capital and ends with a full stop."""
    plain = cut(text, 600)
    if not plain:
        return ""
    return plain[0].upper() + plain[1:] + ("" if plain[-1] in ".!?…" else ".")


def next_steps(requirements: Iterable[Row], channels: Iterable[Row]) -> list[Row]:
    """Return what to do, the most pressing first."""
    steps = [
        {
            "status": row["status"],
            "about": str(row["requirement"]).replace("_", " "),
            "text": row["next_step"],
        }
        for row in requirements
        if row["next_step"] and row["requirement"] != "told_apart"
    ]
    steps += [
        {
            "status": "warn",
            "about": row["label"],
            "text": f"say whether you agree with “{VERDICTS[row['verdict']][0].lower()}”, or what "
            "to do instead (feasibility_answers)",
        }
        for row in channels
        if row["verdict"] not in (None, "model") and row["answer"] is None
    ]
    order = list(STATUS)
    return sorted(steps, key=lambda step: order.index(step["status"]))


def alike(findings: Iterable[Row]) -> list[Row]:
    """Return one row per kind of finding, warnings before accepted errors, with its first row."""
    kinds: dict[tuple, Row] = {}
    for row in findings:
        if row["severity"] not in ("warn", "blocking"):
            continue
        key = (row["severity"], row["check_name"], row["is_overridden"], row["overridden_by"])
        kinds.setdefault(key, row | {"n_rows": 0})["n_rows"] += 1
    return [kinds[key] for key in sorted(kinds, key=str)]


def content(model_id: str, tables: Mapping[str, list[Row]]) -> dict[str, object]:
    """Return what one model's page says, from the rows of the public tables."""
    own = {
        name: [row for row in tables[name] if row["model_id"] == model_id]
        for name in ("model_requirements", "model_feasibility")
    }
    requirements = sorted(own["model_requirements"], key=lambda row: row["position"])
    nodes = sorted(own["model_feasibility"], key=lambda row: str(row["path"]))
    labels = {row["node_id"]: row["label"] or row["node_id"] for row in nodes}
    for row in nodes:
        row["pool_label"] = labels.get(row["pool_id"])
        row["parent_label"] = labels.get(row["parent_id"])
        row["moves_with_label"] = labels.get(row["moves_with"])
    channels = [row for row in nodes if row["node_role"] == "modelled"]
    counts = {status: sum(row["status"] == status for row in requirements) for status in STATUS}
    return {
        "model_id": model_id,
        "areas": [
            (title, [row for row in requirements if row["area"] == area])
            for area, title in AREAS.items()
        ],
        "counts": counts,
        "steps": next_steps(requirements, channels),
        "channels": channels,
        "children": [row for row in nodes if row["node_role"] == "child"],
        "answers": [row for row in nodes if row["answer"] is not None],
        "findings": alike(tables.get("input_findings", [])),
        "questions": sorted(
            (row for row in tables.get("open_questions", []) if row["status"] != "withdrawn"),
            key=lambda row: (row["status"] != "open", not row["is_blocking"], row["question_id"]),
        ),
        "has_questions": "open_questions" in tables,
        "told_apart": sum(row["verdict"] == "model" for row in channels),
        "verdicts": VERDICTS,
        "finer": FINER,
        "status_words": STATUS,
    }


def render(page: Mapping[str, object]) -> str:
    """Return one model's page as HTML."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"cut": cut, "percent": percent, "sentence": sentence}
    return environment.get_template("requirements_sheet.html.jinja").render(page)


def write_sheets(warehouse: Path, history: Path, folder: Path) -> list[Path]:
    """Write the pages of a warehouse's models and remove those of models that are gone.

    Returns
    -------
    list of Path
        The pages, by model; empty when the warehouse has no mixloop__model_requirements yet.
    """
    with connect(warehouse, history) as connection:
        addresses = find_tables(connection)
        if not {"model_requirements", "model_feasibility"} <= addresses.keys():
            return []
        tables = {
            name: read_rows(connection, addresses[name], columns)
            for name, columns in COLUMNS.items()
            if name in addresses
        }
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.html"):
        old.unlink()
    written = []
    for model_id in sorted({row["model_id"] for row in tables["model_requirements"]}):
        path = folder / f"{slug(model_id)}.html"
        path.write_text(render(content(model_id, tables)), encoding="utf-8", errors="replace")
        written.append(path)
    return written


def main() -> int:
    """Write the pages and say where they are; 1 when there is nothing to write."""
    warehouse, history = warehouse_files()
    if not warehouse.exists():
        sys.stdout.write(f"There is no warehouse at {warehouse} yet: run `make build`.\n")
        return 1
    try:
        written = write_sheets(warehouse, history, sheets_folder())
    except duckdb.IOException as error:
        sys.stderr.write(f"{warehouse} cannot be opened just now, no sheet is written: {error}\n")
        return 1
    if not written:
        sys.stdout.write(f"{warehouse} has no mixloop__model_requirements yet: run `make build`.\n")
        return 1
    for path in written:
        sys.stdout.write(f"sheet: {path.resolve()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
