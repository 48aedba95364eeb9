"""Mapping rules: conditions that say exactly what is meant, whoever opens the file.

A mapping is edited in spreadsheets. They take a cell that begins with = + - @ for a formula, and
change cells that look like numbers, dates or booleans. A pattern of that kind is written as a
regular expression: it begins with ^, stays text, and claims the same line items.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

MAX_REGEX = 1000  # longer ones are refused by mixloop
_SPECIAL = re.compile(r"[\\.^$*+?()\[\]{}|]")
_DATE_LIKE = re.compile(r"^[^\W\d_]{3,9}[ .,/-]*\d{1,4}$")  # Jan 24


@dataclass(frozen=True)
class Condition:
    """One row of channel_mapping: `match_field` `match_type` `pattern`."""

    match_field: str
    match_type: str
    pattern: str

    def matches(self, values: pl.Series) -> pl.Series:
        """Return for each value of the field whether the condition holds, as mixloop's SQL does."""
        lower = values.str.to_lowercase()
        pattern = self.pattern.lower()
        if self.match_type == "exact":
            held = lower == pattern
        elif self.match_type == "prefix":
            held = lower.str.starts_with(pattern)
        elif self.match_type == "like":
            letters = ({"%": ".*", "_": "."}.get(letter, escaped(letter)) for letter in pattern)
            held = lower.str.contains(f"(?s)^{''.join(letters)}$")
        else:
            held = values.str.contains(f"(?i){self.pattern}")
        return held.fill_null(value=False)


@dataclass(frozen=True)
class Rule:
    """Conditions that must all hold, and the channel they lead to."""

    rule_id: str
    channel_id: str
    conditions: tuple[Condition, ...]

    def matches(self, items: pl.DataFrame) -> pl.Series:
        """Return for each line item whether the rule holds."""
        held = pl.repeat(True, len(items), dtype=pl.Boolean, eager=True)
        for condition in self.conditions:
            held &= condition.matches(items[condition.match_field])
        return held


def escaped(text: str) -> str:
    r"""Return text as a regular expression that matches nothing else.

    >>> escaped("50% off (a.b)|c")
    '50% off \\(a\\.b\\)\\|c'
    """
    source = _SPECIAL.sub(lambda found: "\\" + found[0], text)
    return source.replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")


def is_kept_by_spreadsheets(text: str) -> bool:
    """Return whether a spreadsheet shows and saves a cell as it is.

    >>> [is_kept_by_spreadsheets(text) for text in ("US_BR_", "=1+1", "0042", "Jan 24", "true")]
    [True, False, False, False, False]
    """
    return (
        (text[:1].isalpha() or text[:1] == "_")
        and text.lower() not in ("true", "false")
        and _DATE_LIKE.match(text) is None
    )


def exactly(field: str, value: str) -> Condition:
    """Return the condition that a field has a value."""
    if is_kept_by_spreadsheets(value):
        return Condition(field, "exact", value)
    source = f"^{escaped(value)}$"
    if len(source) <= MAX_REGEX:
        return Condition(field, "regex", source)
    return Condition(field, "like", "_" + value[1:])  # any first letter, then the rest


def first_match(items: pl.DataFrame, rules: list[Rule]) -> pl.Series:
    """Return the channel of each line item by the first rule that holds; null where none does."""
    channel = pl.repeat(None, len(items), dtype=pl.String, eager=True)
    for rule in reversed(rules):
        channel = channel.set(rule.matches(items), rule.channel_id)
    return channel
