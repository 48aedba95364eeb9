"""Which channels have too much or too little money, how surely, and what is at stake."""

from mixloop import publish, unchanged


def model(dbt, session):
    return unchanged.rows(
        session, dbt.this, publish.hypotheses_table,
        posterior=dbt.ref("int_mixloop__current_posterior"),
        models=dbt.ref("int_mixloop__models"),
        outcomes=dbt.ref("int_mixloop__model_outcomes"),
        media=dbt.ref("int_mixloop__model_media"),
        drivers=dbt.ref("int_mixloop__model_drivers"),
        lean=dbt.config.meta_get("lean"),
    )  # fmt: skip
