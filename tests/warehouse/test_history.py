"""What was published stays as made: re-runs, full refreshes, flips, deleted files, killed builds.

Three append-only models are the project's own files, in a small project around them: a table of
forecasts made from a CSV file in place of the model that makes them, a stand-in for the fit, and
the chain of entries with the runs of that file to enter.
"""

import os
import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest
import yaml
from tests.warehouse.dbt_process import DbtProcess
from tests.warehouse.place import PARSED, start_dbt

LEDGER = "history.main_mixloop.mixloop__forecasts"
POSTERIOR = "history.main_intermediate.int_mixloop__posterior"
CHAIN = "history.main_mixloop.mixloop__ledger"
REFUSAL = "it holds history that was published and is kept as made"
KEYS = "run_id,model_id,forecast_kind,plan_id,plan_source,as_of_week,geo,week,horizon_weeks"
HEADER = (
    f"{KEYS},component_id,component_type,is_additive,planned_value,planned_spend,forecast_mean,"
    "allocation,hierarchy_id"
)
FIT = """
import polars as pl

def fit_runs(*, models, existing, settings, **_):
    assert settings["chains"] == 4, settings
    rows = [run for run in models["run_id"].to_list() if run not in existing]
    return pl.DataFrame({"run_id": rows, "coefficient": [[1.0, 2.0]] * len(rows)},
                        schema={"run_id": pl.String, "coefficient": pl.List(pl.Float64)})
"""


