"""Spend, effect and return of every node by run and period."""

from mixloop import publish, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    media = dbt.ref("int_mixloop__model_media")
    drivers = dbt.ref("int_mixloop__model_drivers")
    nodes = dbt.ref("int_mixloop__model_nodes")
    leaf_media = dbt.ref("int_mixloop__model_leaf_media")
    return unchanged.rows(
        session, dbt.this, publish.performance_table,
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        nodes=nodes,
        leaf_media=leaf_media,
    )  # fmt: skip
