"""The house rules hold for the project, and each of them can fail."""

import copy
import re

import pytest
import yaml
from scripts import lineage
from tests.warehouse import rules

RULES = [
    rules.undescribed,
    rules.unpromised,
    rules.thick_python,
    rules.unguarded_history,
    rules.unrepeatable,
    rules.outside_inputs,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_project_follows(manifest, rule):
    assert rule(manifest) == []


def test_vars_are_documented(manifest, project_root):
    project = yaml.safe_load((project_root / "dbt_project.yml").read_text())
    page = (project_root / "docs/vars.md").read_text()
    assert rules.var_mismatch(project["vars"]["mixloop"], page) == []


def test_vars_are_checked_while_dbt_reads_the_project(manifest):
    gate = manifest["nodes"]["model.mixloop.int_mixloop__input_gate"]
    assert "macro.mixloop.check_vars" in gate["depends_on"]["macros"]


def test_the_page_on_history_names_the_protected_tables(project_root):
    page = (project_root / "docs/history.md").read_text()
    named = re.findall(r"^\| `(\w+)` \(`main_(\w+)`\) \|", page, flags=re.MULTILINE)
    assert {name: f"history.{schema}.{name}" for name, schema in named} == rules.APPEND_ONLY


def broken(manifest: dict, model: str, change) -> dict:
    """Return a copy of the manifest with one model changed."""
    nodes = dict(manifest["nodes"])
    unique_id = f"model.mixloop.{model}"
    nodes[unique_id] = copy.deepcopy(nodes[unique_id])
    change(nodes[unique_id])
    return {**manifest, "nodes": nodes}


def setter(*path, value):
    """Return a change that sets one entry deep inside a node."""

    def change(node):
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = value

    return change


def replacer(old, new):
    """Return a change of a model's code."""

    def change(node):
        assert old in node["raw_code"]
        node["raw_code"] = node["raw_code"].replace(old, new)

    return change


MART, PYTHON, LEDGER, POSTERIOR, VIEW = (
    "mixloop__run_scores",
    "int_mixloop__run_scores",
    "mixloop__forecasts",
    "int_mixloop__posterior",
    "mixloop__source_rows",
)
SELECT = "select * from final"
RETURN = "    return "
BREAKS = [
    (rules.undescribed, MART, setter("description", value=" "), "no description"),
    (rules.undescribed, MART, setter("columns", value={}), "no columns"),
    (rules.undescribed, MART, setter("columns", "mape", "description", value=""), "mape"),
    (rules.unpromised, MART, setter("contract", "enforced", value=False), "contract False"),
    (rules.unpromised, PYTHON, setter("contract", "enforced", value=True), "public False"),
    (rules.unpromised, MART, setter("config", "meta", "owner", value=""), "no owner"),
    (rules.unpromised, MART, setter("config", "meta", "grain", value=["run_id"]), "grain"),
    (rules.unpromised, MART, setter("columns", "mape", "data_type", value=None), "no type"),
    (rules.unpromised, MART, setter("columns", "run_score_id", "constraints", value=[]), "keys"),
    (rules.unpromised, MART, setter("description", value="One row."), "example query"),
    (
        rules.unpromised,
        VIEW,
        setter("columns", "week", "constraints", value=[{"type": "not_null"}]),
        "does not hold",
    ),
    (rules.unpromised, VIEW, setter("config", "meta", "grain", value=["x"]), "grain"),
    (rules.unpromised, VIEW, setter("config", "meta", "key", value="x"), "key x"),
    (rules.unpromised, VIEW, setter("config", "meta", "proven_by", value=[]), "names no test"),
    (
        rules.unpromised,
        VIEW,
        setter("config", "meta", "proven_by", value=["assert_every_run_converged"]),
        "no test of what it reads",
    ),
    (rules.unpromised, MART, setter("config", "materialized", value="view"), "names no test"),
    (rules.thick_python, PYTHON, setter("access", value="public"), "is public"),
    (rules.thick_python, PYTHON, setter("config", "materialized", value="view"), "a view"),
    (rules.thick_python, PYTHON, replacer(RETURN, "    x = 1\n" * 30 + RETURN), "lines"),
    (rules.thick_python, PYTHON, replacer("int_mixloop__models", "other"), "reads"),
    (rules.thick_python, PYTHON, replacer(RETURN, "    dbt.ref(name)\n" + RETURN), "reads"),
    (
        rules.thick_python,
        "mixloop__response_curves",
        setter("contract", "enforced", value=False),
        "contracted reader",
    ),
    (rules.unguarded_history, LEDGER, setter("config", "materialized", value="table"), "table"),
    (rules.unguarded_history, LEDGER, setter("config", "full_refresh", value=None), "None"),
    (rules.unguarded_history, POSTERIOR, setter("config", "full_refresh", value=True), "True"),
    (
        rules.unguarded_history,
        POSTERIOR,
        setter("config", "incremental_strategy", value="delete+insert"),
        "delete",
    ),
    (
        rules.unguarded_history,
        LEDGER,
        setter("config", "on_schema_change", value="sync_all_columns"),
        "sync",
    ),
    (rules.unguarded_history, POSTERIOR, setter("config", "pre-hook", value=[]), "does not call"),
    (rules.unguarded_history, LEDGER, replacer("protect_history()", "x()"), "does not call"),
    (rules.unguarded_history, LEDGER, setter("alias", value="forecasts"), "left behind"),
    (rules.unguarded_history, LEDGER, setter("database", value="wh"), "left behind"),
    (rules.unguarded_history, LEDGER, setter("name", value="forecasts_2"), "is gone"),
    (rules.unguarded_history, MART, setter("database", value="history"), "not in the list"),
    (rules.unrepeatable, MART, replacer(SELECT, "select 1 union\nselect 2"), "union"),
    (rules.unrepeatable, MART, replacer(SELECT, "select 1 union distinct select 2"), "union"),
    (rules.unrepeatable, MART, replacer(SELECT, "select now ()"), "now"),
    (rules.unrepeatable, MART, replacer(SELECT, "select current_date"), "current_date"),
    (rules.unrepeatable, MART, replacer(SELECT, "select '{{ run_started_at }}'"), "run_started_at"),
    (
        rules.outside_inputs,
        MART,
        setter("depends_on", "nodes", value=["source.mixloop.mixloop_raw.media"]),
        "source",
    ),
    (rules.outside_inputs, MART, replacer(SELECT, "{{ read_input('media') }}"), "read_input"),
]


@pytest.mark.parametrize(
    ("rule", "model", "change", "says"),
    BREAKS,
    ids=[f"{rule.__name__}-{k}" for k, (rule, *_) in enumerate(BREAKS)],
)
def test_rule_can_fail(manifest, rule, model, change, says):
    before = rule(manifest)
    after = [text for text in rule(broken(manifest, model, change)) if text not in before]
    assert any(says in text for text in after), after


def test_missing_key_tests_are_found(manifest):
    nodes = {
        unique_id: node
        for unique_id, node in manifest["nodes"].items()
        if not unique_id.startswith("test.mixloop.unique_mixloop__run_scores_")
    }
    assert rules.unpromised({**manifest, "nodes": nodes}) == [
        *rules.unpromised(manifest),
        "mixloop__run_scores.run_score_id has no unique test",
    ]


def test_comments_and_texts_are_no_code(manifest):
    change = replacer(SELECT, "select 'now()' -- union of today()\n{# current_date #}")
    assert rules.unrepeatable(broken(manifest, MART, change)) == rules.unrepeatable(manifest)


def test_var_mismatch_is_found():
    page = "| var | meaning |\n|---|---|\n| `mixloop__a` | x |\n| `mixloop__b` | `mixloop__c` |\n"
    assert rules.var_mismatch(["mixloop__a", "mixloop__c"], page) == [
        "mixloop__c is not in docs/vars.md",
        "mixloop__b is in docs/vars.md only",
    ]


def test_the_picture_of_the_layers_is_todays(manifest, project_root):
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    assert lineage.draw(nodes) == (project_root / "docs/images/lineage.svg").read_text()
    lost = [node | {"fqn": ["mixloop", "intermediate", "attic", node["name"]]} for node in nodes]
    with pytest.raises(ValueError, match="is in no layer"):
        lineage.draw(lost)


@pytest.mark.parametrize("page", ["README.md", "docs/dbt/overview.md", "docs/data-model.md"])
def test_pages_name_every_public_table(project_root, page):
    tables = {path.stem for path in (project_root / "models/marts").rglob("*.sql")}
    named = set(re.findall(r"mixloop__\w+", (project_root / page).read_text()))
    assert sorted(tables - named) == []
