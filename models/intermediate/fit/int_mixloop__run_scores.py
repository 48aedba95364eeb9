"""Scores of every live run and of the methods beside it."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    backtests = dbt.ref("int_mixloop__backtests")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    return unchanged.rows(
        session, dbt.this, publish.scores_table,
        posterior=posterior,
        backtests=backtests,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )  # fmt: skip
