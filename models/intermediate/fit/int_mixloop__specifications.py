"""What every channel did under each transform among the draws."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    return publish.specifications_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
    )
