"""Reads a naming convention: separator, positions, and which position says what a campaign is."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import polars as pl

from mixloop.propose import vocabulary
from mixloop.propose.patterns import (
    MAX_REGEX,
    Condition,
    escaped,
    exactly,
    is_kept_by_spreadsheets,
)

MAX_NAME = 1000  # letters; longer names are texts and have no tokens
MAX_POSITIONS = 8  # from the left; from the right three more
MAX_GROUPS = 8
MIN_COVERAGE = 0.6  # share of spend that the groups of a position must have
MIN_GROUP = 0.05  # share of the platform's spend below which a group is too small
CONSTANT = 0.95  # share of one value from which a position tells nothing apart


@dataclass(frozen=True)
class Separator:
    """What stands between tokens; `mark` and `token` are regular expressions of RE2 and Python.

    `loose` is a simpler `token` where the strict one is hard to read; it may run over a mark.
    """

    label: str
    mark: str
    token: str
    is_strong: bool  # people also write spaces and hyphens for their own sake
    loose: str = ""

    def split(self, name: str) -> list[str]:
        """Return the tokens of a name."""
        return re.split(self.mark, name) if self.mark and len(name) <= MAX_NAME else [name]


SEPARATORS = (  # in the order in which equal ones are preferred
    Separator("|", r" *\| *", r"[^|]*", True),
    Separator(" - ", " +[-–—] +", "[^ ]+( +([^-–— ][^ ]*|[-–—][^ ]+))*", True, loose=".*"),
    Separator("_", "_", "[^_]*", True),
    Separator(">", " *> *", "[^>]*", True),
    Separator("/", " */ *", "[^/]*", True),
    Separator(":", " *: *", "[^:]*", True),
    Separator("~", " *~ *", "[^~]*", True),
    Separator("-", "-", "[^-]*", False),
    Separator(".", r"\.", r"[^.]*", False),
    Separator(" ", " +", "[^ ]*", False),
)
WHOLE = Separator("", "", "", False)


@dataclass(frozen=True)
class Value:
    """A token at one position, whatever its case, and the names that have it there."""

    text: str
    weight: int
    names: frozenset[str]


@dataclass(frozen=True)
class Position:
    """Tokens at one place of the names: 0 is the first, -1 the last.

    Attributes
    ----------
    kind : str
        `groups`, or why it is none: `constant`, `dates`, `numbers`, `places`, `few in common`
        (no two values are large enough), `too little` (the groups cover too little), `words` (of
        free text, not of a convention).
    values : tuple of Value
        The dearest first.
    kept : tuple of Value
        Those that are large and lasting enough to be groups.
    """

    at: int
    kind: str
    values: tuple[Value, ...]
    kept: tuple[Value, ...]
    coverage: float
    score: float


@dataclass(frozen=True)
class Reading:
    """How the names of one field were read; `chosen` is none where they tell no groups apart."""

    field: str
    separator: Separator
    n_names: int
    weight: int
    positions: tuple[Position, ...]
    chosen: Position | None


@dataclass(frozen=True)
class Yardstick:
    """What a group must have, and what the names are to be judged by.

    Attributes
    ----------
    total : int
        Weight of all media, all platforms.
    min_share : float
        Share of all media below which a group is too small.
    min_weeks : int
        Active weeks below which it is too short.
    geos : frozenset of str
        The client's geos, in lower case.
    """

    total: int
    min_share: float
    min_weeks: int
    geos: frozenset[str]


def find_separator(names: dict[str, int]) -> Separator:
    """Return the separator that cuts most of the weight into a stable number of tokens."""
    total = sum(names.values())
    best, best_score = WHOLE, 0.3
    for separator in SEPARATORS:
        counts: Counter[int] = Counter()
        for name, weight in names.items():
            counts[len(separator.split(name))] += weight
        cut = {count: weight for count, weight in counts.items() if count > 1}
        if not cut or total == 0:
            continue
        usual = max(cut, key=lambda count: (cut[count], -count))
        stable = sum(weight for count, weight in cut.items() if abs(count - usual) <= 1)
        score = stable / total * (1.0 if separator.is_strong else 0.8)
        if score > best_score + 1e-9:
            best, best_score = separator, score
        if separator.is_strong and score >= 0.6:
            break
    return best


def read_names(
    field: str,
    names: dict[str, int],
    yardstick: Yardstick,
    active_weeks: Callable[[frozenset[str]], int],
) -> Reading:
    """Return how the names of a field are read.

    Parameters
    ----------
    names : dict
        Distinct names -> weight (spend, as a whole number).
    active_weeks : callable
        Names -> number of weeks in which any of them had media.
    """
    separator = find_separator(names)
    total = sum(names.values())
    tokens = {name: separator.split(name) for name in names}
    lengths = {len(parts) for parts in tokens.values()}
    places = list(range(min(max(lengths, default=0), MAX_POSITIONS)))
    if len(lengths) > 1:
        places += [-1, -2, -3]
    positions = tuple(
        judge(at, values_at(at, tokens, names), total, yardstick, active_weeks) for at in places
    )
    has_frame = any(p.kind in ("constant", "dates", "places") for p in positions)
    positions = tuple(
        replace(p, kind="words")
        if p.kind == "groups" and not is_meant(p, separator, has_frame)
        else p
        for p in positions
    )
    candidates = [p for p in positions if p.kind == "groups"]
    chosen = max(candidates, key=lambda p: p.score, default=None)
    return Reading(field, separator, len(names), total, positions, chosen)


def values_at(at: int, tokens: dict[str, list[str]], names: dict[str, int]) -> list[Value]:
    """Return the values at a position, the heaviest first, names that end before it left out."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    shown: dict[str, tuple[int, str]] = {}
    for name in sorted(names):
        parts = tokens[name]
        if not -len(parts) <= at < len(parts) or not parts[at].strip():
            continue
        key = parts[at].lower()
        found[key].append(name)
        shown[key] = max(shown.get(key, (-1, "")), (names[name], parts[at]))
    values = [
        Value(shown[key][1], sum(names[name] for name in having), frozenset(having))
        for key, having in found.items()
    ]
    return sorted(values, key=lambda value: (-value.weight, value.text))