class Project:
    """A dbt project in a folder, with what a test does to it."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root, self.folder = root, folder
        for part in ("macros/history", "macros/expressions"):
            shutil.copytree(root / part, folder / part)
        self.models = folder / "models"
        (self.models / "marts").mkdir(parents=True)
        (self.models / "intermediate").mkdir()
        self.ledger = self.models / "marts" / "mixloop__forecasts.sql"
        self.posterior = self.models / "intermediate" / "int_mixloop__posterior.py"
        self.chain = self.models / "marts" / "mixloop__ledger.sql"
        self.restore()
        self.settings = yaml.safe_load((root / "dbt_project.yml").read_text())
        self.settings["models"] = {
            "mixloop": {
                "intermediate": {"+materialized": "table", "+schema": "intermediate"},
                "marts": {
                    "+materialized": "table",
                    "+schema": "mixloop",
                    "+contract": {"enforced": True},
                },
            }
        }
        self.configure()
        for kind in ("marts/forecast/_forecast", "marts/history/_history", "intermediate/fit/_fit"):
            text = yaml.safe_load((root / f"models/{kind}__models.yml").read_text())
            wanted = ("mixloop__forecasts", "mixloop__ledger", "int_mixloop__posterior")
            text["models"] = [m for m in text["models"] if m["name"] in wanted]
            for model in text["models"]:
                model.pop("data_tests", None)
                for column in model["columns"]:
                    column.pop("data_tests", None)
            (self.models / f"{Path(kind).name}.yml").write_text(yaml.safe_dump(text))
        inputs = {
            "int_mixloop__forecasts": "select *, forecast_mean - 1 as forecast_p05, "
            "forecast_mean as forecast_p50, forecast_mean + 1 as forecast_p95, "
            "false as is_pooled, cast(null as double) as planned_frequency from read_csv("
            f"'{folder}/forecasts.csv', types = {{'as_of_week': 'date', 'week': 'date', "
            "'planned_value': 'double', 'planned_spend': 'double', 'forecast_mean': 'double', "
            "'allocation': 'varchar', 'hierarchy_id': 'varchar'})",
            "int_mixloop__publication": "select cast(null as varchar) as overrides",
            "mixloop__mapping_versions": "select 1 as mapping_version, true as is_current",
            "int_mixloop__ledger_candidates": "select 1 as turn, true as is_kept, "
            "'run' as record_kind, run_id as record_id, model_id, run_id, "
            "cast(as_of_week as date) as as_of_week, '{}' as content, sha256('{}') as content_hash "
            f"from read_csv('{folder}/forecasts.csv') group by all",
            "int_mixloop__models": f"select run_id from read_csv('{folder}/forecasts.csv') "
            "group by run_id order by run_id",
            **{
                f"int_mixloop__model_{name}": "select 1 as x"
                for name in ("outcomes", "media", "drivers", "channels", "evidence")
            },
        }
        for name, sql in inputs.items():
            (self.models / "intermediate" / f"{name}.sql").write_text(sql)
        package = folder / "python" / "mixloop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (package / "runs.py").write_text(FIT)
        shutil.copy(root / "profiles.example.yml", folder / "profiles.yml")
        self.forecast(("new", "live", 5.0, 10.0), ("old", "backtest", 4.0, 8.0))

    def restore(self) -> None:
        """Put the project's own model files back."""
        shutil.copy(self.root / "models/marts/forecast/mixloop__forecasts.sql", self.ledger)
        fit = self.root / "models/intermediate/fit/int_mixloop__posterior.py"
        shutil.copy(fit, self.posterior)
        shutil.copy(self.root / "models/marts/history/mixloop__ledger.sql", self.chain)

    def configure(self) -> None:
        """Write dbt_project.yml."""
        (self.folder / "dbt_project.yml").write_text(yaml.safe_dump(self.settings))

    def forecast(
        self, *runs: tuple[str, str, float, float], parts: dict[str, float] | None = None
    ) -> None:
        """Write what the next build forecasts: run, kind, planned spend, forecast.

        Every run also has the `parts`, nodes below tv or of another hierarchy, each a share of it.
        """
        lines = [HEADER]
        for run, kind, spend, mean in runs:
            row = f"{run},m,{kind},plan,client,2024-01-01,all,2024-01-08,1"
            lines += [
                f"{row},tv,channel,true,{spend},{spend},{mean},,main",
                f"{row},kpi,kpi,false,,,{mean},,",
            ]
            for name, share in (parts or {}).items():
                kind = ",team" if name.startswith("team:") else "carried_over_exposure,main"
                part = f"{share * spend},{share * spend},{share * mean},{kind}"
                lines.append(f"{row},{name},channel,false,{part}")
        (self.folder / "forecasts.csv").write_text("\n".join(lines) + "\n")

    def start(self, *arguments: str, folder: Path | None = None) -> DbtProcess:
        """Start dbt, here or in another folder."""
        where = {"MIXLOOP_WAREHOUSE": "wh.duckdb", "DBT_PROFILES_DIR": "."}
        where["DBT_LOG_LEVEL_FILE"] = "debug"  # a test reads it
        return start_dbt(folder or self.folder, *arguments, **where)

    def build(self, *arguments: str, fails: bool = False) -> str:
        """Run dbt build and return what it said."""
        process = self.start("build", *arguments)
        said, _ = process.communicate()
        assert (process.returncode != 0) == fails, said
        return said

    def read(self, query: str) -> list[tuple]:
        """Return rows of a query on the history file."""
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach '{self.folder}/wh_history.duckdb' as history (read_only)")
            return connection.execute(query).fetchall()

    def published(self) -> list[tuple]:
        """Return all rows of the append-only tables."""
        return [
            *self.read(f"from {LEDGER} order by forecast_id"),
            *self.read(f"from {POSTERIOR} order by run_id"),
            *self.read(f"from {CHAIN} order by position"),
        ]


@pytest.fixture(scope="module")
def first_build(project_root, tmp_path_factory) -> Path:
    """Return the folder of a project that was built once."""
    project = Project(project_root, tmp_path_factory.mktemp("first") / "p")
    project.build()
    return project.folder


@pytest.fixture
def project(project_root, first_build, tmp_path) -> Project:
    """Return a project of its own for the test, built once."""
    project = Project(project_root, tmp_path / "p")
    for file in ("wh.duckdb", "wh_history.duckdb", f"target/{PARSED}"):
        (project.folder / file).parent.mkdir(exist_ok=True)
        shutil.copy(first_build / file, project.folder / file)
    project.before = project.published()
    assert len(project.before) == 8
    return project


@pytest.mark.parametrize("arguments", [(), ("--full-refresh",), ("--empty",)], ids=str)
def test_another_build_changes_nothing(project, arguments):
    project.build(*arguments)
    assert project.published() == project.before


