"""Faults planted in random worlds: which finding they must make, and in which row."""

from __future__ import annotations

import numpy as np
from tests.warehouse.oracle import FIRST_ROW, trees
from tests.warehouse.worlds import Row, World, node, pick, random_world

Planted = tuple[str, int]


def last_line(world: World) -> int:
    """Return the number of the last row."""
    return len(world.hierarchy) + FIRST_ROW - 1


def row_at(world: World, line: int) -> Row:
    """Return the row of a number."""
    return world.hierarchy[line - FIRST_ROW]


def cycle(world: World, rng: np.random.Generator) -> Planted:
    """Put a node below one of its descendants, or itself."""
    hierarchy = pick(rng, list(trees(world)))
    tree = trees(world)[hierarchy]
    bottom = pick(rng, list(tree.row))
    way = tree.way_up(bottom)
    top = pick(rng, way)
    row_at(world, tree.line[top])["parent_id"] = bottom
    members = way[: way.index(top) + 1]
    return "cycle", tree.line[min(members)]


def orphan(world: World, rng: np.random.Generator) -> Planted:
    """Misspell a parent."""
    tree = trees(world)[pick(rng, list(trees(world)))]
    name = pick(rng, list(tree.row))
    row_at(world, tree.line[name])["parent_id"] = str(pick(rng, ("gone?", "O'Gone", "🎬?")))
    return "unknown_parent", tree.line[name]


def double(world: World, rng: np.random.Generator) -> Planted:
    """Name a channel a second time, below another parent or the same."""
    tree = trees(world)[pick(rng, list(trees(world)))]
    row = tree.row[pick(rng, list(tree.row))]
    world.hierarchy.append(row | {"parent_id": pick(rng, [None, row["parent_id"], *tree.row])})
    return "repeated_key", last_line(world)


def nested(world: World, rng: np.random.Generator) -> Planted:
    """Model a node and one below it."""
    above = pick(rng, list(trees(world)["main"].row))
    row_at(world, trees(world)["main"].line[above])["is_modelled"] = "true"
    values = {"label": "Below", "is_modelled": "true"}
    world.hierarchy.append(node(f"below~{len(world.hierarchy)}", above, None, **values))
    return "modelled_above_modelled", last_line(world)


def beside(world: World) -> str:
    """Return a hierarchy beside main; make one that is complete where there is none."""
    names = [name for name in trees(world) if name != "main"]
    if not names:
        names = ["made"]
        main = trees(world)["main"]
        roots = [name for name, row in main.row.items() if row["parent_id"] is None]
        roots = roots or list(main.row)[:1]  # a cycle may have left none
        world.hierarchy += [node(name, None, "made") for name in roots]
    return names[0]


def stranger(world: World, rng: np.random.Generator) -> Planted:
    """Give another hierarchy a leaf that main does not know."""
    name = beside(world)
    inner = [x for x in trees(world)[name].children if x not in trees(world)["main"].row]
    world.hierarchy.append(
        node(f"stranger~{len(world.hierarchy)}", pick(rng, [None, *inner]), name)
    )
    return "leaf_not_in_main", last_line(world)


def twice(world: World, rng: np.random.Generator) -> Planted:
    """Place a channel in another hierarchy that holds one of its leaves already."""
    name = beside(world)
    tree, main = trees(world)[name], trees(world)["main"]
    placed = [x for x in tree.bottoms() if x in main.row]
    if not placed:
        return stranger(world, rng)
    at = pick(rng, placed)
    free = [
        x for x in main.row if x not in tree.row and (at in main.way_up(x) or x in main.way_up(at))
    ]
    if not free:
        return double(world, rng)
    world.hierarchy.append(node(pick(rng, free), None, name))
    return "leaf_counted_twice", last_line(world)


def namesake(world: World, rng: np.random.Generator) -> Planted:
    """Call a node of another hierarchy like a channel of main, with other leaves below."""
    name = beside(world)
    tree, main = trees(world)[name], trees(world)["main"]
    with_leaves = {above for leaf in main.bottoms() for above in main.way_up(leaf)[1:]}
    inner = [x for x in main.row if x in with_leaves and x not in tree.row]
    if not inner:
        return stranger(world, rng)
    at = pick(rng, inner)
    world.hierarchy.append(node(at, None, name))
    world.hierarchy.append(node(f"stranger~{len(world.hierarchy)}", at, name))
    return "differs_from_main", last_line(world) - 1


def reserved(world: World, rng: np.random.Generator) -> Planted:
    """Use a name that mixloop uses itself."""
    taken = pick(rng, ("unmapped", "unassigned", "kpi"))
    name = pick(rng, list(trees(world)))
    world.hierarchy.append(node(taken, None, name, label="Taken", is_modelled="false"))
    tree = trees(world)[name]
    if tree.line[taken] != last_line(world):
        return "repeated_key", last_line(world)
    return "reserved_channel_id", last_line(world)


def renamed(world: World, rng: np.random.Generator) -> Planted:
    """Give a hierarchy a name that cannot be one."""
    old, new = beside(world), pick(rng, ("MAIN", "Main", "a:b", ":"))
    for row in world.hierarchy:
        if row["hierarchy_id"] == old:
            row["hierarchy_id"] = new
    return "reserved_hierarchy_id", min(trees(world)[new].line.values())


FAULTS = (cycle, orphan, double, nested, stranger, twice, namesake, reserved, renamed)


def broken_world(seed: int) -> tuple[World, set[Planted]]:
    """Return the world of a seed with one fault, in every third world with up to three.

    Later faults can cover up earlier ones (a cycle swallows an orphan), so only the last one is
    promised; the oracle says what must be found in all.
    """
    world = random_world(seed)
    rng = np.random.default_rng([seed, 1])
    n_faults = 1 + (int(rng.integers(0, 3)) if seed % 3 == 0 else 0)
    planted = [FAULTS[int(rng.integers(len(FAULTS)))](world, rng) for _ in range(n_faults)]
    return world, {planted[-1]}
