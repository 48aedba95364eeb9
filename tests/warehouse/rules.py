"""The house rules of the dbt project, as functions from a manifest to the offenders.

Each returns a list of sentences, empty when the rule holds, so that a test can feed it the project
and an example that breaks it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping

PYTHON_TABLES = ("table", "table_unless_it_stays", "incremental")
MAX_PYTHON_LINES = 20
# Tables that hold what was published. A rename would start an empty one: change this knowingly.
APPEND_ONLY = {
    "int_mixloop__input_snapshots": "history.intermediate.int_mixloop__input_snapshots",
    "int_mixloop__decision_measurements": (
        "history.intermediate.int_mixloop__decision_measurements"
    ),
    "int_mixloop__decision_predictions": "history.intermediate.int_mixloop__decision_predictions",
    "int_mixloop__mapping_assignments": "history.intermediate.int_mixloop__mapping_assignments",
    "int_mixloop__restatement_rows": "history.intermediate.int_mixloop__restatement_rows",
    "int_mixloop__run_panels": "history.intermediate.int_mixloop__run_panels",
    "int_mixloop__posterior": "history.intermediate.int_mixloop__posterior",
    "int_mixloop__mapping_ledger": "history.intermediate.int_mixloop__mapping_ledger",
    "int_mixloop__pruned_runs": "history.intermediate.int_mixloop__pruned_runs",
    "int_mixloop__published_hypotheses": ("history.intermediate.int_mixloop__published_hypotheses"),
    "mixloop__forecasts": "history.mixloop.mixloop__forecasts",
    "mixloop__ledger": "history.mixloop.mixloop__ledger",
    "mixloop__published_contributions": "history.mixloop.mixloop__published_contributions",
}


def models_of(manifest: Mapping) -> dict[str, dict]:
    """Return the project's models by name."""
    found = manifest["nodes"].values()
    return {node["name"]: node for node in found if node["resource_type"] == "model"}


def is_public(node: Mapping) -> bool:
    """Return whether a model is part of the public face."""
    return node["access"] == "public"


def children_of(manifest: Mapping, unique_id: str) -> list[dict]:
    """Return the models that read a model."""
    found = manifest["nodes"].values()
    return [
        node
        for node in found
        if node["resource_type"] == "model" and unique_id in node["depends_on"]["nodes"]
    ]


def readers_of(manifest: Mapping, unique_id: str) -> list[dict]:
    """Return the models that read a model, themselves or through views."""
    found = []
    for child in children_of(manifest, unique_id):
        found.append(child)
        if child["config"]["materialized"] == "view":
            found += readers_of(manifest, child["unique_id"])
    return found


def undescribed(manifest: Mapping) -> list[str]:
    """Every model, and every column of it that is listed, has a description."""
    found = []
    for name, node in models_of(manifest).items():
        if not node["description"].strip():
            found.append(f"{name} has no description")
        if not node["columns"]:
            found.append(f"{name} lists no columns")
        found += [
            f"{name}.{column['name']} has no description"
            for column in node["columns"].values()
            if not column["description"].strip()
        ]
    return found


