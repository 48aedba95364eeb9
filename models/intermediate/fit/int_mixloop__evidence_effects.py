"""What every row of evidence moved in the current live runs."""

from mixloop import beliefs


def model(dbt, session):
    posterior = dbt.ref("int_mixloop__current_posterior").pl()
    models = dbt.ref("int_mixloop__models").pl()
    return beliefs.evidence_table(posterior=posterior, models=models)
