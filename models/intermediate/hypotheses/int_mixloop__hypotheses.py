"""Which channels have too much or too little money, how surely, and what is at stake."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    lean = dbt.config.meta_get("lean")
    return publish.hypotheses_table(
        posterior=posterior, models=models, outcomes=outcomes, media=media, drivers=drivers,
        lean=lean,
    )  # fmt: skip