def test_history_outlives_the_warehouse_file(project):
    (project.folder / "wh.duckdb").unlink()
    project.build()
    assert project.published() == project.before


def test_python_batches_are_not_left_behind(project):
    project.forecast(("next", "live", 5.0, 10.0))
    project.build()
    with duckdb.connect(str(project.folder / "wh.duckdb"), read_only=True) as connection:
        names = connection.execute("select table_name from duckdb_tables()").fetchall()
    assert [name for (name,) in names if "dbt_tmp" in name] == []


def test_other_materialization_is_refused(project):
    for file in (project.ledger, project.posterior, project.chain):
        text = file.read_text()
        assert "incremental" in text
        flipped = text.replace("materialized='incremental'", "materialized='table'")
        file.write_text(flipped.replace('materialized="incremental"', 'materialized="table"'))
    assert project.build(fails=True).count(REFUSAL) >= 3
    assert project.published() == project.before


@pytest.mark.parametrize("settings", [{"+full_refresh": True}, {"+materialized": "table"}], ids=str)
def test_override_in_a_users_project_is_refused(project, settings):
    # where mixloop is installed as a package, the user's settings outrank those in its files
    user = project.folder / "user"
    user.mkdir()
    shutil.copy(project.folder / "profiles.yml", user)
    (user / "packages.yml").write_text("packages: [{local: ..}]\n")
    wrapper = {"name": "user", "version": "1.0.0", "profile": "mixloop"}
    wrapper["models"] = {"mixloop": settings}
    (user / "dbt_project.yml").write_text(yaml.safe_dump(wrapper))
    for file in ("python", "wh.duckdb", "wh_history.duckdb"):
        (user / file).symlink_to(project.folder / file)
    project.start("deps", folder=user).communicate()
    said, _ = project.start("build", folder=user).communicate()
    assert said.count(REFUSAL) >= 3, said
    assert project.published() == project.before


def test_history_is_rewritten_only_when_asked_for_by_name(project):
    project.forecast(("other", "live", 1.0, 1.0))
    project.build("--full-refresh", "--vars", "mixloop__allow_history_refresh: true")
    assert project.read(f"select distinct run_id from {LEDGER}") == [("other",)]
    assert project.read(f"select distinct run_id from {POSTERIOR}") == [("other",)]
    assert project.read(f"select position, record_id from {CHAIN}") == [(1, "other")]


def test_changed_plan_is_published_as_a_revision(project):
    revisions = f"select revision, forecast_mean from {LEDGER} where run_id = 'new' "
    revisions += "and component_id = 'kpi' order by revision"
    for spend, mean, expected in (
        (6.0, 11.0, [(1, 10.0), (2, 11.0)]),
        (6.0, 11.0, [(1, 10.0), (2, 11.0)]),
        (5.0, 10.0, [(1, 10.0), (2, 11.0), (3, 10.0)]),
    ):
        project.forecast(("new", "live", spend, mean))
        project.build()
        assert project.read(revisions) == expected
    assert set(map(str, project.before)) < set(map(str, project.published()))


def test_nodes_that_are_grouped_anew_are_published_as_a_revision(project):
    """The plan stays as it is; what lies below and beside its channels does not."""
    project.forecast(("next", "live", 5.0, 10.0), parts={"a": 0.4, "b": 0.6, "team:x": 0.4})
    project.build()
    first = project.read(f"from {LEDGER} where run_id = 'next' order by forecast_id")
    project.build()
    assert project.read(f"from {LEDGER} where run_id = 'next' order by forecast_id") == first
    project.forecast(("next", "live", 5.0, 10.0), parts={"a": 0.4, "b": 0.6, "team:x": 0.6})
    project.build()
    rows = project.read(
        f"select revision, component_id, forecast_mean from {LEDGER} where run_id = 'next' "
        "and component_id in ('b', 'team:x') order by all"
    )
    assert rows == [(1, "b", 6.0), (1, "team:x", 4.0), (2, "b", 6.0), (2, "team:x", 6.0)]
    plans = project.read(f"select distinct plan_hash from {LEDGER} where run_id = 'next'")
    assert len(plans) == 1