def tests_on(manifest: Mapping, unique_id: str, test: str) -> list[dict]:
    """Return the arguments of every instance of a generic test on a model."""
    return [
        node["test_metadata"]["kwargs"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("attached_node") == unique_id
        and (node.get("test_metadata") or {}).get("name") == test
    ]


def key_columns(node: Mapping) -> list[str]:
    """Return the columns with a primary key constraint."""
    return [
        column["name"]
        for column in node["columns"].values()
        if any(constraint["type"] == "primary_key" for constraint in column["constraints"])
    ]


def ancestors(manifest: Mapping, unique_id: str) -> set[str]:
    """Return every model that a node reads, directly or not."""
    found: set[str] = set()
    todo = [unique_id]
    while todo:
        for parent in manifest["nodes"].get(todo.pop(), {}).get("depends_on", {}).get("nodes", []):
            if parent.startswith("model.") and parent not in found:
                found.add(parent)
                todo.append(parent)
    return found


def untested_keys(manifest: Mapping, node: Mapping) -> list[str]:
    """A public table has one primary key and tests of it and of its grain."""
    name, found = node["name"], []
    grain = node["config"]["meta"].get("grain")
    tested = [
        arguments["columns"] for arguments in tests_on(manifest, node["unique_id"], "unique_grain")
    ]
    if not grain or tested != [grain]:
        found.append(f"{name}: grain {grain} is not the grain test's {tested}")
    keys = key_columns(node)
    if len(keys) != 1:
        found.append(f"{name} has the keys {keys}, not one")
    for test in ("unique", "not_null"):
        on = [a["column_name"] for a in tests_on(manifest, node["unique_id"], test)]
        found += [f"{name}.{key} has no {test} test" for key in keys if key not in on]
    return found


def unproven_view(manifest: Mapping, node: Mapping) -> list[str]:
    """A public view, which holds no constraint, names tests of its parents that prove its grain."""
    name, meta, found = node["name"], node["config"]["meta"], []
    columns = node["columns"]
    found += [
        f"{name}.{column['name']} has a constraint, which a view does not hold"
        for column in columns.values()
        if column["constraints"]
    ]
    if not meta.get("grain") or any(column not in columns for column in meta["grain"]):
        found.append(f"{name}: grain {meta.get('grain')} is not among its columns")
    if meta.get("key") not in columns:
        found.append(f"{name}: key {meta.get('key')} is not among its columns")
    read = ancestors(manifest, node["unique_id"])
    tests = {
        test["name"]: {parent for parent in test["depends_on"]["nodes"] if parent in read}
        for test in manifest["nodes"].values()
        if test["resource_type"] == "test"
    }
    if not meta.get("proven_by"):
        found.append(f"{name} names no test that proves its grain")
    found += [
        f"{name} is proven by {test}, which is no test of what it reads"
        for test in meta.get("proven_by") or []
        if not tests.get(test)
    ]
    return found


def unpromised(manifest: Mapping) -> list[str]:
    """Public models are contracted, typed, keyed, owned and tested on their grain."""
    found = []
    for name, node in models_of(manifest).items():
        contracted = node["contract"]["enforced"]
        if is_public(node) != contracted:
            found.append(f"{name}: public {is_public(node)}, contract {contracted}")
        if not is_public(node):
            continue
        meta = node["config"]["meta"]
        if not meta.get("owner"):
            found.append(f"{name} has no owner")
        if node["config"]["materialized"] == "view":
            found += unproven_view(manifest, node)
        else:
            found += untested_keys(manifest, node)
        found += [
            f"{name}.{column['name']} has no type"
            for column in node["columns"].values()
            if not column["data_type"]
        ]
        if "```sql" not in node["description"]:
            found.append(f"{name} shows no example query")
    return found


def model_function(code: str) -> ast.FunctionDef:
    """Return the function `model` of a Python model's source."""
    functions = [n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef)]
    return next(function for function in functions if function.name == "model")


def references(code: str) -> tuple[set[str], int]:
    """Return the literal names of `dbt.ref(...)` calls and the number of other such calls."""
    names, others = set(), 0
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "dbt.ref":
            literal = len(node.args) == 1 and isinstance(node.args[0], ast.Constant)
            if literal:
                names.add(node.args[0].value)
            else:
                others += 1
    return names, others


def thick_python(manifest: Mapping) -> list[str]:
    """Python models are thin, private tables with literal refs and a contracted reader."""
    found = []
    for name, node in models_of(manifest).items():
        if node["language"] != "python":
            continue
        function = model_function(node["raw_code"])
        length = function.end_lineno - function.body[0].lineno + 1
        if length > MAX_PYTHON_LINES:
            found.append(f"{name} has {length} lines")
        if is_public(node):
            found.append(f"{name} is public")
        if node["config"]["materialized"] not in PYTHON_TABLES:
            found.append(f"{name} is a {node['config']['materialized']}")
        names, others = references(node["raw_code"])
        depends = {unique_id.split(".")[-1] for unique_id in node["depends_on"]["nodes"]}
        if others or names != depends:
            found.append(f"{name} reads {sorted(names)}, dbt sees {sorted(depends)}")
        readers = readers_of(manifest, node["unique_id"])
        if not any(c["language"] == "sql" and c["contract"]["enforced"] for c in readers):
            found.append(f"{name} has no contracted reader")
    return found


