"""What the data can tell of every node of every model, and the verdict on it."""

from mixloop import feasibility


def model(dbt, session):
    tree = dbt.ref("int_mixloop__channel_tree").pl()
    models = dbt.ref("int_mixloop__models").pl()
    media = dbt.ref("int_mixloop__model_node_media").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    thresholds = dbt.config.meta_get("thresholds")
    return feasibility.feasibility_table(
        tree=tree,
        models=models,
        media=media,
        outcomes=outcomes,
        drivers=drivers,
        thresholds=thresholds,
    )
