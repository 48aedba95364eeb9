"""What must come out of a world, worked out in plain Python from the rows that the client wrote.

Nothing here is shared with the SQL: trees are walked, rules are tried one after the other.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from tests.warehouse.worlds import FIELDS, Row, World

BLANK = " \t\n\r\xa0"
FIRST_ROW = 2  # the header is line 1
RESERVED = ("unmapped", "unassigned")


def numbered(rows: Iterable[Row]) -> list[tuple[int, Row]]:
    """Return rows with the number under which findings name them."""
    return list(enumerate(rows, start=FIRST_ROW))


class Tree:
    """One hierarchy as its client wrote it, sound or not."""

    def __init__(self, rows: list[tuple[int, Row]]) -> None:
        self.row: dict[str, Row] = {}
        self.line: dict[str, int] = {}
        for line, row in rows:
            self.row.setdefault(row["channel_id"], row)
            self.line.setdefault(row["channel_id"], line)
        self.children: dict[str, list[str]] = defaultdict(list)
        for name, row in self.row.items():
            if row["parent_id"] is not None:
                self.children[row["parent_id"]].append(name)

    def way_up(self, name: str) -> list[str]:
        """Return the node and those above it, up to the root or to where a cycle closes."""
        way: list[str] = []
        while name in self.row and name not in way:
            way.append(name)
            name = self.row[name]["parent_id"]
        return way

    def bottoms(self) -> list[str]:
        """Return the nodes with nothing below; reserved names are no nodes of a client."""
        return [name for name in self.row if name not in (*self.children, *RESERVED)]


def trees(world: World) -> dict[str, Tree]:
    """Return the hierarchies by name."""
    rows: dict[str, list] = defaultdict(list)
    for line, row in numbered(world.hierarchy):
        rows[row["hierarchy_id"] or "main"].append((line, row))
    return {name: Tree(own) for name, own in rows.items()}


def holdings(world: World) -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Return hierarchy -> node -> (leaf, bottom node that holds it), `unassigned` included."""
    found = {}
    main = trees(world)["main"]
    leaves = main.bottoms()
    for name, tree in trees(world).items():
        held = defaultdict(list)
        for bottom in tree.bottoms():
            for leaf in leaves:
                if bottom in main.way_up(leaf):
                    for above in tree.way_up(bottom):
                        held[above].append((leaf, bottom))
        placed = {leaf for pairs in held.values() for leaf, _ in pairs}
        for leaf in leaves:
            if leaf not in placed:
                held["unassigned"].append((leaf, "unassigned"))
        held["unmapped"].append(("unmapped", "unmapped"))
        found[name] = dict(held)
    return found


def node_id(hierarchy: str, name: str | None) -> str | None:
    """Return the key of a node over all hierarchies."""
    return name if hierarchy == "main" or name is None else f"{hierarchy}:{name}"


def channels(world: World) -> set[tuple]:
    """Return mixloop__channels of a sound world."""
    main = trees(world)["main"]
    held = holdings(world)
    estimated = {
        name: next((x for x in main.way_up(name) if main.row[x]["is_modelled"] == "true"), None)
        for name in main.row
    }
    found = set()
    for hierarchy, tree in trees(world).items():
        for name, pairs in held[hierarchy].items():
            key = node_id(hierarchy, name)
            below = any(estimated.get(leaf) for leaf, _ in pairs)
            at = estimated.get(name) or ("children" if below else None)
            if name in RESERVED:
                component = name if name == "unmapped" else key
                facts = (name.capitalize(), None, None, False, 0, name, True, at)
                found.add((key, hierarchy, name, None, component, *facts))
                continue
            row, way = tree.row[name], tree.way_up(name)
            known = main.row.get(name, dict.fromkeys(row))
            label, owner, objective = (
                row[column] or known[column] for column in ("label", "owner", "objective")
            )
            facts = (
                *(label or name, owner, objective, known["is_modelled"] == "true"),
                *(len(way) - 1, " > ".join(reversed(way)), name not in tree.children, at),
            )
            component = name if name in main.row else key
            found.add(
                (key, hierarchy, name, node_id(hierarchy, row["parent_id"]), component, *facts)
            )
    return found


def rollup(world: World) -> dict[tuple[str, str], set[str]]:
    """Return (hierarchy, node) -> leaves."""
    return {
        (hierarchy, name): {leaf for leaf, _ in pairs}
        for hierarchy, nodes in holdings(world).items()
        for name, pairs in nodes.items()
    }


def like_to_regex(pattern: str) -> str:
    """Return a SQL LIKE pattern as a regular expression."""
    return "".join({"%": ".*", "_": "."}.get(c) or re.escape(c) for c in pattern)


def holds(condition: Row, item: Row) -> bool:
    """Return whether a line item meets a condition."""
    text, pattern = item[condition["match_field"]], condition["pattern"]
    if text is None:
        return False
    if condition["match_type"] == "regex":
        return re.search(pattern, text, re.IGNORECASE) is not None
    text, pattern = text.lower(), pattern.lower()
    if condition["match_type"] == "like":
        return re.fullmatch(like_to_regex(pattern), text, re.DOTALL) is not None
    return text == pattern if condition["match_type"] == "exact" else text.startswith(pattern)


def rules_in_order(world: World) -> list[tuple[str, list[Row]]]:
    """Return rules as (name, conditions) in the order in which they are tried."""
    groups: dict[tuple, list[tuple[int, Row]]] = defaultdict(list)
    for line, row in numbered(world.mapping):
        groups[("named", row["rule_id"]) if row["rule_id"] else ("row", line)].append((line, row))
    ordered = sorted(groups.values(), key=lambda rows: (int(rows[0][1]["priority"]), rows[0][0]))
    alone = defaultdict(int)
    names = {row["rule_id"] for row in world.mapping}
    for row in world.mapping:
        alone[row["priority"]] += not row["rule_id"]
    found = []
    for rows in ordered:
        line, row = rows[0]
        short = f"p{row['priority']}"
        is_unique = alone[row["priority"]] == 1 and short not in names
        name = row["rule_id"] or (short if is_unique else f"{short}_row{line}")
        found.append((name, [condition for _, condition in rows]))
    return found


