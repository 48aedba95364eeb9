"""Clean rows and seeded defects of the dbt tests of how a run is judged."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

CHECKS = (
    *("convergence", "skill", "coverage", "negative_baseline", "plausibility", "evidence"),
    *("stability", "autocorrelation", "history", "missing_weeks", "rows_per_column", "overrides"),
)
VERDICTS = {"a": "sound", "b": "usable with care", "c": "not for decisions"}
STATUS = {
    ("b", "history"): "care",
    ("c", "skill"): "fail",
    ("c", "history"): "care",
}
RUNS = rows("run_id, is_current", *(f"'{run}', true" for run in VERDICTS), "'old', false")
HEALTH = rows("run_id, verdict", *(f"'{run}', '{verdict}'" for run, verdict in VERDICTS.items()))
HEALTH_CHECKS = rows(
    "run_id, check_name, status",
    *(f"'{run}', '{check}', '{STATUS.get((run, check), 'pass')}'"
      for run in VERDICTS for check in CHECKS),
)  # fmt: skip
SPECIFICATIONS = rows(
    "run_id, channel_id, dimension, probability, effect_mean",
    "'r', 'tv', 'all', 1.0, 7.0",
    "'r', 'tv', 'kernel', 0.25, 4.0",
    "'r', 'tv', 'kernel', 0.75, 8.0",
    "'r', 'tv', 'baseline', null, 99.0",  # fitted on its own, not averaged over
)
PERFORMANCE = rows(
    "run_id, channel_id, period_id, effect_mean",
    "'r', 'tv', 'training', 7.0",
    "'r', 'tv', 'last_52_weeks', 3.0",
)

JUDGING_DEFECTS = {
    "assert_every_run_is_judged": Case(
        tables={
            "mixloop__runs": RUNS,
            "mixloop__model_health": HEALTH,
            "mixloop__health_checks": HEALTH_CHECKS,
        },
        defects={
            "a run without a verdict": "delete from {mixloop__model_health} where run_id = 'a'",
            "a verdict on a run that is not current": (
                "insert into {mixloop__model_health} values ('old', 'sound')"
            ),
            "a run without checks": "delete from {mixloop__health_checks} where run_id = 'a'",
            "a check that was left out": (
                "delete from {mixloop__health_checks} "
                "where run_id = 'a' and check_name = 'convergence'"
            ),
            "a check that was made twice": (
                "update {mixloop__health_checks} set check_name = 'skill' "
                "where run_id = 'a' and check_name = 'coverage'"
            ),
            "a verdict that is too kind": (
                "update {mixloop__model_health} set verdict = 'sound' where run_id = 'c'"
            ),
            "a failed check that nobody heard": (
                "update {mixloop__health_checks} set status = 'fail' "
                "where run_id = 'b' and check_name = 'coverage'"
            ),
            "a verdict that is too harsh": (
                "update {mixloop__model_health} set verdict = 'usable with care' where run_id = 'a'"
            ),
        },
    ),
    "assert_specifications_add_up": Case(
        tables={
            "mixloop__specifications": SPECIFICATIONS,
            "mixloop__channel_performance": PERFORMANCE,
        },
        defects={
            "a specification is missing": (
                "delete from {mixloop__specifications} where probability = 0.25"
            ),
            "an effect is off": (
                "update {mixloop__specifications} set effect_mean = 8.001 where probability = 0.75"
            ),
            "an effect is unknown": (
                "update {mixloop__specifications} set effect_mean = null where probability = 0.75"
            ),
            "another answer was published": (
                "update {mixloop__channel_performance} set effect_mean = 7.1 "
                "where period_id = 'training'"
            ),
            "a channel that was not published": (
                "delete from {mixloop__channel_performance} where period_id = 'training'"
            ),
        },
    ),
}
