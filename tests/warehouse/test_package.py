"""The project in integration_tests/ installs this one as a package over raw tables of its own."""

import contextlib
import re
import shutil
import subprocess
import sys
import tomllib

import duckdb
import pytest
import yaml
from scripts.fingerprint import differences
from tests.warehouse.place import quiet_settings, start_dbt
from tests.warehouse.rules import APPEND_ONLY

pytestmark = pytest.mark.slow
PARTS = ("models", "macros", "seeds", "tests", "docs", "python")
LEDGERS = [address.replace("history.", "history.analytics_", 1) for address in APPEND_ONLY.values()]


class Acme:
    """The user's project in a folder of its own, its package linked to the repository's files."""

    def __init__(self, root, folder):
        (folder / "mixloop").mkdir()
        for part in PARTS:
            (folder / "mixloop" / part).symlink_to(root / part)
        (folder / "mixloop" / "dbt_project.yml").write_text(quiet_settings(root))
        self.folder = folder / "mixloop" / "integration_tests"
        made = shutil.ignore_patterns(
            "dbt_packages", "target", "logs", "*.duckdb", "package-lock.yml"
        )
        shutil.copytree(root / "integration_tests", self.folder, ignore=made)

    def dbt(self, *arguments, fails=False):
        process = start_dbt(self.folder, *arguments)
        said, _ = process.communicate()
        assert (process.returncode != 0) == fails, said
        return said

    @contextlib.contextmanager
    def opened(self):
        with duckdb.connect(str(self.folder / "acme.duckdb"), read_only=True) as connection:
            history = self.folder / "acme_history.duckdb"
            connection.execute(f"attach '{history}' as history (read_only)")
            yield connection

    def read(self, query):
        with self.opened() as connection:
            return connection.execute(query).fetchall()

    def rows(self, names):
        """Return all rows of tables, by name."""
        with self.opened() as connection:
            return {n: connection.execute(f"from {n} order by all").fetchall() for n in names}

    def ledger(self):
        return self.rows(LEDGERS)

    def tables(self):
        """Return all rows of all tables of the user's schemas, by name."""
        names = self.read(
            "select database_name || '.' || schema_name || '.' || table_name from duckdb_tables() "
            "where schema_name like 'analytics%' order by all"
        )
        return self.rows(name for (name,) in names)

    def edit(self, file, old, new):
        path = self.folder / file
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))
        return lambda: path.write_text(text)


@pytest.fixture(scope="module")
def acme(project_root, tmp_path_factory):
    """Return the user's project, installed and built once."""
    acme = Acme(project_root, tmp_path_factory.mktemp("acme"))
    subprocess.run([sys.executable, "load_raw.py"], cwd=acme.folder, check=True)
    acme.dbt("deps")
    said = acme.dbt("build")
    assert "depends on the root project node" not in said
    return acme


def test_public_tables_hold_the_users_data(acme):
    # 70 weeks of 7 days; spend per day is base + 2 * (week modulo rhythm), see load_raw.py
    search = sum(7 * (40 + 2 * (week % 5)) for week in range(70))
    video = sum(7 * (25 + 2 * (week % 7)) for week in range(70) if week % 13 < 8)
    unmapped = sum(7 * (1 + 2 * (week % 2)) for week in range(70))
    assert acme.read(
        "select channel_id, sum(spend), min(dayname(week)), max(dayname(week)) "
        "from analytics_mixloop.mixloop__media_weekly group by channel_id order by channel_id"
    ) == [
        ("search", search, "Sunday", "Sunday"),
        ("unmapped", unmapped, "Sunday", "Sunday"),
        ("video", video, "Sunday", "Sunday"),
    ]
    assert acme.read("select campaign from analytics_mixloop.mixloop__unmapped_media") == [
        ("test-2024",)
    ]
    labels = "select channel_id, label from analytics_mixloop.mixloop__channels order by all"
    assert [row for row in acme.read(labels) if row[0] != "unmapped"] == [
        ("paid", "Paid media"),
        ("search", "Paid search"),
        ("video", "Online video"),
    ]
    roi = acme.read(
        "select channel_id, spend, roi_p05 <= roi_p95 from analytics.acme_roi order by 1"
    )
    assert [(name, ordered) for name, _, ordered in roi] == [
        ("paid", True),
        ("search", True),
        ("video", True),
    ]
    assert roi[0][1] == roi[1][1] + roi[2][1] > 0
    # everything not named above is in the package's schemas, and no demo seed came along
    schemas = {name for (name,) in acme.read("select distinct schema_name from duckdb_tables()")}
    assert schemas == {
        *("vendor", "shop", "analytics", "analytics_acme"),
        *("analytics_intermediate", "analytics_mixloop"),
    }


