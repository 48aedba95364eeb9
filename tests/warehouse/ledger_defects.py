"""Seeded defects of the tests about the ledger; its hashes come from Python, not from the SQL."""

import hashlib
import json

from tests.warehouse.defects import Case, rows

GENESIS = "0" * 64


def sha256(text: str) -> str:
    """Return a text's hash in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def entry_hash(previous: str, position: int, entry: tuple, content: str) -> str:
    """Return the hash of an entry: of the one before and of all that it says."""
    kind, record, revision, model, run, week = entry
    said = [previous, str(position), kind, record, str(revision), model, run, week, sha256(content)]
    return sha256(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


def text(value: str | None) -> str:
    """Return a value as a SQL literal."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def chain(*entries: tuple[tuple, str]) -> str:
    """Return a query with a whole chain of entries."""
    previous, found = GENESIS, []
    for position, (entry, content) in enumerate(entries, start=1):
        kind, record, revision, model, run, week = entry
        own = entry_hash(previous, position, entry, content)
        hashes = ", ".join(map(text, (content, sha256(content), previous, own)))
        found.append(
            f"'e{position}', {position}, {text(kind)}, {text(record)}, {revision}, {text(model)}, "
            f"{text(run)}, date '{week}', {hashes}"
        )
        previous = own
    return rows(
        "entry_id, position, record_kind, record_id, revision, model_id, run_id, as_of_week, "
        "content, content_hash, previous_hash, entry_hash",
        *found,
    )


WEEK, LATER = "2024-01-01", "2024-02-05"
ENTRIES = (
    (("plan", 'größer "base"', 1, None, None, WEEK), '{"rows":[["tv","1"]]}'),
    (("decision", "d1", 1, None, "r", WEEK), '{"channel_id":"tv"}'),
    (("run", "r", 1, "m", "r", WEEK), '{"seed":"1"}'),
    (("run", "gone", 1, "m", "gone", WEEK), '{"seed":"2"}'),
    (("forecast", "r/base/1", 1, "m", "r", WEEK), '{"n_rows":"2"}'),
    (("decision", "d1", 2, None, "r", LATER), '{"channel_id":"radio"}'),
    (("prune", "1", 1, None, None, LATER), '{"run_ids":["gone"]}'),
)
LEDGER = chain(*ENTRIES)
KEPT = ("run", "forecast", "prune")
NEWEST = {entry[:2]: (entry, content) for entry, content in ENTRIES if entry[1] != "gone"}
CANDIDATES = rows(
    "is_kept, record_kind, record_id, as_of_week, content, content_hash",
    *(
        f"{'true' if kind in KEPT else 'false'}, {text(kind)}, {text(record)}, date '{LATER}', "
        f"{text(content)}, {text(sha256(content))}"
        for (kind, record), (_, content) in NEWEST.items()
    ),
)
RUN = "record_kind = 'run' and record_id = 'r'"
FORECAST = "update {int_mixloop__ledger_candidates} set content_hash = 'x' where record_kind = "

LEDGER_DEFECTS = {
    "assert_ledger_chain_is_whole": Case(
        tables={"mixloop__ledger": LEDGER},
        defects={
            "an entry's content was edited": "update {mixloop__ledger} set content = '{{}}' "
            "where position = 3",
            "content and its hash were edited": "update {mixloop__ledger} set content = '{{}}', "
            "content_hash = sha256('{{}}') where position = 3",
            "the last entry was edited": "update {mixloop__ledger} set as_of_week = "
            "date '2024-03-04' where position = 7",
            "another run was named": "update {mixloop__ledger} set run_id = 's' where position = 5",
            "a run was taken off": "update {mixloop__ledger} set run_id = null where position = 2",
            "an entry's hash was edited": "update {mixloop__ledger} set entry_hash = "
            "repeat('a', 64) where position = 7",
            "an entry was removed": "delete from {mixloop__ledger} where position = 4",
            "the first entry was removed": "delete from {mixloop__ledger} where position = 1",
            "an entry was removed and the rest moved up": "create table rest as select * replace "
            "(position - 1 as position) from {mixloop__ledger} where position > 4; "
            "delete from {mixloop__ledger} where position >= 4; "
            "insert into {mixloop__ledger} from rest",
            "an entry was put in": "insert into {mixloop__ledger} select * replace "
            "('new' as record_id) from {mixloop__ledger} where position = 3",
            "an entry was added at the end": "insert into {mixloop__ledger} select * replace "
            "(8 as position, 'new' as record_id) from {mixloop__ledger} where position = 7",
            "two entries changed places": "update {mixloop__ledger} set position = case "
            "position when 3 then 4 when 4 then 3 else position end",
            "a revision was renumbered": "update {mixloop__ledger} set revision = 3 "
            "where position = 6",
        },
    ),
    "assert_ledger_says_what_is_kept": Case(
        tables={
            "mixloop__ledger": LEDGER,
            "int_mixloop__ledger_candidates": CANDIDATES,
            "int_mixloop__runs_without_draws": rows("run_id", "'gone'"),
        },
        defects={
            "a run was edited": FORECAST + "'run'",
            "a forecast's rows were edited": FORECAST + "'forecast'",
            "a forecast's rows are gone": "delete from {int_mixloop__ledger_candidates} "
            "where record_kind = 'forecast'",
            "a run's draws are gone": "delete from {int_mixloop__ledger_candidates} where " + RUN,
            "a run is gone that was not pruned": "delete from {int_mixloop__runs_without_draws}",
            "a run is not in the ledger": "delete from {mixloop__ledger} where " + RUN,
            "a pruning is not in the ledger": "delete from {mixloop__ledger} "
            "where record_kind = 'prune'",
            "a changed plan has no revision": FORECAST + "'plan'",
            "a plan is not in the ledger": "delete from {mixloop__ledger} "
            "where record_kind = 'plan'",
            "a decision's last revision is gone": "delete from {mixloop__ledger} "
            "where record_kind = 'decision' and revision = 2",
        },
    ),
    "assert_approved_decisions_are_still_there": Case(
        tables={
            "mixloop__ledger": LEDGER,
            "int_mixloop__ledger_candidates": CANDIDATES,
            "int_mixloop__models": rows("last_training_week", f"date '{LATER}'"),
        },
        defects={
            "a decision was taken off the table": "delete from {int_mixloop__ledger_candidates} "
            "where record_kind = 'decision'",
        },
    ),
}
