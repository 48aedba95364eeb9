"""The committed seeds fit the demo client's data."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import yaml

from mixloop.demo import DemoClient, brand, generate
from mixloop.demo.demand import all_weeks
from mixloop.demo.world import CARRYOVER_WEEKS
from mixloop.transforms import adstock, adstock_weights, hill

SEEDS = Path(__file__).resolve().parents[2] / "seeds"
UNMAPPED = {"TEST_do_not_use_2023Q3", "Agency_Sandbox_Lookalikes", "Creator_Boost_Spring25"}


def seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def demo() -> DemoClient:
    return generate()


@pytest.fixture(scope="module")
def tree() -> dict[str, dict[str, str]]:
    rows = seed("channel_hierarchy")
    return {row["channel_id"]: row for row in rows if row["hierarchy_id"] == "main"}


def modelled_at(tree: dict[str, dict[str, str]], channel_id: str) -> str | None:
    """The channel at or above `channel_id` that is modelled."""
    while channel_id:
        if tree[channel_id]["is_modelled"] == "true":
            return channel_id
        channel_id = tree[channel_id]["parent_id"]
    return None


def holds(rule: dict[str, str], row: dict[str, object]) -> bool:
    """Whether one condition holds."""
    text, pattern = str(row[rule["match_field"]]), rule["pattern"]
    if rule["valid_from"] and row["date"] < date.fromisoformat(rule["valid_from"]):
        return False
    if rule["valid_to"] and row["date"] > date.fromisoformat(rule["valid_to"]):
        return False
    like = re.escape(pattern).replace("%", ".*").replace("_", ".")
    return {
        "exact": text == pattern,
        "prefix": text.startswith(pattern),
        "like": re.fullmatch(like, text) is not None,
        "regex": re.search(pattern, text) is not None,
    }[rule["match_type"]]


def rules_of_seed() -> list[list[dict[str, str]]]:
    """The rules by priority, each a list of conditions: rows that share a rule_id."""
    rules: dict[str, list[dict[str, str]]] = {}
    for number, row in enumerate(seed("channel_mapping")):
        rules.setdefault(row["rule_id"] or f"row {number}", []).append(row)
    return sorted(rules.values(), key=lambda rule: int(rule[0]["priority"]))


def channel_of(rules: list[list[dict[str, str]]], row: dict[str, object]) -> tuple[str, str]:
    """Channel and priority of the rule that wins."""
    for rule in rules:
        if all(holds(condition, row) for condition in rule):
            return rule[0]["channel_id"], rule[0]["priority"]
    return "unmapped", ""


@pytest.fixture(scope="module")
def mapped(demo: DemoClient) -> pl.DataFrame:
    """Media without the duplicated rows, with the channel each row is mapped to."""
    rules = rules_of_seed()
    keys = ["platform", "account", "campaign", "ad_group", "line_item"]
    media = demo.media.unique(maintain_order=True).with_columns(
        month=pl.col("date").dt.truncate("1mo")  # the rules change on the first of a month
    )
    items = media.group_by(*keys, "month").agg(pl.col("date").min()).sort(*keys, "month")
    found = [channel_of(rules, row) for row in items.iter_rows(named=True)]
    channel = items.select(*keys, "month").with_columns(
        channel_id=pl.Series([channel_id for channel_id, _ in found]),
        priority=pl.Series([priority for _, priority in found]),
    )
    return media.join(channel, on=[*keys, "month"], how="left")


def test_the_tree_is_a_tree(tree: dict[str, dict[str, str]]) -> None:
    keys = [(row["hierarchy_id"], row["channel_id"]) for row in seed("channel_hierarchy")]
    assert len(set(keys)) == len(keys)
    assert all(row["owner"] and row["objective"] for row in tree.values())
    depths = {}
    for channel_id in tree:
        at, depth = channel_id, 0
        while tree[at]["parent_id"]:
            at, depth = tree[at]["parent_id"], depth + 1
            assert depth < len(tree), f"cycle above {channel_id}"
        depths[channel_id] = depth
    assert max(depths.values()) == 3  # all_media > search > brand_search > google_brand
    modelled = [name for name, row in tree.items() if row["is_modelled"] == "true"]
    assert sorted(modelled) == list(brand.CHANNEL_IDS)
    for channel_id in modelled:  # no modelled channel above another
        assert modelled_at(tree, tree[channel_id]["parent_id"]) is None


def leaves_below(tree: dict[str, dict[str, str]], channel_id: str) -> set[str]:
    below = [name for name, row in tree.items() if row["parent_id"] == channel_id]
    return set().union(*(leaves_below(tree, name) for name in below)) or {channel_id}


@pytest.mark.parametrize("name", ["team", "funnel"])
def test_other_hierarchies_place_every_leaf_once(
    tree: dict[str, dict[str, str]], name: str
) -> None:
    rows = seed("channel_hierarchy")
    own = {row["channel_id"]: row for row in rows if row["hierarchy_id"] == name}
    above = {row["parent_id"] for row in own.values()} - {""}
    assert above < own.keys()
    placed = [leaf for lowest in own.keys() - above for leaf in leaves_below(tree, lowest)]
    assert sorted(placed) == sorted(leaves_below(tree, "all_media"))
    for channel_id in above:
        assert channel_id not in tree
        assert all(own[channel_id][column] for column in ("label", "owner", "objective"))


def test_every_rule_names_a_leaf_and_claims_something(
    tree: dict[str, dict[str, str]], mapped: pl.DataFrame
) -> None:
    grouped = rules_of_seed()
    assert max(len(rule) for rule in grouped) > 1
    for rule in grouped:  # the rows of a rule say the same about it
        said = {
            tuple(row[name] for name in ("priority", "channel_id", "valid_from", "valid_to"))
            for row in rule
        }
        assert len(said) == 1
    rules = [rule[0] for rule in grouped]
    parents = {row["parent_id"] for row in tree.values()}
    types = {row["match_type"] for row in seed("channel_mapping")}
    assert types == {"exact", "prefix", "like", "regex"}
    assert len({rule["priority"] for rule in rules}) == len(rules)
    assert all(rule["channel_id"] in tree.keys() - parents for rule in rules)
    assert {rule["priority"] for rule in rules} <= set(mapped["priority"])
    assert any(rule["valid_to"] for rule in rules)
    assert any(rule["valid_from"] for rule in rules)


def test_only_the_planted_campaigns_are_unmapped(mapped: pl.DataFrame) -> None:
    lost = mapped.filter(pl.col("channel_id") == "unmapped")
    assert set(lost["campaign"]) == UNMAPPED
    assert 0 < float(lost["spend"].sum() / mapped["spend"].sum()) < 0.005


def test_mapped_spend_is_the_money_that_worked(
    tree: dict[str, dict[str, str]], mapped: pl.DataFrame, demo: DemoClient
) -> None:
    owner = {name: modelled_at(tree, name) for name in tree} | {"unmapped": None}
    weekly = (
        mapped.with_columns(
            channel_id=pl.col("channel_id").replace_strict(owner),
            week=pl.col("date").dt.truncate("1w"),
        )
        .drop_nulls("channel_id")
        .group_by("week", "geo", "channel_id")
        .agg(pl.col("spend").sum().cast(pl.Float64).alias("mapped"))
    )
    both = demo.truth_spend.join(weekly, on=["week", "geo", "channel_id"], how="full")
    gap = (both["spend"].fill_null(0) - both["mapped"].fill_null(0)).abs()
    assert gap.max() < 0.001


def test_events_are_the_planted_ones() -> None:
    rows = seed("events")
    for event in brand.EVENTS:
        own = [row for row in rows if row["event_id"] == event.event_id]
        dates: set[date] = set()
        for row in own:
            day = date.fromisoformat(row["date"])
            years = range(day.year, 2027) if row["recurs"] == "yearly" else [day.year]
            dates |= {day.replace(year=year) for year in years}
            assert (int(row["days_before"]), int(row["days_after"]), row["geo"]) == (
                event.days_before,
                event.days_after,
                event.geo,
            )
        assert dates == set(event.dates), event.event_id
    assert {row["event_id"] for row in rows} == {event.event_id for event in brand.EVENTS}


def test_models_goals_and_priors_name_what_exists(demo: DemoClient) -> None:
    models = {row["model_id"]: row for row in seed("model_definitions")}
    assert {row["kpi"] for row in models.values()} == set(demo.outcomes["kpi"])
    for row in models.values():
        assert sorted(row["geos"].split(";")) == sorted(brand.GEOS)
        assert int(row["forecast_horizon_weeks"]) == brand.N_FUTURE
        assert int(row["training_weeks"]) == brand.N_HISTORY
    for row in seed("channel_priors"):
        assert row["channel_id"] in brand.CHANNEL_IDS
        assert row["model_id"] in ("", *models)
        assert 0 < float(row["share_of_kpi"] or 0.1) < 0.3
        for quantity in ("roi_{}", "half_life_{}_weeks", "saturation_{}"):
            low, high = (row[quantity.format(end)] for end in ("low", "high"))
            assert (low == high == "") or 0 < float(low) < float(high)
    planned = demo.plan.filter(pl.col("plan_id") == "plan_2026_h1")["planned_spend"].sum()
    for row in seed("goals"):
        assert row["model_id"] in models
        assert float(row["hurdle_roi"]) > 0
        assert float(row["budget"]) == pytest.approx(float(planned), rel=0.05)
        assert float(row["kpi_target"]) > 0


@pytest.mark.parametrize("test", seed("experiments"), ids=lambda row: row["experiment_id"])
def test_lift_tests_agree_with_the_truth(test: dict[str, str], demo: DemoClient) -> None:
    at = brand.CHANNEL_IDS.index(test["channel_id"])
    channel, geo = brand.CHANNELS[at], brand.GEOS.index(test["geos"])
    own = (pl.col("channel_id") == test["channel_id"]) & (pl.col("geo") == test["geos"])
    spend = demo.truth_spend.filter(own).sort("week")["spend"].to_numpy()
    weeks = all_weeks()[: brand.N_HISTORY]
    during = (weeks >= np.datetime64(test["start_week"])) & (
        weeks <= np.datetime64(test["end_week"])
    )
    actual, counterfactual = float(test["spend_actual"]), float(test["spend_counterfactual"])
    assert spend[during].sum() == pytest.approx(actual, abs=0.01)

    usual = channel.weekly_spend * brand.GEO_SHARE[geo]
    weights = adstock_weights("geometric", channel.decay, CARRYOVER_WEEKS)
    without = np.where(during, spend * counterfactual / actual, spend)
    shape, shape_without = (
        hill(adstock(x, weights) / usual, channel.half, channel.slope) for x in (spend, without)
    )
    effect = demo.truth.filter(
        pl.col("kpi") == "revenue",
        pl.col("component_id") == test["channel_id"],
        pl.col("geo") == test["geos"],
    ).sort("week")["effect"]
    true_lift = (shape - shape_without)[during].sum() * effect[-1] / shape[-1]
    error = float(test["lift"]) - true_lift
    assert 0.1 < abs(error) / float(test["standard_error"]) < 2  # measured, so not exact


def test_decisions_show_in_the_spend(demo: DemoClient) -> None:
    rows = seed("decisions")
    assert any(row["is_test"] == "true" for row in rows)
    tests = {row["decision_id"]: row for row in seed("experiments") if row["decision_id"]}
    assert set(tests) == {row["decision_id"] for row in rows if row["is_test"] == "true"}
    last_week = demo.truth_spend["week"].max()
    assert any(date.fromisoformat(row["end_week"]) > last_week for row in rows)  # one is running
    for row in rows:
        start, end = (date.fromisoformat(row[name]) for name in ("start_week", "end_week"))
        assert date.fromisoformat(row["approved_on"]) < start
        end = min(end, last_week)
        n_weeks = (end - start).days // 7 + 1
        geos = row["geos"].split(";") if row["geos"] else brand.GEOS
        own = demo.truth_spend.filter(
            pl.col("channel_id") == row["channel_id"], pl.col("geo").is_in(geos)
        )
        before = own.filter(pl.col("week").is_between(start - timedelta(weeks=n_weeks), start))
        before = before.filter(pl.col("week") < start)["spend"].sum()
        if row["decision_id"] in tests:
            before = float(tests[row["decision_id"]]["spend_counterfactual"])
        after = own.filter(pl.col("week").is_between(start, end))
        assert before / n_weeks == pytest.approx(float(row["spend_from"]), rel=0.05, abs=1), row[
            "decision_id"
        ]
        assert after["spend"].sum() / n_weeks == pytest.approx(float(row["spend_to"]), rel=0.05), (
            row["decision_id"]
        )


def test_every_seed_column_is_text_and_described() -> None:
    listed = yaml.safe_load((SEEDS / "_seeds.yml").read_text(encoding="utf-8"))["seeds"]
    files = {file.stem for file in SEEDS.glob("*.csv")}
    assert {entry["name"] for entry in listed} == files
    for entry in listed:
        with (SEEDS / f"{entry['name']}.csv").open(encoding="utf-8") as file:
            header = file.readline().strip().split(",")
        assert [column["name"] for column in entry["columns"]] == header
        assert entry["config"]["column_types"] == dict.fromkeys(header, "varchar")
        assert entry["config"]["meta"]["owner"]
        assert entry["description"]
        assert all(column["description"] for column in entry["columns"])
