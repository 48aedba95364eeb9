"""The first way in: a copy of the repository, its seeds edited, raw tables in schema `raw`."""

import csv
import shutil

import duckdb
import pytest
from tests.warehouse.place import start_dbt

from mixloop.demo import SMALL, generate

pytestmark = pytest.mark.slow
PARTS = ("models", "macros", "seeds", "tests/dbt", "docs", "python")
SELECTED = ("+mixloop__media_weekly", "+mixloop__channels", "+mixloop__unmapped_media")


class Clone:
    """A copy of the repository with the small demo as raw tables."""

    def __init__(self, root, folder):
        self.folder = folder
        for part in PARTS:
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / part, folder / part, ignore=ignore)
        shutil.copy(root / "dbt_project.yml", folder)
        shutil.copy(root / "profiles.example.yml", folder / "profiles.yml")
        self.edit(
            "model_definitions", lambda rows: [r | {"geos": ";".join(SMALL.geos)} for r in rows]
        )
        with duckdb.connect(str(folder / "wh.duckdb")) as connection:
            connection.execute("create schema raw")
            for name, frame in generate(SMALL).inputs().items():
                connection.register("frame", frame)
                connection.execute(f"create table raw.{name} as select * from frame")

    def edit(self, seed, change):
        """Rewrite a seed's rows, as with a spreadsheet."""
        path = self.folder / "seeds" / f"{seed}.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = change(list(csv.DictReader(file)))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)

    def build(self, *, fails=False):
        process = start_dbt(
            self.folder,
            *("build", "--exclude-resource-type", "unit_test", "test", "--select", *SELECTED),
            MIXLOOP_WAREHOUSE="wh.duckdb",
        )
        said, _ = process.communicate()
        assert (process.returncode != 0) == fails, said
        return said

    def read(self, query):
        with duckdb.connect(str(self.folder / "wh.duckdb"), read_only=True) as connection:
            return connection.execute(query).fetchall()

    def spend(self):
        rows = self.read(
            "select channel_id, sum(spend) from main_mixloop.mixloop__media_weekly group by all"
        )
        return dict(rows)


@pytest.fixture(scope="module")
def clone(project_root, tmp_path_factory):
    clone = Clone(project_root, tmp_path_factory.mktemp("clone") / "p")
    clone.build()
    return clone


def test_edited_seeds_change_the_channels_and_where_spend_goes(clone):
    before = clone.spend()
    lost = clone.read(
        "select campaign, spend from main_mixloop.mixloop__unmapped_media "
        "order by spend desc, campaign limit 1"
    )
    ((campaign, amount),) = lost
    assert amount > 0

    def relabel_and_move(rows):
        for row in rows:
            if (row["hierarchy_id"], row["channel_id"]) == ("main", "radio"):
                row |= {"label": "Radio & podcasts", "parent_id": "social", "is_modelled": "true"}
        return rows

    def claim(rows):
        rule = dict.fromkeys(rows[0], "") | {
            **{"priority": "5", "match_field": "campaign", "match_type": "exact"},
            **{"pattern": campaign, "channel_id": "radio"},
        }
        return [rule, *rows]

    clone.edit("channel_hierarchy", relabel_and_move)
    clone.edit("channel_mapping", claim)
    clone.build()
    assert clone.read(
        "select label, parent_id, path from main_mixloop.mixloop__channels "
        "where channel_id = 'radio' and hierarchy_id = 'main'"
    ) == [("Radio & podcasts", "social", "all_media > social > radio")]
    after = clone.spend()
    assert after["radio"] == before["radio"] + amount
    assert after.get("unmapped", 0) == before["unmapped"] - amount
    same = before.keys() - {"radio", "unmapped"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


def test_mistake_in_a_seed_is_told_with_the_seeds_line(clone):
    before = clone.spend()

    def misspell(rows):
        rows[2]["channel_id"] = "meta_brnd"
        return rows

    clone.edit("channel_mapping", misspell)
    said = clone.build(fails=True)
    assert (
        "seeds/channel_mapping.csv, row 4, column channel_id [meta_brnd]: "
        "this channel is not in channel_hierarchy. Remedy: correct channel_id"
    ) in said
    assert clone.spend() == before
