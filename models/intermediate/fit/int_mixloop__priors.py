"""What was believed of every channel before the data, and after."""

from mixloop import beliefs, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    return unchanged.rows(
        session, dbt.this, beliefs.priors_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )  # fmt: skip
