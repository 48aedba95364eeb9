"""What the planned weeks should bring, by run, plan, geo, week and component."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    plans = dbt.ref("int_mixloop__model_plans").pl()
    nodes = dbt.ref("int_mixloop__model_nodes").pl()
    leaf_media = dbt.ref("int_mixloop__model_leaf_media").pl()
    leaf_plans = dbt.ref("int_mixloop__model_leaf_plans").pl()
    return publish.forecasts_table(
        posterior=posterior, models=models, outcomes=outcomes, media=media, drivers=drivers,
        plans=plans, nodes=nodes, leaf_media=leaf_media, leaf_plans=leaf_plans,
    )  # fmt: skip