def judge(
    at: int,
    values: list[Value],
    total: int,
    yardstick: Yardstick,
    active_weeks: Callable[[frozenset[str]], int],
) -> Position:
    """Return what a position is: groups of campaigns, or something else and why."""
    present = sum(value.weight for value in values)

    def share(is_so: Callable[[str], bool]) -> float:
        weight = sum(value.weight for value in values if is_so(value.text))
        return weight / present if present else 0.0

    def verdict(kind: str, kept: tuple[Value, ...] = ()) -> Position:
        weight = sum(value.weight for value in kept)
        coverage = weight / total if total else 0.0
        return Position(at, kind, tuple(values), kept, coverage, score_of(at, kept, coverage))

    if share(vocabulary.is_calendar) >= 0.8:
        return verdict("dates")
    if share(vocabulary.is_number) >= 0.8:
        return verdict("numbers")
    geos = yardstick.geos
    if share(lambda text: vocabulary.is_geo(text, geos)) >= 0.9 and any(
        vocabulary.is_surely_geo(value.text, geos) for value in values
    ):
        return verdict("places")
    if not present or values[0].weight >= CONSTANT * present:
        return verdict("constant")
    kept = tuple(
        value
        for value in values
        if value.weight >= MIN_GROUP * total
        and value.weight >= yardstick.min_share * yardstick.total
        and not vocabulary.is_calendar(value.text)
        and not vocabulary.is_number(value.text)
        and active_weeks(value.names) >= yardstick.min_weeks
    )
    if not 2 <= len(kept) <= MAX_GROUPS:
        return verdict("few in common")
    judged = verdict("groups", kept)
    return judged if judged.coverage >= MIN_COVERAGE else verdict("too little", kept)


