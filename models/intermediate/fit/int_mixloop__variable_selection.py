"""What every variable of a run moves, and what the fit left out."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    material_share = dbt.config.meta_get("material_share")
    return unchanged.rows(
        session, dbt.this, publish.selection_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        material_share=material_share,
    )  # fmt: skip
