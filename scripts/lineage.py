"""Draw docs/images/lineage.svg from dbt's manifest: the layers and what stands in them.

    .venv/bin/dbt parse && .venv/bin/python scripts/lineage.py

Inputs, client tables and public tables are named, and of the layers between them the models that
another layer reads. Arrows are drawn where the manifest has a dependency between two layers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "target" / "manifest.json"
OUT = ROOT / "docs" / "images" / "lineage.svg"

LAYERS = {
    "inputs": "raw tables, seeds or files",
    "staging": "typed, never filtered",
    "hierarchy": "mapping, trees, gate",
    "integrity": "what is in doubt",
    "features": "weeks, media, context, plans",
    "fit": "Bayesian regression",
    "loop": "what came of it, and why",
    "marts": "public tables",
}
# folders that are drawn with a neighbour
BESIDE = {"requirements": "features"} | dict.fromkeys(
    ("ledgers", "bridge", "staleness", "hypotheses", "decisions", "planning"), "loop"
)
WIDTH, ROW, TOP, GAP = 178, 19, 78, 22
INK, SOFT, EDGE, FILL = "#1f2933", "#52606d", "#9aa5b1", "#f5f7fa"
ACCENT = {"inputs": "#0b7285", "fit": "#862e9c", "marts": "#2b8a3e"}


def layer_of(node: dict) -> str | None:
    """Return the layer a node of the manifest stands in.

    Raises
    ------
    ValueError
        When a folder of models/intermediate has no layer.
    """
    if node["resource_type"] in ("source", "seed"):
        return "inputs"
    if node["resource_type"] != "model":
        return None
    folders = [BESIDE.get(name, name) for name in node["fqn"][1:-1]]
    if folders[0] == "marts":
        return "marts"
    found = next((name for name in reversed(folders) if name in LAYERS), None)
    if found is None:
        raise ValueError(f"{node['name']} is in no layer: add its folder to LAYERS or BESIDE")
    return found


def short(name: str) -> str:
    """Return a model's name without the package's prefix."""
    return name.split("mixloop__")[-1]


def text(x: float, y: float, words: str, size: int, colour: str, weight: str = "normal") -> str:
    """Return a text element."""
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" fill="{colour}" '
        f'font-weight="{weight}">{escape(words)}</text>'
    )


def draw(nodes: Iterable[dict]) -> str:
    """Return the picture as SVG."""
    nodes = list(nodes)
    members: dict[str, list[dict]] = {name: [] for name in LAYERS}
    layer = {node["unique_id"]: layer_of(node) for node in nodes}
    for node in nodes:
        if layer[node["unique_id"]]:
            members[layer[node["unique_id"]]].append(node)
    pairs = [
        (parent, node["unique_id"])
        for node in nodes
        for parent in node.get("depends_on", {}).get("nodes", [])
        if layer[node["unique_id"]]
    ]
    edges = {(layer.get(parent), layer[child]) for parent, child in pairs}
    read_later = {parent for parent, child in pairs if layer.get(parent) != layer[child]}
    listed = {}
    for name, own in members.items():
        shown = [n for n in own if name in ("inputs", "marts") or n["unique_id"] in read_later]
        rows = sorted(short(node["name"]) for node in shown)
        hidden = len(own) - len(rows)
        listed[name] = rows + ([f"and {hidden} inside"] if hidden else [])
    height = TOP + ROW * (max(len(names) for names in listed.values()) + 1) + 40
    total = len(LAYERS) * (WIDTH + GAP) + GAP
    parts = []
    order = list(LAYERS)
    for column, name in enumerate(order):
        x = GAP + column * (WIDTH + GAP)
        colour = ACCENT.get(name, INK)
        parts.append(
            f'<rect x="{x}" y="20" width="{WIDTH}" height="{height - 40}" rx="8" fill="{FILL}" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(text(x + 12, 44, name, 16, colour, "bold"))
        parts.append(text(x + 12, 62, LAYERS[name], 11, SOFT))
        for row, words in enumerate(listed[name]):
            shade = SOFT if words.startswith("and ") else INK
            parts.append(text(x + 12, TOP + ROW * (row + 1), words, 12, shade))
        if column and (order[column - 1], name) in edges:
            parts.append(
                f'<path d="M {x - GAP + 2} 40 L {x - 6} 40" stroke="{EDGE}" stroke-width="2" '
                'marker-end="url(#arrow)"/>'
            )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} {height}" '
        'font-family="system-ui, sans-serif" role="img" '
        'aria-label="Lineage: inputs, staging, hierarchy, integrity, features, fit, loop, marts">'
        '<defs><marker id="arrow" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0L10 5L0 10z" fill="{EDGE}"/></marker></defs>'
        f'<rect width="{total}" height="{height}" fill="white"/>{"".join(parts)}</svg>\n'
    )


def main() -> int:
    """Read the manifest and write the picture."""
    if not MANIFEST.exists():
        print(f"{MANIFEST} is missing: run dbt parse first", file=sys.stderr)
        return 1
    manifest = json.loads(MANIFEST.read_text())
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(draw([*manifest["nodes"].values(), *manifest["sources"].values()]))
    print(f"wrote {OUT.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
