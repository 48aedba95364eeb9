"""The tiny client with a channel modelled at a parent of two leaves, and a second hierarchy.

`social` has `meta_social` and `video_social`; `team` puts one with `search`, the other with `tv`.
"""

from __future__ import annotations

from tests.warehouse.tiny import N_WEEKS, Table, week

TEAM = (
    ("everything", ""),
    ("performance", "everything"),
    ("brand", "everything"),
    ("search", "performance"),
    ("meta_social", "performance"),
    ("tv", "brand"),
    ("video_social", "brand"),
)


def video(index: int) -> int:
    """Return what the second leaf spends in a week."""
    return 40 + 10 * (index % 6) if index % 9 < 5 else 0


def two_trees(tables: dict[str, Table], team: tuple[tuple[str, str], ...] = TEAM) -> None:
    """Give social two leaves and add a hierarchy `team`; half of the plan names the leaves."""
    n_weeks = len(tables["outcomes"])
    rows = [row | {"hierarchy_id": "main"} for row in tables["channel_hierarchy"]]
    leaves = (("meta_social", "social"), ("video_social", "social"))
    for hierarchy, nodes in (("main", leaves), ("team", team)):
        rows += [
            {
                "channel_id": node,
                "parent_id": parent,
                "label": node.replace("_", " ").title(),
                "is_modelled": "false",
                "hierarchy_id": hierarchy,
            }
            for node, parent in nodes
        ]
    tables["channel_hierarchy"] = rows
    for rule in tables["channel_mapping"]:
        if rule["channel_id"] == "social":
            rule["channel_id"] = "meta_social"
    tables["channel_mapping"].append(
        tables["channel_mapping"][-1]
        | {"priority": 90, "pattern": "^Video ", "channel_id": "video_social"}
    )
    tables["media"] += [
        {"date": week(i), "platform": "meta_ads", "campaign": "Video | reels", "spend": video(i)}
        for i in range(n_weeks)
    ]
    named = {week(i) for i in range(N_WEEKS, N_WEEKS + 4)}
    plan = []
    for row in tables["plan"]:
        if row["channel_id"] == "social" and row["week"] in named:
            plan += [
                row | {"channel_id": "meta_social", "planned_spend": 30},
                row | {"channel_id": "video_social", "planned_spend": 60},
            ]
        else:
            plan.append(row)
    tables["plan"] = plan
