"""What a model needs and what it got, one small client at a time, by numbers known beforehand."""

import polars as pl
import pytest
from tests.warehouse import tiny
from tests.warehouse.chain import Chain, compile_project

ANSWER = ("model_id", "channel_id", "answer", "answered_by", "answered_on", "reason")
TEST = {
    "experiment_id": "x",
    "channel_id": "tv",
    "geos": "",
    "start_week": tiny.week(30),
    "end_week": tiny.week(33),
    "spend_actual": 0,
    "spend_counterfactual": 100,
    "lift": 5,
    "standard_error": 1,
    "method": "holdout",
}


def frames(change=None, answers=()):
    content = tiny.tables() | {"experiments": [TEST]}
    for node in content["channel_hierarchy"]:
        node["owner"] = "media team"
    if change is not None:
        change(content)
    found = {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in content.items()}
    found["feasibility_answers"] = pl.DataFrame(
        answers, schema=dict.fromkeys(ANSWER, pl.String), orient="row"
    )
    return found


@pytest.fixture(scope="module")
def chain(project_root):
    return Chain(compile_project(project_root), live=["int_mixloop__feasibility"])


@pytest.fixture
def sheet(chain):
    def build(change=None, answers=()):
        chain.run(
            ["mixloop__model_requirements", "int_mixloop__input_findings"],
            frames(change, answers),
        )
        rows = chain.read(
            "select requirement, status, got, next_step from {mixloop__model_requirements} "
            "order by position"
        )
        return {name: row for name, *row in rows}

    return build


def test_the_tiny_client(chain, sheet):
    found = sheet()
    assert {name: status for name, (status, *_) in found.items()} == {
        "hierarchy": "ok",
        "mapping": "info",
        "coverage": "ok",
        "owners": "ok",
        "media_units": "ok",
        "history": "warn",
        "outcomes": "ok",
        "geos": "info",
        "granularity": "warn",
        "context": "ok",
        "events": "ok",
        "plan": "ok",
        "goals": "ok",
        "evidence": "ok",
        "finance": "ok",
        "checks": "warn",
        "told_apart": "ok",
        "answers": "ok",
    }
    spend = sum(tiny.spend(c, k) for k in range(70) for c in ("tv", "search", "social")) + 250
    assert found["mapping"][1] == (
        f"250 of {spend:,} spent is claimed by no rule ({100 * 250 / spend:.2f}%); it stays "
        "visible as Unmapped"
    )
    assert (
        found["hierarchy"][1]
        == "3 of 3 marked channels had media, in a tree of 5 nodes on 3 levels"
    )
    assert found["history"][1] == f"70 weeks, from {tiny.week(0)} to {tiny.week(69)}"
    # level, trend, hinges at weeks 26 and 52, two yearly pairs, price, sale, three channels
    assert found["granularity"][1].startswith("70 rows for 13 numbers")
    assert found["granularity"][1].endswith("5.4 rows each")
    warnings = chain.read(
        "select count(*) from {int_mixloop__input_findings} where severity = 'warn'"
    )[0][0]
    assert warnings > 1
    assert found["checks"][1] == f"{warnings} warnings"
    assert found["plan"][1] == "8 of 8 weeks are planned"
    assert found["goals"][1] == "1 goal; spend must return 1.5 per unit of money"
    assert found["evidence"][1] == "1 test of 1 channel"
    assert found["told_apart"][1] == "3 of 3 measured channels can be told apart"
    assert all((step is None) == (status == "ok") for status, _, step in found.values())


def without(name, **where):
    def change(content):
        content[name] = [row for row in content[name] if any(row[k] != v for k, v in where.items())]

    return change


def test_optional_things_that_are_missing_are_notes(sheet):
    def change(content):
        content["context"] = [row | {"date": tiny.week(200)} for row in content["context"]]
        content["events"] = [{**content["events"][0], "date": tiny.week(300), "recurs": "none"}]
        content["goals"] = [row | {"model_id": "other"} for row in content["goals"]]
        content["experiments"] = [TEST | {"start_week": tiny.week(90)}]
        content["plan"] = content["plan"][:6]
        content["channel_hierarchy"][-1]["owner"] = None

    found = sheet(change)
    assert found["context"][:2] == ["info", "No context variable"]
    assert found["events"][:2] == ["info", "No event"]
    assert found["goals"][:2] == ["info", "No goal; spend must return 1 per unit of money"]
    assert found["evidence"][:2] == ["info", "No test of a measured channel; 1 cannot be used"]
    assert found["plan"][:2] == ["info", "2 of 8 weeks are planned"]
    assert found["owners"][:2] == ["info", "2 of 3 measured channels name an owner. Without: Pals"]


