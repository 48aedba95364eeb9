"""What was believed of every channel before the data, and after."""

from mixloop import beliefs


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    return beliefs.priors_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )
