"""The page that goes with a draft: how the names were read, what was left out, what to do next."""

from __future__ import annotations

from mixloop.propose import vocabulary
from mixloop.propose.draft import Draft, Node, Settings, children_of, in_a_note, percent
from mixloop.propose.names import MIN_GROUP, Position, Reading, Value
from mixloop.propose.patterns import is_kept_by_spreadsheets
from mixloop.propose.tree import Part, separator_in_words
from mixloop.propose.words import code

SHOWN = 6  # values named in one cell
KINDS = {
    "constant": "the same everywhere",
    "dates": "dates, ignored",
    "numbers": "numbers or ids, ignored",
    "places": "places, ignored: mixloop has a column for geos",
    "few in common": "no two values are large and lasting enough",
    "too little": "its larger values cover too little of the spend",
    "words": "free text: no convention shows",
    "groups": "could divide the platform too",
}


def report(draft: Draft, settings: Settings, source: str) -> str:
    """Return the page as Markdown.

    Parameters
    ----------
    source : str
        Where the media came from.
    """
    blocks = [
        *opening(draft, source),
        *modelled_lines(draft, settings),
        *platform_lines(draft),
        *other_lines(draft, settings),
        *not_modelled_lines(draft, settings),
        *next_steps(draft),
    ]
    return "\n".join(blocks) + "\n"


def opening(draft: Draft, source: str) -> list[str]:
    """Return what the draft was made from and what its rules claim."""
    claims = draft.claims
    unclaimed = claims["channel_id"].is_null()
    total = claims["weight"].sum()
    claimed = 1 - claims.filter(unclaimed)["weight"].sum() / total if total else 0.0
    first, last = claims["first_date"].min(), claims["last_date"].max()
    when = f", {first} to {last}" if first else ""
    lines = [
        "# A first draft of your channels",
        "",
        "Made from your line items by their names alone. Edit it: you know what the names mean.",
        "",
        f"- Read from {code(source, 120)}: {len(claims):,} line items{when}.",
        f"- {len(draft.parts)} platforms, {len(draft.nodes)} channels in the hierarchy, "
        f"{draft.mapping['rule_id'].n_unique()} rules.",
        f"- The rules claim {percent(claimed)} of {draft.unit}; every line item by exactly one "
        "rule, the first that holds.",
    ]
    if unclaimed.any():
        count = (
            "1 line item has" if unclaimed.sum() == 1 else f"{unclaimed.sum():,} line items have"
        )
        lines.append(f"- {count} no platform: no rule can claim them. Fill in platform in media.")
    if draft.unit != "spend":
        lines.append(f"- There is no spend: shares are of {draft.unit}.")
    return lines


def modelled_lines(draft: Draft, settings: Settings) -> list[str]:
    """Return the channels that are to be modelled, and whether the history can bear so many."""
    modelled = [node for node in draft.nodes.values() if node.is_modelled]
    modelled.sort(key=lambda node: (-draft.facts[node.channel_id].share, node.channel_id))
    n_weeks = draft.facts["all_media"].n_weeks
    lines = [
        *("", "## Channels to be modelled", ""),
        "| channel | claims |",
        "|---|---|",
        *(
            f"| {code(node.label, 80)} | {in_a_note(draft.facts[node.channel_id], draft.unit)} |"
            for node in modelled
        ),
        "",
    ]
    if any(node.kind == "root" for node in modelled):
        lines.append("Nothing is large and long enough by itself: all media are modelled as one.")
    if len(modelled) * settings.weeks_per_channel > n_weeks:
        lines.append(
            f"That is {len(modelled)} channels for {n_weeks} weeks of media, and {n_weeks} weeks "
            f"tell about {max(1, n_weeks // settings.weeks_per_channel)} channels apart "
            f"({settings.weeks_per_channel} weeks each); several geos help. Where you buy two as "
            "one, set is_modelled to false on both and to true on their parent."
        )
    return lines


