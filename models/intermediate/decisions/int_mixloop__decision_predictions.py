"""What every decision should bring, as predicted on approval; only new decisions are appended."""

from mixloop import decision_tables


def model(dbt, session):
    dbt.config(
        materialized="incremental", incremental_strategy="append",
        on_schema_change="append_new_columns",
    )  # fmt: skip
    decisions = dbt.ref("int_mixloop__decision_models").pl()
    posterior = dbt.ref("int_mixloop__prediction_posterior")
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    node_media = dbt.ref("int_mixloop__model_node_media").pl()
    existing = None
    if dbt.is_incremental:
        keys = f"select prediction_id, decision_id, model_id from {dbt.this}"
        existing = session.sql(keys).pl()
    return decision_tables.predictions_table(
        decisions, posterior.pl, outcomes, media, drivers, node_media, existing
    )
