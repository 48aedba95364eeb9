"""How near the drafted mapping comes to the one that the demo client made by hand.

    .venv/bin/python benchmarks/propose_agreement.py

Both cut the demo's spend into channels; what is compared is which money stands together, not what
it is called. Two units of money drawn at random stand together in both, in neither, or in one of
the two: the adjusted Rand index counts that, 0 by chance, 1 when both are the same. A drafted
channel is pure as far as its money is of one hand-made channel; a hand-made channel is whole as
far as its money is in one drafted channel.
"""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

from mixloop.demo import FULL, Size, generate  # noqa: E402
from mixloop.demo.line_items import LINE_ITEMS  # noqa: E402
from mixloop.propose import Settings, propose  # noqa: E402

NAMES = ["platform", "account", "campaign", "ad_group", "line_item"]
KEY = ["platform", "ad_group", "line_item"]


def true_leaves(media: pl.DataFrame) -> pl.DataFrame:
    """Return the media rows with the hand-made leaf and modelled channel of each."""
    rows = [
        {name: getattr(item, name) for name in (*KEY, "leaf", "channel", "first_day", "last_day")}
        for item in LINE_ITEMS
    ]
    joined = media.with_row_index().join(pl.DataFrame(rows), on=KEY, how="left")
    inside = pl.col("date").is_between(pl.col("first_day"), pl.col("last_day"))
    found = joined.filter(inside)
    assert len(found) == len(media), "every row has one true leaf"
    return found


def line_items_of(media: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct line items as `make propose` reads them."""
    monday = pl.date(1970, 1, 5)
    return (
        media.with_columns(week=((pl.col("date") - monday).dt.total_days() // 7).cast(pl.Int32))
        .group_by(NAMES)
        .agg(
            pl.col("spend", "impressions").sum().cast(pl.Float64),
            n_rows=pl.len().cast(pl.Int64),
            first_date=pl.col("date").min(),
            last_date=pl.col("date").max(),
            weeks=pl.col("week").unique().sort(),
        )
        .sort(NAMES)
    )


def agreement(money: pl.DataFrame, drafted: str, made: str) -> dict[str, float]:
    """Return the measures of agreement of two columns, weighted by the column `spend`."""
    table = (
        money.group_by(drafted=pl.col(drafted), made=pl.col(made))
        .agg(pl.col("spend").sum().cast(pl.Float64))
        .pivot(on="made", index="drafted", values="spend")
        .fill_null(0.0)
        .drop("drafted")
        .to_numpy()
    )
    share = table / table.sum()
    together = np.sum(share**2)
    rows, columns = np.sum(share.sum(axis=1) ** 2), np.sum(share.sum(axis=0) ** 2)
    by_chance = rows * columns
    return {
        "adjusted Rand index": float((together - by_chance) / ((rows + columns) / 2 - by_chance)),
        "drafted channels are pure": float(share.max(axis=1).sum()),
        "hand-made channels are whole": float(share.max(axis=0).sum()),
    }


def measured(size: Size = FULL) -> dict[str, dict[str, float]]:
    """Return the agreement with the hand-made leaves and with the hand-made modelled channels."""
    client = generate(size)
    settings = Settings(geos=size.geos)
    draft = propose(line_items_of(client.media), client.outcomes.select("kpi").unique(), settings)
    modelled = {}
    for name in draft.nodes:
        above = name
        while above and not draft.nodes[above].is_modelled:
            above = draft.nodes[above].parent_id
        modelled[name] = above or "not modelled"
    claims = draft.claims.select(*NAMES, drafted_leaf="channel_id")
    money = true_leaves(client.media).join(claims, on=NAMES, how="left", nulls_equal=True)
    money = money.with_columns(drafted=pl.col("drafted_leaf").replace_strict(modelled))
    return {
        "leaves": agreement(money, "drafted_leaf", "leaf"),
        "modelled channels": agreement(money, "drafted", "channel"),
    }


def main() -> int:
    """Print both."""
    for level, figures in measured().items():
        print(f"{level}: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    print(f"python {platform.python_version()}, polars {pl.__version__}, {platform.machine()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
