"""The runs that today's inputs, configuration and code call for."""

from mixloop import runs


def model(dbt, session):
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    channels = dbt.ref("int_mixloop__model_channels").pl()
    evidence = dbt.ref("int_mixloop__model_evidence").pl()
    settings = dbt.config.meta_get("fit_settings")
    return runs.current_runs(
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        channels=channels,
        evidence=evidence,
        settings=settings,
    )