def platform_lines(draft: Draft) -> list[str]:
    """Return how the names of every platform were read; those with nothing to read in one line."""
    lines = ["", "## How the names were read", ""]
    plain = [part for part in draft.parts if not part.parts and not has_table(part)]
    if plain:
        names = ", ".join(code(part.name) for part in plain)
        lines += [f"One channel each, there is but one name to read: {names}.", ""]
    for part in draft.parts:
        if part not in plain:
            lines += [f"### {code(part.name)}", ""]
            accounts = [inner for inner in part.parts if inner.kind == "account"]
            for whole in (part, *accounts):
                lines += part_lines(whole)
    return lines[:-1]


def has_table(part: Part) -> bool:
    """Return whether there is anything to show of how its names were read."""
    return any(reading.n_names > 1 for reading in part.readings)


def part_lines(part: Part) -> list[str]:
    """Return how the names of one platform or account were read."""
    whose = f"Account {code(part.name)}: " if part.kind == "account" else ""
    lines = []
    if not part.parts:
        lines += [f"{whose}One channel: its names tell no groups apart.", ""]
    for reading in part.readings:
        if reading.chosen is not None:
            lines += [f"{whose}Divided by {place_in_words(reading)}.", ""]
        if reading.n_names > 1:
            lines += reading_lines(reading)
    for group in part.parts:
        for reading in group.readings if group.kind == "group" else ():
            if reading.chosen is not None:
                names = ", ".join(code(value.text) for value in reading.chosen.kept)
                lines += [
                    f"{code(group.name)} is divided once more by {place_in_words(reading)}: "
                    f"{names}; they are seen apart and modelled together.",
                    "",
                ]
    if part.kind == "platform" and any(inner.kind == "account" for inner in part.parts):
        lines = ["Divided by account: they name their campaigns differently.", "", *lines]
    return lines


def place_in_words(reading: Reading) -> str:
    """Return which part of the names a position is."""
    at, field = reading.chosen.at, reading.field
    if not reading.separator.label:
        return f"the whole name in {field}"
    return f"part {at + 1} of {field}" if at >= 0 else f"part {-at} of {field}, from the end"


def reading_lines(reading: Reading) -> list[str]:
    """Return a table of the positions of one field."""
    some = "1 name" if reading.n_names == 1 else f"{reading.n_names:,} names"
    lines = [
        f"{reading.field}: {some}, separator {separator_in_words(reading.separator)}.",
        "",
        "| part | values, share of the platform | taken as |",
        "|---|---|---|",
    ]
    for position in reading.positions:
        if position.at < 0 and position != reading.chosen:
            continue
        number = f"{position.at + 1}" if position.at >= 0 else f"{-position.at} from the end"
        taken = KINDS[position.kind]
        if position == reading.chosen:
            taken = f"**groups**, {percent(position.coverage)} of the platform"
        lines.append(f"| {number} | {values_in_words(position, reading)} | {taken} |")
    return [*lines, ""]


def values_in_words(position: Position, reading: Reading) -> str:
    """Return the dearest values of a position and their shares."""
    total = reading.weight
    shown = [
        f"{code(value.text, 40)} {percent(value.weight / total if total else 0.0)}"
        for value in position.values[:SHOWN]
    ]
    more = len(position.values) - SHOWN
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def other_lines(draft: Draft, settings: Settings) -> list[str]:
    """Return what was put under `other`, and why."""
    below = children_of(draft.nodes)
    lines: list[str] = []

    def visit(part: Part, node: Node) -> None:
        """Add the left-out values of a part and of the parts below it."""
        reading = part.readings[-1] if part.readings else None
        others = [n for n in below.get(node.channel_id, []) if n.kind == "other"]
        if others and draft.facts[others[0].channel_id].n_line_items:
            lines.append(
                f"- {code(others[0].channel_id)}: "
                f"{in_a_note(draft.facts[others[0].channel_id], draft.unit)}"
            )
            if reading is not None and reading.chosen is not None:
                lines.extend(left_out_lines(reading, draft, settings))

    for part, node in paired(draft):
        visit(part, node)
    lead = ["", "## Under other", ""]
    if not lines:
        return [
            *lead,
            "Nothing yet: each divided platform has an `other` for what is still to come.",
        ]
    return [*lead, "Not modelled by themselves, never dropped.", "", *lines]


