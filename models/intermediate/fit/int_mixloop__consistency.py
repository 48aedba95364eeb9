"""Whether earlier origins say of a channel what the live run says."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    return unchanged.rows(
        session, dbt.this, publish.consistency_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )  # fmt: skip