def unguarded_history(manifest: Mapping) -> list[str]:
    """Append-only tables, and only they, are in the history database and guarded four ways."""
    found = []
    models = models_of(manifest)
    wanted = {
        "materialized": "incremental",
        "incremental_strategy": "append",
        "full_refresh": False,
        "on_schema_change": "append_new_columns",
    }
    for name, node in models.items():
        config = node["config"]
        if name not in APPEND_ONLY:
            if node["database"] == "history" or config["materialized"] == "incremental":
                found.append(f"{name} keeps history but is not in the list of append-only tables")
            continue
        schema = node["schema"].removeprefix("main_")
        if f"{node['database']}.{schema}.{node['alias']}" != APPEND_ONLY[name]:
            found.append(f"{name} is now {node['relation_name']}: its history would be left behind")
        found += [
            f"{name}: {key} is {config.get(key)!r}, not {value!r}"
            for key, value in wanted.items()
            if config.get(key) is not value and config.get(key) != value
        ]
        hooks = " ".join(hook["sql"] for hook in config["pre-hook"])
        if "protect_history()" not in (node["raw_code"] if node["language"] == "sql" else hooks):
            found.append(f"{name} does not call protect_history()")
    found += [f"{name} is gone" for name in APPEND_ONLY if name not in models]
    return found


def without_comments(code: str) -> str:
    """Return SQL without its comments and string literals; text with Jinja in it stays."""
    code = re.sub(r"\{#.*?#\}|/\*.*?\*/", " ", code, flags=re.DOTALL)
    return re.sub(r"--[^\n]*|'(?:[^'{]|'')*'", " ", code)


def unrepeatable(manifest: Mapping) -> list[str]:
    """SQL models use no clock or chance, and no `union` that would drop rows."""
    found = []
    for name, node in models_of(manifest).items():
        if node["language"] != "sql":
            continue
        code = without_comments(node["raw_code"]).lower()
        if re.search(r"\bunion\b(?!\s+all\b)", code):
            found.append(f"{name} has a union without all")
        clock = re.search(
            r"\b(now|today|random|uuid|gen_random_uuid|current_localtimestamp)\s*\("
            r"|\b(current_date|current_timestamp|current_time)\b|\brun_started_at\b",
            code,
        )
        if clock:
            found.append(f"{name} uses {clock.group(0)}")
    return found


def outside_inputs(manifest: Mapping) -> list[str]:
    """Only staging reads inputs: sources, client seeds and files."""
    found = []
    for name, node in models_of(manifest).items():
        if node["path"].startswith("staging/"):
            continue
        kinds = {unique_id.split(".")[0] for unique_id in node["depends_on"]["nodes"]}
        found += [f"{name} reads a {kind}" for kind in sorted(kinds & {"source", "seed"})]
        if "read_input(" in node["raw_code"]:
            found.append(f"{name} calls read_input")
    return found


def documented_vars(page: str) -> set[str]:
    """Return the vars in the first column of a page's tables."""
    return set(re.findall(r"^\|\s*`(mixloop__\w+)`\s*\|", page, flags=re.MULTILINE))


def var_mismatch(project_vars: Iterable[str], page: str) -> list[str]:
    """The vars of dbt_project.yml and the table of docs/vars.md are the same."""
    documented, defined = documented_vars(page), set(project_vars)
    return [
        *(f"{name} is not in docs/vars.md" for name in sorted(defined - documented)),
        *(f"{name} is in docs/vars.md only" for name in sorted(documented - defined)),
    ]