def paired(draft: Draft) -> list[tuple[Part, Node]]:
    """Return every part with its node: both were made in the same order."""
    found: list[Part] = []

    def visit(part: Part) -> None:
        found.append(part)
        for inner in part.parts:
            visit(inner)

    for part in draft.parts:
        visit(part)
    nodes = [n for n in draft.nodes.values() if n.kind not in ("root", "family", "other")]
    return list(zip(found, nodes, strict=True))


def left_out_lines(reading: Reading, draft: Draft, settings: Settings) -> list[str]:
    """Return the dearest values that are no group of their own."""
    kept = {value.text for value in reading.chosen.kept}
    out = [value for value in reading.chosen.values if value.text not in kept]
    lines = [
        f"    - {code(value.text)}, as in {code(min(value.names))}: "
        f"{why_left_out(value, reading, draft, settings)}"
        for value in out[:SHOWN]
    ]
    if len(out) > SHOWN:
        lines.append(f"    - and {len(out) - SHOWN:,} smaller ones")
    missing = reading.weight - sum(value.weight for value in reading.chosen.values)
    if missing > 0:
        lines.append(f"    - names without such a part: {percent(missing / reading.weight)}")
    return lines


def why_left_out(value: Value, reading: Reading, draft: Draft, settings: Settings) -> str:
    """Return why a value is no group of its own."""
    if vocabulary.is_calendar(value.text) or vocabulary.is_number(value.text):
        return "a date or a number"
    if value.weight < MIN_GROUP * reading.weight:
        return f"{percent(value.weight / reading.weight)} of its platform, too small"
    total = draft.claims["weight"].sum()
    if value.weight < settings.min_share_of_spend * total:
        return f"{percent(value.weight / total)} of all {draft.unit}, too small"
    return f"fewer than {settings.min_active_weeks} active weeks"


def not_modelled_lines(draft: Draft, settings: Settings) -> list[str]:
    """Return the channels that might have been modelled, and what they lack."""
    reasons = {
        "no spend": "no spend; set is_modelled to true to model it on its impressions",
        "too small": f"under {percent(settings.min_share_of_spend)} of {draft.unit}",
        "too short": f"fewer than {settings.min_active_weeks} weeks with media",
    }
    covered = covered_nodes(draft)
    rows = [
        f"- {code(node.label, 80)}: {in_a_note(draft.facts[node.channel_id], draft.unit)}; "
        f"{reasons[node.why_not]}."
        for node in draft.nodes.values()
        if node.why_not and not node.is_modelled and node.kind not in ("root", "family")
    ]
    share = 1 - sum(draft.facts[name].share for name in covered)
    lead = ["", "## Too small or too short to model", ""]
    rest = (
        f"{percent(max(share, 0.0))} of {draft.unit} is in no modelled channel, `other` included. "
        "It stays in every total."
    )
    return [*lead, *(rows or ["None."]), "", rest]


def covered_nodes(draft: Draft) -> list[str]:
    """Return the modelled channels."""
    return [node.channel_id for node in draft.nodes.values() if node.is_modelled]


def next_steps(draft: Draft) -> list[str]:
    """Return what the client does with the files."""
    odd = [kpi for kpi in draft.models["kpi"] if not is_kept_by_spreadsheets(kpi)]
    models = (
        "3. `model_definitions.csv`: one model for each KPI of outcomes. Delete those you do not "
        "need."
        if len(draft.models)
        else "3. There are no outcomes yet, so there is no `model_definitions.csv`: bring outcomes "
        "(date, kpi, value) and run this again in another folder."
    )
    return [
        *("", "## What to do now", ""),
        "1. `channel_hierarchy.csv`: give channels your names and owners, move them where they "
        "belong, and set `is_modelled` where an effect is to be estimated (never on a channel and "
        "on one above it).",
        "2. `channel_mapping.csv`: rows with one `rule_id` are one rule, all its rows must hold; "
        "the lowest priority number that holds wins. Put rules for exceptions first.",
        models,
        *(f"   A spreadsheet may change {code(kpi)}: edit this file as text." for kpi in odd),
        "4. Put the files into your client folder (or into `seeds/`) and run `make build`. It says "
        "which rows cannot work; `mixloop__unmapped_media` lists what no rule claims.",
    ]
