"""Actual minus published forecast, split by cause; forecasts without news keep their rows."""

from mixloop import unchanged
from mixloop.bridge.table import variance_table
from mixloop.schemas import VARIANCE


def model(dbt, session):
    def make(**tables):
        before = unchanged.previous_rows(session, dbt.this, VARIANCE)
        return variance_table(**tables, previous=before)

    tables = {
        "posterior": dbt.ref("int_mixloop__posterior"),
        "forecasts": dbt.ref("int_mixloop__published_forecasts"),
        "outcomes": dbt.ref("int_mixloop__model_outcomes"),
        "media": dbt.ref("int_mixloop__model_media"),
        "drivers": dbt.ref("int_mixloop__model_drivers"),
        "nodes": dbt.ref("int_mixloop__model_nodes"),
        "leaf_media": dbt.ref("int_mixloop__model_leaf_media"),
        "run_panels": dbt.ref("int_mixloop__run_panels"),
        "moved_media": dbt.ref("int_mixloop__moved_media"),
        "media_prices": dbt.ref("int_mixloop__media_prices"),
        "goals": dbt.ref("stg_mixloop__goals"),
        "components": dbt.ref("int_mixloop__components"),
    }
    large = ("posterior", "run_panels")
    return unchanged.rows(session, dbt.this, make, as_tables=large, stays=True, **tables)
