"""Vars are checked while dbt reads the project: what they may be, and how it is said."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import jinja2
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DEFAULTS = yaml.safe_load((ROOT / "dbt_project.yml").read_text())["vars"]["mixloop"]


class ReturnError(Exception):
    """What a macro hands back."""


def said(given=None, **project):
    """What stops dbt with these vars on the command line and in the project, null if nothing."""

    def give(value):
        raise ReturnError(value)

    def fail(text):
        raise ValueError(text)

    variables = DEFAULTS | project | (given or {})
    mixloop = SimpleNamespace()
    context = {
        "var": lambda name, default=None: variables.get(name, default),
        "exceptions": SimpleNamespace(raise_compiler_error=fail),
        "invocation_args_dict": {"vars": given or {}},
        "mixloop": mixloop,
        "return": give,
    }
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])

    def wrapped(macro):
        def call():
            try:
                macro()
            except ReturnError as returned:
                return returned.args[0]

        return call

    for file in ("input_names", "check_vars"):
        text = (ROOT / f"macros/inputs/{file}.sql").read_text()
        module = environment.from_string(text).make_module(context)
        for name in re.findall(r"macro (\w+)\(", text):
            setattr(mixloop, name, wrapped(getattr(module, name)))
    said.rules = mixloop.var_rules()
    try:
        mixloop.check_vars()
    except ValueError as problem:
        return str(problem)
    return None


def test_the_defaults_are_fine_and_every_var_has_a_rule():
    assert said() is None
    known = set(said.rules)
    assert set(DEFAULTS) <= known
    inputs = re.compile(r"mixloop__\w+_(database|schema|identifier|seed|enabled)")
    assert {name for name in known - set(DEFAULTS) if not inputs.fullmatch(name)} == set()


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("chains", "four", "is 'four': write a plain number, without quotes or %"),
        ("draws", "1000", "is '1000': write a plain number, without quotes or %"),
        ("mix_shift", "15%", "is '15%': write a plain number, without quotes or %"),
        ("mix_shift", 15, "is 15: the most is 1"),
        ("chains", 1, "is 1: the least is 2"),
        ("draws", 99.5, "is 99.5: write a whole number"),
        ("vif_warn", True, "is 'True': write a plain number, without quotes or %"),
        ("price_of_media", "no", "is 'no': write true or false, without quotes"),
        ("outcomes_enabled", 0, "is '0': write true or false, without quotes"),
        ("specification_runs", 2, "is 2: the most is 1"),
    ],
)
def test_a_value_that_cannot_be_is_named_with_its_remedy(name, value, problem):
    name = f"mixloop__{name}"
    assert (
        said(**{name: value}) == f"mixloop: {name} {problem}. The vars are listed in docs/vars.md"
    )


def test_numbers_of_any_kind_and_other_projects_vars_are_fine():
    assert said({"mixloop__draws": 1000.0, "mixloop__hurdle_roi": 2, "their_var": "x"}) is None
    assert said({"mixloop__outcomes_schema": "shop"}) is None


def test_a_misspelt_name_on_the_command_line_is_found():
    assert said({"mixloop__max_age_week": 5}) == (
        "mixloop: mixloop__max_age_week is not a var of mixloop; did you mean "
        "mixloop__max_age_weeks. The vars are listed in docs/vars.md"
    )
    assert "mixloop__zzz is not a var of mixloop. " in said({"mixloop__zzz": 5})


def test_all_problems_are_said_at_once():
    text = said(mixloop__chains=0, mixloop__sweeps="many")
    assert "mixloop__chains is 0" in text
    assert "mixloop__sweeps is 'many'" in text
