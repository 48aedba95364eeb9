"""What every variable of a run moves, and what the fit left out."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    material_share = dbt.config.meta_get("material_share")
    return publish.selection_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        material_share=material_share,
    )
