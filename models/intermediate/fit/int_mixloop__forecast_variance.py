"""Actual minus published forecast, split by cause."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__posterior").pl()
    forecasts = dbt.ref("int_mixloop__published_forecasts").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    nodes = dbt.ref("int_mixloop__model_nodes").pl()
    leaf_media = dbt.ref("int_mixloop__model_leaf_media").pl()
    return publish.variance_table(
        posterior=posterior,
        forecasts=forecasts,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        nodes=nodes,
        leaf_media=leaf_media,
    )
