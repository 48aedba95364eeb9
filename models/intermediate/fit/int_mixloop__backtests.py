"""Held-out weeks of every backtest run, forecast by each method; unchanged origins are kept."""

from mixloop import publish
from mixloop.schemas import BACKTESTS
from mixloop.unchanged import previous_rows


def model(dbt, session):
    return publish.backtests_table(
        posterior=dbt.ref("int_mixloop__current_posterior").pl(),
        models=dbt.ref("int_mixloop__models").pl(),
        outcomes=dbt.ref("int_mixloop__model_outcomes").pl(),
        media=dbt.ref("int_mixloop__model_media").pl(),
        drivers=dbt.ref("int_mixloop__model_drivers").pl(),
        horizon_weeks=dbt.config.meta_get("horizon_weeks"),
        previous=previous_rows(session, dbt.this, BACKTESTS),
    )
