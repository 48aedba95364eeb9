"""What following the advice of every backtest origin would have brought."""

from mixloop.planning import tables


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    outcomes = dbt.ref("int_mixloop__model_outcomes").pl()
    media = dbt.ref("int_mixloop__model_media").pl()
    drivers = dbt.ref("int_mixloop__model_drivers").pl()
    return tables.decision_backtests_table(
        posterior=posterior,
        models=models,
        outcomes=outcomes,
        media=media,
        drivers=drivers,
        horizon_weeks=dbt.config.meta_get("horizon_weeks"),
        change_max=dbt.config.meta_get("change_max"),
        step=dbt.config.meta_get("step"),
    )
