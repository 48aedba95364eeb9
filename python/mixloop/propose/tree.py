"""From line items to parts: platforms, and the groups that their naming conventions tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import polars as pl

from mixloop.propose.names import (
    WHOLE,
    Reading,
    Separator,
    Value,
    Yardstick,
    read_names,
    token_condition,
)
from mixloop.propose.patterns import Condition, exactly

FINER_SHARE = 0.05  # of all media: a second token is read only where both sides have this much
MIN_ACCOUNT = 0.10  # of the platform: smaller accounts are not read for themselves


@dataclass(frozen=True)
class Part:
    """A platform, or a part of one, and the conditions that claim it.

    Attributes
    ----------
    name : str
        The platform, account or token as the client writes it.
    kind : str
        `platform`, `account`, `group` (first token) or `finer` (second token).
    conditions : tuple of Condition
        All that must hold, those of the parts above included.
    parts : tuple of Part
        What it is divided into; empty when it is one channel.
    readings : tuple of Reading
        How its names were read, for the report.
    """

    name: str
    kind: str
    conditions: tuple[Condition, ...]
    parts: tuple[Part, ...] = ()
    readings: tuple[Reading, ...] = ()


def weighed(items: pl.DataFrame) -> tuple[pl.DataFrame, str]:
    """Return the line items with `weight`, a whole number, and what it is.

    Spend in hundredths; without any spend impressions, without those rows. Negative spend counts
    as none: it is a finding of its own.
    """
    for column, unit, factor in (
        ("spend", "spend", 100),
        ("impressions", "impressions", 1),
        ("n_rows", "rows", 1),
    ):
        weight = (pl.col(column).fill_null(0).clip(0) * factor).round().cast(pl.Int64)
        found = items.with_columns(weight=weight)
        if found["weight"].sum() > 0:
            return found, unit
    return found, "rows"


def weights_of(items: pl.DataFrame, field: str) -> dict[str, int]:
    """Return the distinct names of a field and their weight, by name."""
    rows = items.filter(pl.col(field).is_not_null()).group_by(field).agg(pl.col("weight").sum())
    return dict(rows.sort(field).iter_rows())


def count_weeks(items: pl.DataFrame) -> int:
    """Return in how many weeks any of the line items had media."""
    return items["weeks"].explode().drop_nulls().n_unique()


def platforms(items: pl.DataFrame, yardstick: Yardstick) -> tuple[Part, ...]:
    """Return the platforms, the dearest first, each divided where its names say how."""
    known = items.filter(pl.col("platform").is_not_null()).with_columns(
        key=pl.col("platform").str.to_lowercase()
    )
    order = (
        known.group_by("key")
        .agg(pl.col("weight").sum())
        .sort(["weight", "key"], descending=[True, False])
    )
    parts = []
    for key in order["key"]:
        own = known.filter(pl.col("key") == key)
        names = weights_of(own, "platform")
        name = max(names, key=lambda text: (names[text], text))
        whole = Part(name, "platform", (exactly("platform", name),))
        parts.append(divided(whole, own, yardstick))
    return tuple(parts)


def divided(part: Part, items: pl.DataFrame, yardstick: Yardstick) -> Part:
    """Return a platform or account divided by a token, else by account, else as it is."""
    readings = []
    for field in ("campaign", "account", "ad_group", "line_item"):
        if field in ("ad_group", "line_item") and not tells_nothing(readings[0]):
            break
        reading = read_field(field, items, yardstick)
        readings.append(reading)
        if reading.chosen is not None:
            return replace(
                part,
                parts=groups_of(part, reading, items, yardstick),
                readings=tuple(readings),
            )
    part = replace(part, readings=tuple(readings))
    return by_account(part, items, yardstick) if part.kind == "platform" else part


def read_field(field: str, items: pl.DataFrame, yardstick: Yardstick) -> Reading:
    """Return how the names of one field are read."""

    def active_weeks(names: frozenset[str]) -> int:
        return count_weeks(items.filter(pl.col(field).is_in(sorted(names))))

    return read_names(field, weights_of(items, field), yardstick, active_weeks)


def tells_nothing(reading: Reading) -> bool:
    """Return whether campaigns are all the same, but for dates, numbers and places."""
    same = ("constant", "dates", "numbers", "places")
    return all(position.kind in same for position in reading.positions)


def groups_of(
    part: Part, reading: Reading, items: pl.DataFrame, yardstick: Yardstick
) -> tuple[Part, ...]:
    """Return one part for each kept value of the chosen position, divided once more where large."""
    finer = replace(yardstick, min_share=FINER_SHARE)
    names = items[reading.field].drop_nulls().unique().to_list()
    groups = []
    for value in reading.chosen.kept:
        condition = claims(reading, value, names)
        group = Part(value.text, "group", (*part.conditions, condition))
        own = items.filter(pl.col(reading.field).is_in(sorted(value.names)))
        second = read_field(reading.field, own, finer)
        if is_finer(second, reading):
            parts = tuple(
                Part(
                    inner.text,
                    "finer",
                    (*part.conditions, *narrowed(condition, claims(second, inner, value.names))),
                )
                for inner in second.chosen.kept
            )
            group = replace(group, parts=parts, readings=(second,))
        groups.append(group)
    return tuple(groups)


def is_finer(second: Reading, first: Reading) -> bool:
    """Return whether a second token goes on where the first ends, in names read alike."""
    return (
        second.chosen is not None
        and second.separator == first.separator
        and second.chosen.at > first.chosen.at >= 0
    )


def claims(reading: Reading, value: Value, names: Iterable[str]) -> Condition:
    """Return the condition of a value at the chosen position; no other of the names meets it."""
    return token_condition(reading.field, reading.separator, reading.chosen.at, value, names)


def narrowed(outer: Condition, inner: Condition) -> tuple[Condition, ...]:
    """Return the conditions of a second token: one prefix that goes on where the first ends."""
    is_longer = (
        outer.match_type == inner.match_type == "prefix"
        and inner.pattern.lower().startswith(outer.pattern.lower())
    )
    return (inner,) if is_longer else (outer, inner)


def by_account(part: Part, items: pl.DataFrame, yardstick: Yardstick) -> Part:
    """Return a platform divided by account where each account names its campaigns its own way.

    Only where at least one account's names tell groups apart; else the platform is one channel.
    """
    total = items["weight"].sum()
    known = items.filter(pl.col("account").is_not_null()).with_columns(
        key=pl.col("account").str.to_lowercase()
    )
    accounts = weights_of(known, "key")
    large = {key: weight for key, weight in accounts.items() if weight >= MIN_ACCOUNT * total}
    if len(large) < 2:
        return part
    parts = []
    for key in sorted(large, key=lambda key: (-large[key], key)):
        own = known.filter(pl.col("key") == key)
        name = own["account"].min()
        whole = Part(name, "account", (*part.conditions, exactly("account", name)))
        parts.append(divided(whole, own, yardstick))
    if not any(account.parts for account in parts):
        return part
    return replace(part, parts=tuple(parts))


def separator_in_words(separator: Separator) -> str:
    """Return how a separator is called in the report."""
    if separator is WHOLE:
        return "none"
    return "a space" if separator.label == " " else f"`{separator.label}`"
