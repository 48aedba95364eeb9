"""What the planned weeks should bring, by run, plan, geo, week and component."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    plans = dbt.ref("int_mixloop__model_plans")
    nodes = dbt.ref("int_mixloop__model_nodes")
    leaf_media = dbt.ref("int_mixloop__model_leaf_media")
    leaf_plans = dbt.ref("int_mixloop__model_leaf_plans")
    return unchanged.rows(
        session, dbt.this, publish.forecasts_table,
        posterior=posterior, models=models, outcomes=outcomes, media=media, drivers=drivers,
        plans=plans, nodes=nodes, leaf_media=leaf_media, leaf_plans=leaf_plans,
    )  # fmt: skip
