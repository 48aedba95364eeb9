"""Clean rows and seeded defects of the dbt test of how decisions are followed up."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

DECISIONS = rows(
    "decision_id, approved_on, channel_id, spend_from, spend_to, start_week",
    "'over', date '2025-02-03', 'tv', 10, 20, date '2025-02-10'",
    "'new', date '2025-02-03', 'radio', 10, 20, date '2025-02-10'",
    "'early', date '2024-01-08', 'tv', 10, 20, date '2025-02-10'",
    "'half', date '2025-02-03', 'tv', null, 20, date '2025-02-10'",
    "'child', date '2025-02-03', 'spots', 10, 20, date '2025-06-09'",
)
# one that is still written, and one that the client took off the table
LEDGER = rows(
    "record_kind, record_id, revision, as_of_week, content",
    "'decision', 'over', 1, date '2025-02-03', '{}'",
    "'decision', 'gone', 1, date '2025-02-03', "
    '\'{"approved_on": "2025-02-03", "channel_id": "tv", "spend_from": "10.000000", '
    '"spend_to": "20.000000", "start_week": "2025-02-10"}\'',
    "'run', 'r', 1, date '2025-01-27', '{}'",
)
OUTCOME_COLUMNS = (
    "decision_id, model_id, channel_id, role, geos, approved_on, prediction_status, "
    "prediction_run_id, prediction_as_of_week, predicted_mean, predicted_p05, predicted_p95, "
    "start_week, end_week, measurement_status, measured_mean, compared_mean, variance_mean, is_hit"
)
MARCH = "date '2025-02-10', date '2025-03-03'"
OUTCOMES = rows(
    OUTCOME_COLUMNS,
    "'over', 'm', 'tv', 'itself', 'all', date '2025-02-03', 'predicted', "
    f"'r', date '2025-01-27', 5.0, 2.0, 8.0, {MARCH}, 'measured', 6.0, 5.0, 1.0, true",
    "'gone', 'm', 'tv', 'itself', 'all', date '2025-02-03', 'predicted', "
    f"'r', date '2025-01-27', 5.0, 2.0, 8.0, {MARCH}, 'measured', 1.0, 5.0, -4.0, false",
    "'new', 'm', 'radio', 'itself', 'all', date '2025-02-03', 'not_in_run', "
    f"null, null, null, null, null, {MARCH}, 'measured', 6.0, null, null, null",
    "'early', 'm', 'tv', 'itself', 'all', date '2024-01-08', 'no_run_before_approval', "
    f"null, null, null, null, null, {MARCH}, 'measured', 6.0, null, null, null",
    "'half', 'm', 'tv', 'itself', 'all', date '2025-02-03', 'incomplete', "
    f"null, null, null, null, null, {MARCH}, 'incomplete', null, null, null, null",
    "'child', 'm', 'spots', 'below', 'all', date '2025-02-03', 'predicted', "
    "'r', date '2025-01-27', 5.0, 2.0, 8.0, date '2025-06-09', date '2025-06-30', 'running', "
    "null, null, null, null",
)
MODELS = rows(
    "model_id, first_training_week, last_training_week",
    "'m', date '2024-01-01', date '2025-06-09'",
)
RUNS = rows(
    "run_id, model_id, run_kind, as_of_week, term_type, component_id",
    "'r', 'm', 'live', date '2025-01-27', 'channel', 'tv'",
    "'now', 'm', 'live', date '2025-06-09', 'channel', 'tv'",
    "'now', 'm', 'live', date '2025-06-09', 'channel', 'radio'",
    "'s', 'm', 'specification', date '2025-01-20', 'channel', 'radio'",
)

DECISION_DEFECTS = {
    "assert_decisions_are_followed_up": Case(
        tables={
            "stg_mixloop__decisions": DECISIONS,
            "mixloop__ledger": LEDGER,
            "int_mixloop__models": MODELS,
            "int_mixloop__posterior": RUNS,
            "mixloop__decision_outcomes": OUTCOMES,
        },
        defects={
            "a decision that nobody follows": (
                "delete from {mixloop__decision_outcomes} where decision_id = 'early'"
            ),
            "a miss that somebody took off the table": (
                "delete from {mixloop__decision_outcomes} where decision_id = 'gone'"
            ),
            "a withdrawn decision that nobody predicted": (
                "update {mixloop__decision_outcomes} set prediction_status = 'not_in_run', "
                "prediction_run_id = null, predicted_p05 = null where decision_id = 'gone'"
            ),
            "a prediction that was not made": (
                "update {mixloop__decision_outcomes} set prediction_status = 'not_in_run', "
                "prediction_run_id = null, predicted_p05 = null where decision_id = 'over'"
            ),
            "a run from before the approval that nobody asked": (
                "insert into {int_mixloop__posterior} values "
                "('old', 'm', 'backtest', date '2024-01-01', 'channel', 'tv')"
            ),
            "a prediction without a range": (
                "update {mixloop__decision_outcomes} set predicted_p05 = null "
                "where decision_id = 'child'"
            ),
            "a prediction that is not a number": (
                "update {mixloop__decision_outcomes} set predicted_mean = 'nan'::double "
                "where decision_id = 'child'"
            ),
            "a range upside down": (
                "update {mixloop__decision_outcomes} set predicted_p05 = 9.0 "
                "where decision_id = 'child'"
            ),
            "a range that nobody predicted": (
                "update {mixloop__decision_outcomes} set prediction_status = 'not_in_run' "
                "where decision_id = 'child'"
            ),
            "a run that knew later weeks": (
                "update {mixloop__decision_outcomes} set prediction_as_of_week = "
                "date '2025-02-03' where decision_id = 'over'"
            ),
            "a finished decision without a variance": (
                "update {mixloop__decision_outcomes} set variance_mean = null "
                "where decision_id = 'over'"
            ),
            "a variance that is another number": (
                "update {mixloop__decision_outcomes} set variance_mean = 2.0 "
                "where decision_id = 'over'"
            ),
            "a finished decision that was not judged": (
                "update {mixloop__decision_outcomes} set is_hit = null where decision_id = 'over'"
            ),
        },
    ),
}
