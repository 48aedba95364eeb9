"""Actual minus published forecast, split by cause; forecasts without news keep their rows."""

from mixloop import publish
from mixloop.bridge.kept import kept_rows


def model(dbt, session):
    tables = {
        "posterior": dbt.ref("int_mixloop__posterior"),
        "forecasts": dbt.ref("int_mixloop__published_forecasts").pl(),
        "outcomes": dbt.ref("int_mixloop__model_outcomes").pl(),
        "media": dbt.ref("int_mixloop__model_media").pl(),
        "drivers": dbt.ref("int_mixloop__model_drivers").pl(),
        "nodes": dbt.ref("int_mixloop__model_nodes").pl(),
        "leaf_media": dbt.ref("int_mixloop__model_leaf_media").pl(),
        "run_panels": dbt.ref("int_mixloop__run_panels"),
        "moved_media": dbt.ref("int_mixloop__moved_media").pl(),
        "media_prices": dbt.ref("int_mixloop__media_prices").pl(),
        "goals": dbt.ref("stg_mixloop__goals").pl(),
        "components": dbt.ref("int_mixloop__components").pl(),
    }
    return publish.variance_table(**tables, previous=kept_rows(session, dbt.this))