def test_parts_switched_off_count_as_empty(acme):
    off = acme.read(
        "select distinct input_name from analytics_mixloop.mixloop__input_findings "
        "where problem = 'the input is switched off by a var' order by all"
    )
    settings = yaml.safe_load((acme.folder / "dbt_project.yml").read_text())["vars"]["mixloop"]
    named = [name for name, value in settings.items() if value is False]
    assert off == sorted((name[len("mixloop__") : -len("_enabled")],) for name in named)
    assert acme.read("select count(*) from analytics_staging.stg_mixloop__goals") == [(0,)]


def test_plan_reaches_the_forecast(acme):
    assert acme.read(
        "select distinct component_id, planned_spend from history.analytics_mixloop."
        "mixloop__forecasts where forecast_kind = 'live' and component_id in ('search', 'video') "
        "and geo = 'national' and plan_id = 'base' order by all"
    ) == [("search", 300.0), ("video", 190.0)]


def test_second_build_changes_nothing(acme):
    before, ledger = acme.tables(), acme.ledger()
    assert sum(map(len, ledger.values())) > 20
    acme.dbt("run")
    assert acme.ledger() == ledger
    assert differences(before, acme.tables()) == []


MISTAKES = """
models:
  mixloop:
    intermediate:
      ledgers:
        int_mixloop__mapping_ledger: {+full_refresh: true}
      fit:
        int_mixloop__posterior: {+materialized: table}
"""


def test_settings_that_rewrite_history_and_forgotten_module_paths_fail_as_the_docs_say(
    acme, project_root
):
    """Three mistakes of a user in one run; none of the three models is made of another."""
    ledger = acme.ledger()
    undo = (
        acme.edit("dbt_project.yml", "\nmodels:\n", MISTAKES),
        acme.edit("profiles.yml", "      module_paths: [dbt_packages/mixloop/python]\n", ""),
    )
    models = ("int_mixloop__mapping_ledger", "int_mixloop__posterior", "int_mixloop__current_runs")
    said = acme.dbt("run", "--select", *models, fails=True)
    for one in undo:
        one()
    assert acme.ledger() == ledger
    parts = re.split(r"in model (\w+) \(", said)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert told.keys() == set(models), said
    for name in models[:2]:
        assert "it holds history that was published and is kept as made" in told[name]
        assert "look for an override in your dbt_project.yml" in told[name]
    failure = "ModuleNotFoundError: No module named 'mixloop'"
    assert failure in told[models[2]]
    assert failure in (project_root / "docs" / "install-as-package.md").read_text()


def test_the_docs_name_what_the_example_uses(project_root):
    page = (project_root / "docs" / "install-as-package.md").read_text()
    wanted = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    for requirement in wanted["dependencies"]:
        assert f'"{requirement}"' in page
    example = project_root / "integration_tests"
    variables = set(re.findall(r"mixloop__\w+", (example / "dbt_project.yml").read_text()))
    known = (project_root / "dbt_project.yml").read_text()
    for name in variables - {"mixloop__outcomes_schema"}:
        assert f"    {name}:" in known
