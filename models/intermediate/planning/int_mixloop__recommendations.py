"""How every model's current run would split the money of its plan."""

from mixloop import unchanged
from mixloop.planning import tables


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    plans = dbt.ref("int_mixloop__model_plans")
    return unchanged.rows(
        session, dbt.this, tables.recommendations_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        plans=plans,
        change_max=dbt.config.meta_get("change_max"),
        step=dbt.config.meta_get("step"),
    )  # fmt: skip
