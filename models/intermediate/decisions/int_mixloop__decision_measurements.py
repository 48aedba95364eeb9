"""What finished decisions brought, measured once by every run that can; new ones are appended."""

from mixloop import decision_tables


def model(dbt, session):
    dbt.config(
        materialized="incremental", incremental_strategy="append",
        on_schema_change="append_new_columns",
    )  # fmt: skip
    due = dbt.ref("int_mixloop__decisions_to_measure").pl()
    posterior = dbt.ref("int_mixloop__measurement_posterior")
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    node_media = dbt.ref("int_mixloop__model_node_media").pl()
    existing = None
    if dbt.is_incremental:
        keys = f"select measurement_id, prediction_id, measured_by from {dbt.this}"
        existing = session.sql(keys).pl()
    return decision_tables.measurements_table(
        due, posterior.pl, outcomes, media, drivers, node_media, existing
    )
