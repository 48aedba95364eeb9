"""Why a run says another thing than the run before it; only new pairs are appended."""

from mixloop import runs
from mixloop.bridge.restatement import restatements_table


def model(dbt, session):
    dbt.config(
        materialized="incremental", incremental_strategy="append",
        on_schema_change="append_new_columns",
    )  # fmt: skip
    tasks = lambda: runs.asked_for(  # noqa: E731 only read when a pair is new
        dbt.ref("int_mixloop__models").pl(), dbt.ref("int_mixloop__model_outcomes").pl(),
        dbt.ref("int_mixloop__model_media").pl(), dbt.ref("int_mixloop__model_drivers").pl(),
        dbt.ref("int_mixloop__model_channels").pl(), dbt.ref("int_mixloop__model_evidence").pl(),
        dbt.config.meta_get("fit_settings"),
    )  # fmt: skip
    known = f"select distinct run_id, earlier_run_id from {dbt.this}"
    return restatements_table(
        posterior=dbt.ref("int_mixloop__posterior"), tasks=tasks,
        current=dbt.ref("int_mixloop__current_runs").pl(),
        run_panels=dbt.ref("int_mixloop__run_panels"),
        moved_media=dbt.ref("int_mixloop__moved_media").pl(),
        existing=set(session.sql(known).fetchall()) if dbt.is_incremental else set(),
    )  # fmt: skip
