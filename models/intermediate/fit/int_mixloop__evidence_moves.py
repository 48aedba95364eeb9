"""What every row of evidence moved in every channel of the current live runs."""

from mixloop import beliefs, unchanged


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior")
    models = dbt.ref("int_mixloop__models")
    return unchanged.rows(session, dbt.this, beliefs.moves_table, posterior=posterior, models=models)
