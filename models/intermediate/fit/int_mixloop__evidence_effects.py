"""What every row of evidence moved in the current live runs."""

from mixloop import publish


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    return publish.evidence_table(posterior=posterior, models=models)
