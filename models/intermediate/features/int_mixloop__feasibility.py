"""What the data can tell of every node of every model, and the verdict on it."""

from mixloop import feasibility, unchanged


def model(dbt, session):
    tree = dbt.ref("int_mixloop__channel_tree")
    models = dbt.ref("int_mixloop__models")
    media = dbt.ref("int_mixloop__model_node_media")
    outcomes = dbt.ref("int_mixloop__model_outcomes")
    drivers = dbt.ref("int_mixloop__model_drivers")
    thresholds = dbt.config.meta_get("thresholds")
    return unchanged.rows(
        session, dbt.this, feasibility.feasibility_table,
        tree=tree,
        models=models,
        media=media,
        outcomes=outcomes,
        drivers=drivers,
        thresholds=thresholds,
    )  # fmt: skip