def test_a_ledger_from_before_the_nodes_keeps_its_revisions(project):
    """Its plan hash is the same with nodes, and they are added to what was published."""
    with duckdb.connect(str(project.folder / "wh_history.duckdb")) as connection:
        table = LEDGER.replace("history.", "wh_history.")
        columns = "* exclude (allocation, hierarchy_id, nodes_hash, is_pooled)"
        connection.execute(f"create table old as select {columns} from {table}")
        connection.execute(f"drop table {table}")
        connection.execute(f"create table {table} as from old")
        connection.execute("drop table old")
    before = project.read(f"select forecast_id, plan_hash, revision from {LEDGER} order by all")
    project.forecast(("new", "live", 5.0, 10.0), parts={"a": 0.4, "b": 0.6, "team:x": 0.4})
    project.build()
    project.build()
    after = project.read(
        f"select forecast_id, plan_hash, revision from {LEDGER} where nodes_hash is null "
        "order by all"
    )
    assert after == before
    added = project.read(
        f"select component_id, revision, allocation, hierarchy_id from {LEDGER} "
        "where run_id = 'new' and nodes_hash is not null order by all"
    )
    rule = "carried_over_exposure"
    assert added == [("a", 1, rule, "main"), ("b", 1, rule, "main"), ("team:x", 1, None, "team")]
    ((plan,),) = project.read(f"select distinct plan_hash from {LEDGER} where run_id = 'new'")
    assert plan in {old for _, old, _ in before}
    project.forecast(("new", "live", 5.0, 10.0), parts={"a": 0.5, "b": 0.5, "team:x": 0.5})
    project.build()
    assert project.read(f"select max(revision) from {LEDGER}") == [(2,)]


def test_a_forecast_that_moves_under_the_same_plan_is_not_rewritten(project):
    project.forecast(("new", "live", 5.0, 99.0))
    project.build()
    assert project.published() == project.before


def test_backtest_forecasts_open_the_record_only(project):
    project.forecast(("next", "live", 5.0, 10.0), ("older", "backtest", 4.0, 8.0))
    project.build()
    runs = project.read(f"select distinct run_id from {LEDGER} order by run_id")
    assert runs == [("new",), ("next",), ("old",)]


def test_a_later_version_may_add_a_column(project):
    text = project.ledger.read_text()
    assert "is not null" in text
    project.ledger.write_text(text.replace("as content_hash", "as content_hash,\n'x' as note"))
    for file in project.models.glob("*.yml"):
        found = yaml.safe_load(file.read_text())
        for model in found["models"]:
            if model["name"] == "mixloop__forecasts":
                model["columns"].append({"name": "note", "data_type": "varchar"})
        file.write_text(yaml.safe_dump(found))
    project.forecast(("next", "live", 5.0, 10.0))
    project.build()
    assert project.read(f"select run_id, note from {LEDGER} group by all order by all") == [
        ("new", None),
        ("next", "x"),
        ("old", None),
    ]


def test_killed_build_loses_nothing_and_leaves_nothing_half_done(project):
    project.forecast(("next", "live", 5.0, 10.0))
    # after the append and before its commit: a query that takes hours
    endless = "select count(*) from range(1000000) as a, range(1000000) as b "
    endless += "where sin(a.range + b.range) > 2"
    project.settings["models"]["mixloop"]["marts"]["+post-hook"] = endless
    project.configure()
    process = project.start("build")
    log = project.folder / "logs" / "dbt.log"
    deadline = time.monotonic() + 120
    while "range(1000000)" not in (log.read_text() if log.exists() else ""):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.2)
    time.sleep(1.0)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    ledger = project.before[:4]
    assert project.read(f"from {LEDGER} order by forecast_id") == ledger
    del project.settings["models"]["mixloop"]["marts"]["+post-hook"]
    project.configure()
    project.build()
    assert set(map(str, project.before)) < set(map(str, project.published()))
    counts = f"select run_id, count(*) from {LEDGER} group by run_id order by run_id"
    assert project.read(counts) == [("new", 2), ("next", 2), ("old", 2)]
