"""Write a simulated world of `worlds` as a client folder with known truth.

    make bench-folder KIND=plain SEED=0 OUT=path/to/folder

The folder has what `bench-recovery` and `bench-peers` read: the inputs of a client, the plan of the
held-out weeks, their KPI and the true effects.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).resolve().parent))

from worlds import KINDS, LEAD_IN, World, make_world

KPI = "kpi"


def long_rows(
    names: Iterable[str], geos: Iterable[str], weeks: np.ndarray, values: np.ndarray
) -> pl.DataFrame:
    """Return values (J, T, N) as rows: date, geo, name, value."""
    days = weeks.astype(object)
    rows = [
        (days[t], geo, name, float(values[j, t, n]))
        for n, name in enumerate(names)
        for j, geo in enumerate(geos)
        for t in range(len(days))
    ]
    return pl.DataFrame(rows, schema=["date", "geo", "name", "value"], orient="row")


def tables(world: World) -> dict[str, pl.DataFrame]:
    """Return the folder's files by name."""
    panel, cut = world.panel, len(world.panel.weeks) - world.n_holdout
    context = tuple(name.removeprefix("context:") for name in panel.drivers)
    media = long_rows(panel.channels, panel.geos, panel.weeks, panel.spend)
    drivers = long_rows(context, panel.geos, panel.weeks, panel.driver_values)
    outcomes = long_rows((KPI,), panel.geos, panel.weeks, panel.outcome[:, :, None])
    effects = long_rows(panel.channels, panel.geos, panel.weeks, world.effects)
    first, last = panel.weeks[LEAD_IN].item(), panel.weeks[cut - 1].item()
    before, after = pl.col("date") <= last, pl.col("date") > last
    outcomes = outcomes.rename({"name": "kpi"}).filter(pl.col("date") >= first)
    plan = {"plan_id": pl.lit("holdout"), "week": pl.col("date")}
    return {
        "media": media.filter(before).select(
            *("date", pl.col("name").alias("platform"), pl.lit("main").alias("account")),
            *(pl.col("name").alias("campaign"), "geo", pl.col("value").alias("spend")),
        ),
        "outcomes": outcomes.filter(before),
        "holdout": outcomes.filter(after),
        "context": drivers.filter(before).rename({"name": "variable"}),
        "plan_context": drivers.filter(after).select(
            **plan, geo="geo", variable=pl.col("name"), value="value"
        ),
        "plan": media.filter(after).select(
            **plan, channel_id=pl.col("name"), geo="geo", planned_spend=pl.col("value")
        ),
        "truth": effects.filter(before & (pl.col("date") >= first)).rename(
            {"name": "component", "value": "contribution"}
        ),
        "channel_hierarchy": pl.DataFrame(
            [("all_media", None, "All media", False)]
            + [(name, "all_media", name, True) for name in panel.channels],
            schema=["channel_id", "parent_id", "label", "is_modelled"],
            orient="row",
        ),
        "channel_mapping": pl.DataFrame(
            [(10 * n, "platform", "exact", name, name) for n, name in enumerate(panel.channels, 1)],
            schema=["priority", "match_field", "match_type", "pattern", "channel_id"],
            orient="row",
        ),
        "model_definitions": pl.DataFrame(
            [("main", KPI, ";".join(panel.geos), "modelled", world.n_holdout)],
            schema=["model_id", "kpi", "geos", "channel_level", "forecast_horizon_weeks"],
            orient="row",
        ),
    }


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--kind", choices=list(KINDS), default="plain")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    for name, frame in tables(make_world(given.kind, given.seed)).items():
        frame.write_csv(given.out / f"{name}.csv")
    print(f"{given.kind} {given.seed}: {given.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
