"""A client folder small enough to build in seconds: three channels, one geo, 70 weeks.

Every number is a simple rule of the week's index, so that tests can say what must come out.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path

FIRST_WEEK = date(2024, 1, 1)
N_WEEKS = 70
HORIZON = 8
# Enough of a fit to fill every table; its numbers mean nothing.
FIT_VARS = {
    "mixloop__chains": 2,
    "mixloop__warmup": 20,
    "mixloop__sweeps": 60,
    "mixloop__max_sweeps": 60,
    "mixloop__draws": 60,
    "mixloop__fit_jobs": 1,
    "mixloop__curve_points": 5,
    "mixloop__backtest_origins": 1,
}
REQUIRED = ("media", "outcomes", "channel_hierarchy", "channel_mapping", "model_definitions")

Table = list[dict[str, object]]


def week(index: int) -> str:
    """Return the first day of a week, counted from the first one."""
    return (FIRST_WEEK + timedelta(weeks=index)).isoformat()


def spend(channel: str, index: int) -> int:
    """Return what a channel spends in a week; a channel is off in some of its weeks."""
    if channel == "tv":
        return 900 + 150 * (index % 5) if index % 13 < 6 else 0
    if channel == "search":
        return 300 + 40 * (index % 4)
    return 120 if index % 7 < 2 else 60


def outcome(index: int) -> int:
    """Return the week's sales: a base, a slow wave, and something for the money."""
    paid = 2 * spend("search", index) + spend("tv", index) + spend("social", index)
    return 10_000 + 30 * index + 400 * (index % 13 < 4) + paid + 17 * (index * index % 11)


def tables(n_weeks: int = N_WEEKS) -> dict[str, Table]:
    """Return every input and client table by name, rows as dicts of column to value."""
    campaigns = (
        ("tv_house", "Spring TV", "tv"),
        ("google_ads", "BR_Search", "search"),
        ("meta_ads", "Social | always on", "social"),
    )
    media = [
        {"date": week(i), "platform": platform, "campaign": name, "spend": spend(channel, i)}
        for i in range(n_weeks)
        for platform, name, channel in campaigns
    ]
    media.append({"date": week(3), "platform": "tiktok", "campaign": "Pilot", "spend": 250})
    future = range(n_weeks, n_weeks + HORIZON)
    return {
        "media": media,
        "outcomes": [
            {"date": week(i), "kpi": "sales", "value": outcome(i)} for i in range(n_weeks)
        ],
        "context": [
            {"date": week(i), "variable": "price", "value": 10 + (i % 9) / 10}
            for i in range(n_weeks)
        ],
        "plan": [
            {"plan_id": "base", "week": week(i), "channel_id": channel, "planned_spend": amount}
            for i in future
            for channel, amount in (("tv", 1000), ("search", 350), ("social", 90))
        ],
        "plan_context": [
            {"plan_id": "base", "week": week(i), "variable": "price", "value": 10.5} for i in future
        ],
        "finance": [{"month": "2024-02-01", "platform": "google_ads", "spend": 1420}],
        "channel_hierarchy": [
            {"channel_id": "media", "parent_id": "", "label": "All media", "is_modelled": "false"},
            {"channel_id": "tv", "parent_id": "media", "label": "TV", "is_modelled": "true"},
            {"channel_id": "online", "parent_id": "media", "label": "Web", "is_modelled": "false"},
            {"channel_id": "search", "parent_id": "online", "label": "Ads", "is_modelled": "true"},
            {"channel_id": "social", "parent_id": "online", "label": "Pals", "is_modelled": "true"},
        ],
        "channel_mapping": [
            {
                "priority": 10 * (i + 1),
                "match_field": "campaign",
                "match_type": kind,
                "pattern": pattern,
                "channel_id": channel,
            }
            for i, (kind, pattern, channel) in enumerate(
                (
                    ("exact", "Spring TV", "tv"),
                    ("prefix", "BR_", "search"),
                    ("regex", "^Social ", "social"),
                )
            )
        ],
        "model_definitions": [
            {"model_id": "m", "kpi": "sales", "geos": "", "forecast_horizon_weeks": HORIZON}
        ],
        "events": [
            {"event_id": "sale", "date": week(20), "recurs": "yearly", "days_after": 6},
        ],
        "goals": [{"goal_id": "g", "model_id": "m", "hurdle_roi": 1.5}],
    }


def write_csv(path: Path, rows: Table) -> None:
    """Write rows as a CSV file, the columns in the order of the first row."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def write_folder(
    folder: Path,
    change: Callable[[dict[str, Table]], None] | None = None,
    *,
    n_weeks: int = N_WEEKS,
    without: Iterable[str] = (),
) -> Path:
    """Write the client folder, after `change` has edited its tables; return the folder."""
    content = tables(n_weeks)
    if change is not None:
        change(content)
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in content.items():
        if name not in without:
            write_csv(folder / f"{name}.csv", rows)
    return folder
