"""Scores of every live run and of the methods beside it."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    backtests = dbt.ref("int_mixloop__backtests").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    return publish.scores_table(
        posterior=posterior,
        backtests=backtests,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )
