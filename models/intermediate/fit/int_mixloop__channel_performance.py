"""Spend, effect and return of every node by run and period."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    nodes = dbt.ref("int_mixloop__model_nodes").pl()
    leaf_media = dbt.ref("int_mixloop__model_leaf_media").pl()
    return publish.performance_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        nodes=nodes,
        leaf_media=leaf_media,
    )
