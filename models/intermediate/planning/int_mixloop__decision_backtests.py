"""What following the advice of every backtest origin would have brought; rows are kept."""

from mixloop.planning import tables
from mixloop.schemas import DECISION_BACKTESTS
from mixloop.unchanged import previous_rows


def model(dbt, session):
    return tables.decision_backtests_table(
        posterior=dbt.ref("int_mixloop__current_posterior").pl(),
        models=dbt.ref("int_mixloop__models").pl(),
        outcomes=dbt.ref("int_mixloop__model_outcomes").pl(),
        media=dbt.ref("int_mixloop__model_media").pl(),
        drivers=dbt.ref("int_mixloop__model_drivers").pl(),
        horizon_weeks=dbt.config.meta_get("horizon_weeks"),
        change_max=dbt.config.meta_get("change_max"),
        step=dbt.config.meta_get("step"),
        previous=previous_rows(session, dbt.this, DECISION_BACKTESTS),
    )
