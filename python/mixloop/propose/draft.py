"""The draft: hierarchy, mapping and model definitions as tables, and what the rules claim."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from mixloop.propose import vocabulary
from mixloop.propose.names import Yardstick
from mixloop.propose.patterns import Rule, first_match
from mixloop.propose.tree import Part, count_weeks, platforms, weighed
from mixloop.propose.words import Ids, clean, in_words

ROOT = "all_media"
HIERARCHY = (
    *("channel_id", "parent_id", "label", "owner", "objective", "is_modelled", "hierarchy_id"),
)
MAPPING = (
    *("rule_id", "priority", "match_field", "match_type", "pattern", "channel_id"),
    *("valid_from", "valid_to", "notes", "owner"),
)
MODELS = (
    *("model_id", "kpi", "geos", "channel_level", "forecast_horizon_weeks", "training_weeks"),
    *("holiday_country", "kpi_form"),
)
HORIZON_WEEKS = 26


@dataclass(frozen=True)
class Settings:
    """The thresholds of the project's vars, and the client's geos."""

    min_active_weeks: int = 12
    min_share_of_spend: float = 0.01
    weeks_per_channel: int = 10
    geos: tuple[str, ...] = ()


@dataclass
class Node:
    """One channel of the draft.

    `kind`: `root`, `family`, `other` (the rest of its parent), or its part's kind. `why_not`: why
    it is not modelled, where it might have been.
    """

    channel_id: str
    parent_id: str
    label: str
    kind: str
    objective: str = ""
    is_modelled: bool = False
    why_not: str = ""


@dataclass(frozen=True)
class Draft:
    """What is proposed.

    Attributes
    ----------
    hierarchy, mapping, models : DataFrame
        The client tables, every column text, columns as in docs/data-model.md.
    claims : DataFrame
        Line items with `channel_id`, the leaf that the rules lead to (null: no platform).
    facts : dict
        channel_id -> `Facts`, subtotals included.
    nodes : dict
        channel_id -> `Node`.
    parts : tuple of Part
        The platforms and how their names were read.
    unit : str
        What shares are shares of: spend, impressions or rows.
    """

    hierarchy: pl.DataFrame
    mapping: pl.DataFrame
    models: pl.DataFrame
    claims: pl.DataFrame
    facts: dict[str, Facts]
    nodes: dict[str, Node]
    parts: tuple[Part, ...]
    unit: str


@dataclass(frozen=True)
class Facts:
    """What a channel of the draft holds."""

    share: float
    n_line_items: int
    n_weeks: int
    first_month: str
    last_month: str
    has_spend: bool


def propose(items: pl.DataFrame, kpis: pl.DataFrame, settings: Settings) -> Draft:
    """Return the draft for a client's line items.

    Parameters
    ----------
    items : DataFrame
        Distinct line items: platform, account, campaign, ad_group, line_item (text, may be null),
        spend, impressions, n_rows, first_date, last_date, and `weeks`, the numbers of the weeks
        with media as a list.
    kpis : DataFrame
        kpi, one row for each KPI of the outcomes; may be empty.
    """
    items, unit = weighed(items)
    yardstick = Yardstick(
        total=int(items["weight"].sum()),
        min_share=settings.min_share_of_spend,
        min_weeks=settings.min_active_weeks,
        geos=frozenset(geo.strip().lower() for geo in settings.geos) - {"national"},
    )
    parts = platforms(items, yardstick)
    nodes, rules = Builder().build(parts)
    claims = items.with_columns(channel_id=first_match(items, rules))
    facts = facts_of(claims, nodes)
    decide(nodes, facts, settings)
    return Draft(
        hierarchy=hierarchy_table(nodes),
        mapping=mapping_table(rules, facts, unit),
        models=models_table(kpis),
        claims=claims,
        facts=facts,
        nodes=nodes,
        parts=parts,
        unit=unit,
    )


class Builder:
    """Makes nodes and rules of parts."""

    def __init__(self) -> None:
        self.ids = Ids()
        self.ids.taken.add(ROOT)
        self.nodes: dict[str, Node] = {}
        self.rules: list[Rule] = []

    def build(self, parts: tuple[Part, ...]) -> tuple[dict[str, Node], list[Rule]]:
        """Return nodes, parents before children, and rules in the order in which they are tried."""
        for part in parts:
            family = vocabulary.family_of(part.name)
            node = self.add(part, f"family:{family}" if family else ROOT, in_words(part.name))
            if family == "search":
                self.move_what_search_sells(node)
        return self.under_families(), self.rules

    def add(self, part: Part, parent_id: str, label: str) -> Node:
        """Add a part, the parts below it, and their rules; return its node."""
        above = () if part.kind == "platform" else (parent_id,)
        own_id = self.ids.give(*above, part.name)
        objective = vocabulary.objective_of(part.name) or ""
        node = Node(own_id, parent_id, label, part.kind, objective)
        self.nodes[own_id] = node
        for inner in part.parts:
            mark = " " if inner.kind == "finer" else ": "
            self.add(inner, own_id, f"{label}{mark}{clean(inner.name, 60)}")
        leaf = own_id
        if part.parts:
            leaf = self.ids.give(own_id, "other")
            self.nodes[leaf] = Node(leaf, own_id, f"{label}, other", "other")
        self.rules.append(Rule(leaf, leaf, part.conditions))
        return node

    def move_what_search_sells(self, platform: Node) -> None:
        """Put the videos and banners that a search platform sells under their own family."""
        for node in self.nodes.values():
            if node.kind == "group" and node.parent_id == platform.channel_id:
                word = node.label.removeprefix(f"{platform.label}: ").lower()
                family = vocabulary.SEARCH_SELLS.get(word)
                node.parent_id = f"family:{family}" if family else node.parent_id

    def under_families(self) -> dict[str, Node]:
        """Make a node of each family that has two members or more; lone members stand alone."""
        members = [node.parent_id for node in self.nodes.values()]
        families = {}
        for family, label in vocabulary.FAMILY_LABELS.items():
            if members.count(f"family:{family}") >= 2:
                families[f"family:{family}"] = Node(self.ids.give(family), ROOT, label, "family")
        for node in self.nodes.values():
            if node.parent_id.startswith("family:"):
                family = families.get(node.parent_id)
                node.parent_id = family.channel_id if family else ROOT
        ordered = [Node(ROOT, "", "All media", "root"), *families.values(), *self.nodes.values()]
        return {node.channel_id: node for node in ordered}


def facts_of(claims: pl.DataFrame, nodes: dict[str, Node]) -> dict[str, Facts]:
    """Return the facts of every node, from the line items that it or its descendants claim."""
    total = claims["weight"].sum()
    below: dict[str, list[str]] = {channel_id: [] for channel_id in nodes}
    for channel_id in nodes:
        above: str | None = channel_id
        while above:
            below[above].append(channel_id)
            above = nodes[above].parent_id
    found = {}
    for channel_id, leaves in below.items():
        own = claims.filter(pl.col("channel_id").is_in(leaves))
        first, last = own["first_date"].min(), own["last_date"].max()
        found[channel_id] = Facts(
            share=float(own["weight"].sum() / total) if total else 0.0,
            n_line_items=len(own),
            n_weeks=count_weeks(own),
            first_month=f"{first:%Y-%m}" if first else "",
            last_month=f"{last:%Y-%m}" if last else "",
            has_spend=float(own["spend"].clip(0).sum()) > 0,
        )
    return found


def decide(nodes: dict[str, Node], facts: dict[str, Facts], settings: Settings) -> None:
    """Mark the nodes to be modelled: groups and undivided platforms that are large and long enough.

    Where nothing in a platform or family is enough by itself, it is modelled as a whole if that is
    enough; where nothing at all is, all media together.
    """
    below = children_of(nodes)

    def visit(node: Node) -> bool:
        """Mark a node or nodes below it; return whether any was marked."""
        if node.kind in ("other", "finer"):
            return False
        inner = [] if node.kind == "group" else below.get(node.channel_id, [])
        if sum(visit(child) for child in inner):  # every child is visited
            return True
        node.why_not = shortcoming(facts[node.channel_id], settings)
        node.is_modelled = not node.why_not
        return node.is_modelled

    root = nodes[ROOT]
    if not visit(root):
        root.is_modelled = facts[ROOT].n_line_items > 0


def shortcoming(own: Facts, settings: Settings) -> str:
    """Return why a channel cannot be modelled by itself, empty when it can."""
    if own.share == 0:
        return "no spend"
    if own.share < settings.min_share_of_spend:
        return "too small"
    return "too short" if own.n_weeks < settings.min_active_weeks else ""


def children_of(nodes: dict[str, Node]) -> dict[str, list[Node]]:
    """Return the children of every node that has some, in order."""
    found: dict[str, list[Node]] = {}
    for node in nodes.values():
        found.setdefault(node.parent_id, []).append(node)
    return found


def hierarchy_table(nodes: dict[str, Node]) -> pl.DataFrame:
    """Return channel_hierarchy, parents before their children, siblings together."""
    children = children_of(nodes)
    ordered: list[Node] = []
    todo = [nodes[ROOT]]
    while todo:
        node = todo.pop()
        ordered.append(node)
        todo += reversed(children.get(node.channel_id, []))
    rows = [
        (n.channel_id, n.parent_id, n.label, "", n.objective, str(n.is_modelled).lower(), "main")
        for n in ordered
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(HIERARCHY, pl.String), orient="row")


def mapping_table(rules: list[Rule], facts: dict[str, Facts], unit: str) -> pl.DataFrame:
    """Return channel_mapping: a row for each condition, the notes on a rule's first row."""
    rows = []
    for number, rule in enumerate(rules, start=1):
        note = in_a_note(facts[rule.channel_id], unit)
        for at, condition in enumerate(rule.conditions):
            rows.append(
                (
                    *(rule.rule_id, str(10 * number), condition.match_field),
                    *(condition.match_type, condition.pattern, rule.channel_id),
                    *("", "", note if at == 0 else "", ""),
                )
            )
    return pl.DataFrame(rows, schema=dict.fromkeys(MAPPING, pl.String), orient="row")


