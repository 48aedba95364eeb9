"""Why a run says another thing than the run before it; only new pairs are appended."""

from mixloop import runs
from mixloop.bridge.restatement import restatements_table


def model(dbt, session):
    def tasks():  # only read when a pair is new
        tables = (
            dbt.ref("int_mixloop__models"), dbt.ref("int_mixloop__model_outcomes"),
            dbt.ref("int_mixloop__model_media"), dbt.ref("int_mixloop__model_drivers"),
            dbt.ref("int_mixloop__model_channels"), dbt.ref("int_mixloop__model_evidence"),
        )  # fmt: skip
        return runs.asked_for(*(t.pl() for t in tables), dbt.config.meta_get("fit_settings"))

    dbt.config(
        materialized="incremental", incremental_strategy="append",
        on_schema_change="append_new_columns",
    )  # fmt: skip
    known = f"select distinct run_id, earlier_run_id from {dbt.this}"
    return restatements_table(
        posterior=dbt.ref("int_mixloop__posterior"), tasks=tasks,
        current=dbt.ref("int_mixloop__current_runs").pl(),
        run_panels=dbt.ref("int_mixloop__run_panels"),
        moved_media=dbt.ref("int_mixloop__moved_media").pl(),
        existing=set(session.sql(known).fetchall()) if dbt.is_incremental else set(),
    )  # fmt: skip