def known_share(kept: tuple[Value, ...]) -> float:
    """Return the share of weight whose token is a known word of naming conventions."""
    weight = sum(value.weight for value in kept)
    known = sum(value.weight for value in kept if is_known(value.text))
    return known / weight if weight else 0.0


def is_known(token: str) -> bool:
    """Return whether a token is a word that naming conventions use for kinds of campaigns."""
    return (
        vocabulary.objective_of(token) is not None
        or token.strip().lower() in vocabulary.SEARCH_SELLS
    )


def score_of(at: int, kept: tuple[Value, ...], coverage: float) -> float:
    """Return how well a position tells campaigns apart: much spend, known words, few even groups.

    Conventions go from coarse to fine, so of two alike the one further left is better.
    """
    if not kept:
        return 0.0
    largest = max(value.weight for value in kept) / sum(value.weight for value in kept)
    place = at if at >= 0 else 3 - at
    evenness = 0.25 * (1 - largest)
    return coverage + 0.5 * known_share(kept) + evenness - 0.05 * (len(kept) - 2) - 0.05 * place


def is_meant(position: Position, separator: Separator, has_frame: bool) -> bool:
    """Return whether groups come from a convention and not from chance words of free text.

    A strong separator is a convention, and so are two known words. Words between spaces or hyphens
    must come back in several names, within a frame: a word that is always there, a date or a place.
    """
    n_known = sum(is_known(value.text) for value in position.kept)
    if n_known >= 2:
        return True
    if separator is WHOLE:
        return False
    if separator.is_strong:
        return True
    return has_frame and all(len(value.names) >= 2 for value in position.kept)


def token_condition(
    field: str, separator: Separator, at: int, value: Value, names: Iterable[str]
) -> Condition:
    """Return the simplest condition that names have a token at a position.

    A prefix where all its names begin alike, else a regular expression that counts tokens. Of two
    expressions the readable one where it holds for no other of the `names`.
    """
    if separator is WHOLE:
        return exactly(field, value.text)
    own = sorted(value.names)
    if at >= 0:
        heads = {head_of(name, separator, at).lower() for name in own}
        head = head_of(own[0], separator, at)
        if len(heads) == 1 and is_kept_by_spreadsheets(head) and not head.endswith(" "):
            return Condition(field, "prefix", head)
    strict = Condition(field, "regex", counted(separator, separator.token, at, value))
    if separator.loose:
        loose = Condition(field, "regex", counted(separator, separator.loose, at, value))
        every = pl.Series(sorted(names))
        if set(every.filter(loose.matches(every))) == value.names:
            return loose
    return strict


def counted(separator: Separator, token: str, at: int, value: Value) -> str:
    """Return the regular expression of a token at a position, `token` for each one before it."""
    word = escaped(value.text)
    if at < 0:
        times = f"{{{-at - 1}}}" if at < -2 else ""
        rest = f"({separator.mark}{token}){times}" if at < -1 else ""
        return f"(^|{separator.mark}){word}{rest}$"
    lead = ""
    for tokens in zip(*(separator.split(name)[:at] for name in sorted(value.names)), strict=True):
        is_same = len({text.lower() for text in tokens}) == 1
        lead += (escaped(tokens[0]) if is_same else token) + separator.mark
    if len(lead) + len(word) > MAX_REGEX - 50:
        lead = (token + separator.mark) * at
    return f"^{lead}{word}({separator.mark}|$)"


def head_of(name: str, separator: Separator, at: int) -> str:
    """Return a name up to and with the separator after a position; a space where the name ends.

    The space says that the text is no prefix: it would also hold for longer tokens.
    """
    found = list(re.finditer(separator.mark, name))
    if len(found) <= at or separator.label == " ":
        return " "
    return name[: found[at].end()].rstrip(" ")