def percent(share: float) -> str:
    """Return a share as a percentage, `under 0.1%` where it would be nothing.

    >>> percent(0.0004), percent(0.344), percent(0.25), percent(1.0)
    ('under 0.1%', '34.4%', '25%', '100%')
    """
    return "under 0.1%" if 0 < share < 0.001 else f"{share:.1%}".replace(".0%", "%")


def in_a_note(own: Facts, unit: str) -> str:
    """Return coverage in words."""
    if own.n_line_items == 0:
        return "nothing yet: new campaigns land here"
    share = percent(own.share) if own.share else "no part"
    items = "1 line item" if own.n_line_items == 1 else f"{own.n_line_items:,} line items"
    when = f", {own.first_month} to {own.last_month}" if own.first_month else ", never active"
    when = f", in {own.first_month}" if own.first_month == own.last_month != "" else when
    return f"{share} of {unit}, {items}{when}"


def models_table(kpis: pl.DataFrame) -> pl.DataFrame:
    """Return model_definitions: one model for each KPI, all geos, all history."""
    ids = Ids()
    rows = [
        (ids.give(kpi), kpi, "", "modelled", str(HORIZON_WEEKS), "", "", "")
        for kpi in sorted(kpis["kpi"].to_list())
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(MODELS, pl.String), orient="row")
