"""How every model's current run would split the money of its plan."""

from mixloop.planning import tables


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    plans = dbt.ref("int_mixloop__model_plans").pl()
    return tables.recommendations_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        plans=plans,
        change_max=dbt.config.meta_get("change_max"),
        step=dbt.config.meta_get("step"),
    )