def test_plan_for_other_weeks_is_no_plan(sheet):
    def change(content):
        content["plan"] = [row | {"week": tiny.week(77)} for row in content["plan"][:3]]

    assert sheet(change)["plan"][0] == "info"
    assert sheet(change)["plan"][1].startswith("No plan for these weeks")


def test_unmapped_spend_of_one_percent_is_a_warning(sheet):
    def change(content):
        content["media"][-1]["spend"] = 2000

    spend = sum(tiny.spend(c, k) for k in range(70) for c in ("tv", "search", "social"))
    assert 2000 / (spend + 2000) > 0.01 > 250 / (spend + 250)
    assert sheet(change)["mapping"][0] == "warn"
    assert sheet(without("media", platform="tiktok"))["mapping"] == [
        "ok",
        "All spend is mapped to a channel",
        None,
    ]


def test_spend_outside_the_model(sheet):
    def change(content):
        content["channel_hierarchy"][1]["is_modelled"] = "false"

    tv = sum(tiny.spend("tv", k) for k in range(70))
    status, got, step = sheet(change)["coverage"]
    assert status == "warn"
    assert got.startswith(f"{tv:,} of ")
    assert "set is_modelled" in step


def test_modelled_channels_without_media(sheet):
    found = sheet(without("media", platform="meta_ads"))
    assert found["hierarchy"][:2] == [
        "warn",
        "2 of 3 marked channels had media, in a tree of 5 nodes on 3 levels. Without media: Pals",
    ]
    assert found["told_apart"][:2] == [
        "warn",
        "2 of 3 measured channels can be told apart. Not so: Pals",
    ]


def test_channels_on_impressions(sheet):
    def change(content):
        for row in content["media"]:
            row["impressions"] = 1000 + int(row["spend"])
            if row["platform"] == "tv_house":
                row["spend"] = 0

    assert sheet(change)["media_units"][:2] == ["info", "1 measured on impressions: TV"]


def test_missing_outcomes(sheet):
    def drop(*weeks):
        def change(content):
            gone = {tiny.week(k) for k in weeks}
            content["outcomes"] = [r for r in content["outcomes"] if r["date"] not in gone]

        return change

    assert sheet(drop(10, 11, 40))["outcomes"][:2] == [
        "info",
        "3 of 70 weeks x geos of sales missing",
    ]
    assert sheet(drop(*range(10, 14)))["outcomes"][0] == "warn"


def test_answers_and_disagreements(sheet):
    def twins(content):
        for k, row in enumerate(r for r in content["media"] if r["platform"] == "meta_ads"):
            row["spend"] = 0.4 * tiny.spend("search", k) + 8 * (k * k % 3)

    open_ = sheet(twins)
    assert open_["told_apart"][:2] == [
        "warn",
        "1 of 3 measured channels can be told apart. Not so: Ads, Pals. 2 are drawn together with "
        "siblings",
    ]
    assert open_["answers"][:2] == ["ok", "No answer"]
    agreed = [(None, c, "pool", "boss", None, None) for c in ("search", "social")]
    found = sheet(twins, agreed)
    assert found["told_apart"][0] == "info"
    assert found["answers"][:2] == ["ok", "2 answers, all in agreement"]
    against = [*agreed, ("m", "search", "model", "boss", None, None)]
    against += [("m", "online", "merge", "boss", None, None)]
    found = sheet(twins, against)
    assert found["answers"][:2] == [
        "warn",
        "3 answers, 1 against the verdict: Ads. 1 for channels that the model does not measure on "
        "their own: noted, without effect on the fit",
    ]
    assert found["told_apart"][1].endswith("Not so: Ads, Pals")


def test_answer_for_a_channel_no_model_measures_is_noted(chain, sheet):
    sheet(answers=[("m", "online", "pool", "x", None, None), ("m", "tv", "model", "x", None, None)])
    rows = chain.read(
        "select check_name, severity, source_row, value from {int_mixloop__input_findings} "
        "where input_name = 'feasibility_answers'"
    )
    assert rows == [("answer_for_unmodelled_channel", "info", 2, "online")]
