"""Response of every modelled channel to steady weekly spend."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    plans = dbt.ref("int_mixloop__model_plans")
    points = dbt.config.meta_get("curve_points")
    return unchanged.rows(
        session, dbt.this, publish.curves_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        plans=plans,
        points=points,
    )  # fmt: skip
