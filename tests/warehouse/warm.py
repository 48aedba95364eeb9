"""A project that is parsed before dbt processes are forked, so that none of them parses it again.

Imported where processes are forked from (`dbt_process.PRELOADED`), never by a test. A place whose
files, client and vars are those that were parsed asks for it (`Place.is_as_parsed`); any other
process parses for itself. Beside that a process is spared what nobody reads or needs here: events
below the level of its output are not put into words, and memory is not searched for cycles.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import tempfile
from pathlib import Path

from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.events import event_manager
from tests.warehouse.place import Place, dbt_environment
from tests.warehouse.tiny import FIT_VARS, write_folder

ROOT = Path(__file__).resolve().parents[2]
UNREAD = ("debug", "test")
LEVELS = {"test": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
fire_event = event_manager.EventManager.fire_event


def fire_what_is_read(manager, event, level=None, *more, **named) -> None:
    """Fire an event, unless nobody would read it."""
    at = getattr(level or event.level_tag(), "value", level)
    loggers = (logger._python_logger for logger in manager.loggers)
    if (
        at in UNREAD
        and not manager.callbacks
        and not any(logger is not None and logger.isEnabledFor(LEVELS[at]) for logger in loggers)
    ):
        return
    fire_event(manager, event, level, *more, **named)


def parse() -> Manifest:
    """Return the project as a place of the tiny client parses it."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(ROOT, Path(folder) / "place")
        write_folder(place.client)
        os.environ.clear()
        os.environ.update(dbt_environment(Path(), **place.settings))
        try:
            with contextlib.chdir(place.folder):
                done = dbtRunner().invoke(["--quiet", "parse", "--vars", json.dumps(FIT_VARS)])
        finally:
            os.environ.clear()
            os.environ.update(before)
    assert done.success, done.exception
    return done.result


PARSED = parse()
event_manager.EventManager.fire_event = fire_what_is_read
gc.collect()
gc.freeze()  # processes share what is there
gc.disable()
