"""What every run learned, one row per run, geo and term; only new runs are fitted and appended."""

import time

from mixloop import runs


def model(dbt, session):
    dbt.config(
        materialized="incremental", incremental_strategy="append",
        on_schema_change="append_new_columns",
    )  # fmt: skip
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    channels = dbt.ref("int_mixloop__model_channels").pl()
    evidence = dbt.ref("int_mixloop__model_evidence").pl()
    settings = dbt.config.meta_get("fit_settings")
    existing = []
    if dbt.is_incremental:
        known = session.sql(f"select distinct run_id from {dbt.this} order by run_id")
        existing = known.pl()["run_id"].to_list()
    return runs.fit_runs(
        models=models, outcomes=outcomes, media=media, drivers=drivers, channels=channels,
        evidence=evidence, existing=existing, settings=settings, clock=time.perf_counter,
    )  # fmt: skip
