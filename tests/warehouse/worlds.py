"""Random clients: trees, roll-ups over the same leaves, mapping rules and media, from a seed.

Names are odd on purpose: quotes, semicolons, emoji, right-to-left text, thousands of characters.
Small seeds make small worlds, so that the first one that fails is easy to read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl

MONDAY = date(2024, 1, 1)
N_WEEKS = 5
FIELDS = ("platform", "account", "campaign", "ad_group", "line_item")
HIERARCHY = ("channel_id", "parent_id", "label", "owner", "objective", "is_modelled")
ODD = (
    *("Brand", "brand", "Éclair", "a b", "100%", "_", "%_%", "x" * 2000, "O'Brien", '"q"', "';--"),
    *(
        "{{ 1/0 }}",
        "שלום עולם",
        "\u202eRTL\u202c",
        "🎬🍿",
        "👩‍💻",
        "a\\b",
        "a > b",
        "x,y;z",
        "$^.*+?([",
    ),
    *("Über Öl", "ЖУРНАЛ", "東京", "null", "NaN", "0012", "<b>", "all", "main"),
)

Row = dict[str, str | None]


@dataclass
class World:
    """Tables of one client; source_row of a row is its position, the first one is 2."""

    hierarchy: list[Row]
    mapping: list[Row]
    media: list[dict[str, object]] = field(default_factory=list)

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return the tables as the warehouse reads them."""
        text = pl.String()
        media_schema = {
            "date": pl.Date(),
            **dict.fromkeys((*FIELDS, "geo"), text),
            **{"spend": pl.Decimal(12, 2), "impressions": pl.Int64(), "clicks": pl.Int64()},
        }
        conditions = ("rule_id", "priority", "match_field", "match_type", "pattern", "channel_id")
        return {
            "channel_hierarchy": pl.DataFrame(
                self.hierarchy, schema=dict.fromkeys((*HIERARCHY, "hierarchy_id"), text)
            ),
            "channel_mapping": pl.DataFrame(
                self.mapping, schema=dict.fromkeys((*conditions, "valid_from", "valid_to"), text)
            ),
            "media": pl.DataFrame(self.media, schema=media_schema, orient="row"),
            "outcomes": pl.DataFrame({"date": [MONDAY], "kpi": ["sales"], "value": [1.0]}),
            "model_definitions": pl.DataFrame({"model_id": ["m"], "kpi": ["sales"]}),
        }


def pick(rng: np.random.Generator, options: list | tuple) -> object:
    """Return one of the options."""
    return options[int(rng.integers(len(options)))]


def odd_id(rng: np.random.Generator, number: int) -> str:
    """Return an odd name that no other number has."""
    return f"{pick(rng, ODD)}{pick(rng, ('', ' ', ':'))}{number}"


def node(channel_id: str, parent_id: str | None, hierarchy_id: str | None, **values: str) -> Row:
    """Return a row of channel_hierarchy."""
    return dict.fromkeys(HIERARCHY) | {
        "channel_id": channel_id,
        "parent_id": parent_id,
        "hierarchy_id": hierarchy_id,
        **values,
    }


def main_tree(rng: np.random.Generator, size: int) -> list[Row]:
    """Return the rows of `main`: up to `size` nodes, 1 to 8 levels, one or more roots."""
    n_levels = int(rng.integers(1, 9))
    rows: list[Row] = []
    levels: list[int] = []
    modelled_above: list[bool] = []
    for k in range(int(rng.integers(1, size + 1))):
        # the youngest nodes are likelier parents: deep trees, not only broad ones
        at = k - 1 - int(min(rng.exponential(4), k)) if k else -1
        is_root = at < 0 or levels[at] + 1 >= n_levels or rng.random() < 0.1
        is_modelled = rng.random() < 0.3 and (is_root or not modelled_above[at])
        values = {
            "label": str(pick(rng, ODD)),
            "owner": pick(rng, (None, "social team", *ODD[:4])),
            "objective": pick(rng, (None, "brand", "performance")),
            "is_modelled": "true" if is_modelled else "false",
        }
        parent = None if is_root else rows[at]["channel_id"]
        rows.append(node(odd_id(rng, k), parent, pick(rng, (None, "main")), **values))
        levels.append(0 if is_root else levels[at] + 1)
        modelled_above.append(is_modelled or (not is_root and modelled_above[at]))
    return rows


def children_of(rows: list[Row], channel_id: str | None) -> list[str]:
    """Return the channels right below one, or the roots."""
    return [row["channel_id"] for row in rows if row["parent_id"] == channel_id]


def other_tree(rng: np.random.Generator, main: list[Row], name: str) -> list[Row]:
    """Return the rows of a hierarchy over the same leaves, complete or with gaps."""
    is_complete = rng.random() < 0.6
    own: list[Row] = []
    for k in range(
        int(rng.integers(1, 7))
    ):  # nodes of its own, each below an earlier one or a root
        above = pick(rng, [None, *(row["channel_id"] for row in own)])
        values = {"label": pick(rng, (None, "Team")), "owner": pick(rng, (None, "Ann"))}
        own.append(node(f"{pick(rng, ODD)}~{k}", above, name, **values))
    placed: list[Row] = []

    def place(channel_id: str, above: str | None, must_hold: bool) -> None:
        below = children_of(main, channel_id)
        if below and rng.random() < 0.6:
            is_kept = must_hold or rng.random() < 0.3  # the node itself comes along, all below it
            if is_kept:
                placed.append(node(channel_id, above, name, **extras()))
            for child in below:
                place(child, channel_id if is_kept else parent(), is_kept)
        elif must_hold or is_complete or rng.random() < 0.8:
            placed.append(node(channel_id, above, name, **extras()))

    def parent() -> str | None:
        return pick(rng, [None, *(row["channel_id"] for row in own)])

    def extras() -> dict[str, str | None]:
        labels = {"label": pick(rng, (None, "Other label")), "owner": pick(rng, (None, "Bo"))}
        return labels | {"objective": pick(rng, (None, "reach"))}

    for root in children_of(main, None):
        place(root, parent(), False)
    # a node of its own that holds nothing would be a leaf that main does not know
    while True:
        above = {row["parent_id"] for row in (*own, *placed)}
        full = [row for row in own if row["channel_id"] in above]
        if len(full) == len(own):
            break
        own = full
    rows = [*own, *placed]
    return [rows[k] for k in rng.permutation(len(rows))]