def trimmed(row: dict) -> Row:
    """Return a line item's names without white space at their ends, None where nothing is left."""
    return {name: (row[name] or "").strip(BLANK) or None for name in FIELDS}


def claims(world: World) -> dict[tuple, list[tuple]]:
    """Return line item -> (channel, rule, first day, last day) of each rule that claims it."""
    found = {}
    for row in world.media:
        item = trimmed(row)
        key = tuple(item.values())
        if key not in found:
            found[key] = [
                (
                    conditions[0]["channel_id"],
                    name,
                    date.fromisoformat(conditions[0]["valid_from"] or "0001-01-01"),
                    date.fromisoformat(conditions[0]["valid_to"] or "9999-12-31"),
                )
                for name, conditions in rules_in_order(world)
                if all(holds(condition, item) for condition in conditions)
            ]
    return found


def mapped_to(rules: list[tuple], day: date) -> tuple[str, str]:
    """Return channel and rule of a day: the first rule that is valid on it."""
    for channel, name, first, last in rules:
        if first <= day <= last:
            return channel, name
    return "unmapped", "unmapped"


def source_rows(world: World) -> list[tuple]:
    """Return (row, week, geo, names, channel, rule, spend) of every media row."""
    rules = claims(world)
    found = []
    for line, row in enumerate(world.media, start=1):  # a table of the warehouse has no header
        key = tuple(trimmed(row).values())
        week = row["date"] - timedelta(days=row["date"].weekday())
        geo = (row["geo"] or "").strip(BLANK) or "national"
        found.append((line, week, geo, key, *mapped_to(rules[key], row["date"]), row["spend"]))
    return found


def spend_of_nodes(world: World) -> dict[tuple, Decimal]:
    """Return (hierarchy, node, week) -> spend."""
    leaf_weeks: dict[tuple, Decimal] = defaultdict(Decimal)
    for _, week, _, _, channel, _, spend in source_rows(world):
        leaf_weeks[channel, week] += spend
    found: dict[tuple, Decimal] = defaultdict(Decimal)
    for (hierarchy, name), leaves in rollup(world).items():
        for (leaf, week), spend in leaf_weeks.items():
            if leaf in leaves:
                found[hierarchy, name, week] += spend
    return dict(found)


def cycle_of(tree: Tree, name: str) -> list[str]:
    """Return the cycle that a node is on, the node first; empty where it is on none."""
    way = tree.way_up(name)
    return way if tree.row[way[-1]]["parent_id"] == name else []


def findings(world: World) -> Counter:
    """Return (check, row) of everything that is wrong with the hierarchies."""
    found: list[tuple[str, int]] = []
    seen = set()
    forest, held = trees(world), holdings(world)
    main = forest["main"]
    for line, row in numbered(world.hierarchy):
        key = (row["hierarchy_id"] or "main", row["channel_id"])
        found += [("repeated_key", line)] if key in seen else []
        seen.add(key)
    for hierarchy, tree in forest.items():
        if hierarchy != "main" and (":" in hierarchy or hierarchy.lower() == "main"):
            found.append(("reserved_hierarchy_id", min(tree.line.values())))
        for name, row in tree.row.items():
            line = tree.line[name]
            if name in (*RESERVED, "kpi"):
                found.append(("reserved_channel_id", line))
            if row["parent_id"] is not None and row["parent_id"] not in tree.row:
                found.append(("unknown_parent", line))
            cycle = cycle_of(tree, name)
            if cycle and name == min(cycle):
                found.append(("cycle", line))
        found += findings_in_main(tree) if hierarchy == "main" else []
        found += findings_beside_main(hierarchy, tree, main, held)
    return Counter(found)


def findings_in_main(main: Tree) -> list[tuple[str, int]]:
    """Return what can only be wrong in `main`: one finding for each modelled node above another."""
    return [
        ("modelled_above_modelled", main.line[name])
        for name in main.row
        for above in main.way_up(name)[1:]
        if main.row[name]["is_modelled"] == main.row[above]["is_modelled"] == "true"
    ]


def findings_beside_main(hierarchy: str, tree: Tree, main: Tree, held: dict) -> list:
    """Return what is wrong with a hierarchy's leaves; nothing for `main` itself."""
    if hierarchy == "main":
        return []
    found = [
        ("leaf_not_assigned", main.line[leaf]) for leaf, _ in held[hierarchy].get("unassigned", [])
    ]
    own = [name for name in tree.row if name not in RESERVED]
    for name in own:
        line = tree.line[name]
        if name not in main.row and name not in tree.children:
            found.append(("leaf_not_in_main", line))
        here = {leaf for leaf, _ in held[hierarchy].get(name, [])}
        there = {leaf for leaf, _ in held["main"].get(name, [])}
        if name in main.row and here != there:
            found.append(("differs_from_main", line))
        if tree.row[name]["is_modelled"] == "true":
            found.append(("is_modelled_outside_main", line))
    first = {}
    for name in sorted(tree.bottoms(), key=tree.line.__getitem__):
        leaves = {leaf for leaf, by in held[hierarchy].get(name, []) if by == name}
        if leaves & first.keys():
            found.append(("leaf_counted_twice", tree.line[name]))
        first |= dict.fromkeys(leaves, name)
    return found