def patterns(rng: np.random.Generator, text: str) -> tuple[str, str]:
    """Return a match type and a pattern that has to do with a text."""
    kind = str(pick(rng, ("exact", "prefix", "like", "regex")))
    first, last = sorted(int(x) for x in rng.integers(0, len(text) + 1, 2))
    part = text[first:last][:300].strip() or text[:1]
    if kind == "exact":
        found = text
    elif kind == "prefix":
        found = text[: max(last, 1)].strip()
    elif kind == "like":
        found = str(pick(rng, (f"%{part}%", f"{part}%", f"%{part}", f"_{part}%", "%", "_%")))
    else:
        literal = "".join(c if c.isalnum() else "." if len(part) < 3 else f"[{c}]" for c in part)
        literal = literal.replace("[^]", "\\^").replace("[\\]", "\\\\").replace("[[]", "\\[")
        options = (
            literal,
            f"^{literal}",
            f"{literal}$",
            f"({literal}|zzz)",
            "^[a-z]+$",
            "[0-9]{2}",
        )
        found = str(pick(rng, options))
    return kind, pick(rng, (found, found.upper(), found.lower())) if kind != "regex" else found


def rules(rng: np.random.Generator, leaves: list[str], items: list[Row], size: int) -> list[Row]:
    """Return rows of channel_mapping: rules of one to three conditions, priorities that overlap."""
    rows: list[Row] = []
    for k in range(int(rng.integers(0, size + 1))):
        n_conditions = int(pick(rng, (1, 1, 2, 3)))
        rule_id = f"{pick(rng, ODD)} {k}" if n_conditions > 1 or rng.random() < 0.3 else None
        days = [
            MONDAY + timedelta(days=int(x)) for x in sorted(rng.integers(-3, 7 * N_WEEKS + 3, 2))
        ]
        shared = {
            "rule_id": rule_id,
            "priority": str(rng.integers(1, 9)),
            "channel_id": pick(rng, leaves),
            "valid_from": pick(rng, (None, days[0].isoformat())),
            "valid_to": pick(rng, (None, days[1].isoformat())),
        }
        item = pick(rng, items)
        for _ in range(n_conditions):
            match_field = str(pick(rng, FIELDS))
            text = item[match_field] or str(pick(rng, ODD))
            kind, pattern = patterns(rng, text.strip())
            rows.append(
                shared | {"match_field": match_field, "match_type": kind, "pattern": pattern}
            )
    return [rows[k] for k in rng.permutation(len(rows))]


def media_rows(rng: np.random.Generator, items: list[Row], size: int) -> list[dict[str, object]]:
    """Return media: days or weeks, with or without geos, money in cents."""
    weekly, geos = (
        rng.random() < 0.4,
        pick(rng, ([None], ["north", "süd"], ["北", None, " north "])),
    )
    found = []
    for _ in range(int(rng.integers(1, size + 1))):
        day = int(rng.integers(0, 7 * N_WEEKS))
        found.append(
            {
                "date": MONDAY + timedelta(days=day - day % 7 if weekly else day),
                **pick(rng, items),
                "geo": pick(rng, geos),
                "spend": Decimal(int(rng.integers(0, 10**7))) / 100,
                "impressions": pick(rng, (None, int(rng.integers(0, 10**6)))),
                "clicks": pick(rng, (None, 3)),
            }
        )
    return found


def line_items(rng: np.random.Generator, size: int) -> list[Row]:
    """Return line items; some differ in white space at their ends only, which is no difference."""
    found = []
    for _ in range(int(rng.integers(1, size + 1))):
        texts = [f"{pick(rng, ('', ' ', chr(160)))}{pick(rng, ODD)}" for _ in FIELDS]
        item = {
            name: pick(rng, (text, text, None)) for name, text in zip(FIELDS, texts, strict=True)
        }
        found.append(item | {"platform": item["platform"] or "meta"})
    return found


def random_world(seed: int) -> World:
    """Return the world of a seed; a fault in it would be one of this code, not of the world."""
    rng = np.random.default_rng(seed)
    size = 3 + 2 * seed % 40
    main = main_tree(rng, size)
    above = {row["parent_id"] for row in main}
    leaves = [row["channel_id"] for row in main if row["channel_id"] not in above]
    others = [f"{name}{k}" for k, name in enumerate(rng.choice(["team", "ФУНЕЛ", 'O\'k "r"'], 3))]
    hierarchy = list(main)
    for name in others[: int(rng.integers(0, 4))]:
        hierarchy += other_tree(rng, main, name)
    items = line_items(rng, size)
    return World(hierarchy, rules(rng, leaves, items, 12), media_rows(rng, items, 4 * size))
