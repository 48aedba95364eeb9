"""Clean rows and seeded defects of the dbt tests of staleness."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

STALENESS = rows(
    "run_id, model_id, is_newest, channel_id, signal, measured, threshold, is_triggered, "
    "sentence, remedy",
    *(
        f"'new', 'm', true, 'total', '{signal}', 0.1, 0.2, false, 'said', null"
        for signal in (
            *("mix_shift", "new_channel", "dropped_channel", "misses", "spend_range"),
            *("carryover_range", "budget_range", "media_price", "age"),
        )
    ),
    # an older run may be as stale as it likes
    "'old', 'm', false, 'total', 'age', 26.0, 13.0, true, 'said', 'refit'",
    "'far', 'm', false, 'tv', 'spend_range', 2.0, 1.25, true, 'said', 'cut'",
    "'far', 'm', false, 'tv', 'misses', 0.9, 0.8, true, 'said', 'test'",
    "'off', 'm', false, 'tv', 'misses', 0.9, 0.8, true, 'said', 'test'",
)
RUNS = ("new", "old", "far", "off", "bad")
VERDICTS = {
    "new": ("fresh", "null"),
    "old": ("stale", "'said'"),
    "far": ("out_of_range", "'said'"),
    "off": ("biased", "'said'"),
    "bad": ("broken", "'not converged'"),
}


def called(*signals: str) -> Case:
    """Return a test that speaks when one of the newest run's signs does."""
    of = "update {mixloop__staleness} set "
    return Case(
        tables={"mixloop__staleness": STALENESS},
        defects={
            f"{what} of {signal}": (
                f"{of} is_triggered = {value} where signal = '{signal}' and run_id = 'new'"
            )
            for signal in signals
            for what, value in (("a call", "true"), ("no answer", "null"))
        },
    )


STALENESS_DEFECTS = {
    "assert_mix_is_as_in_training": called("mix_shift", "new_channel", "dropped_channel"),
    "assert_misses_are_on_both_sides": called("misses"),
    "assert_spend_stays_in_training_range": called(
        "spend_range", "carryover_range", "budget_range"
    ),
    "assert_newest_runs_are_not_old": called("age", "media_price"),
    "assert_every_judged_run_has_a_verdict": Case(
        tables={
            "int_mixloop__judged_runs": rows(
                "run_id, is_judged", *(f"'{run}', true" for run in RUNS), "'ancient', false"
            ),
            "int_mixloop__current_runs": rows(
                "run_id, run_kind", "'new', 'live'", "'past', 'backtest'"
            ),
            "mixloop__staleness": STALENESS,
            "mixloop__freshness": rows(
                "run_id, verdict, cause, is_broken",
                *(
                    f"'{run}', '{verdict}', {cause}, {verdict == 'broken'}"
                    for run, (verdict, cause) in VERDICTS.items()
                ),
            ),
        },
        defects={
            "a run without a verdict": "delete from {mixloop__freshness} where run_id = 'old'",
            "the run in use is not judged": (
                "insert into {int_mixloop__current_runs} values ('newer', 'live')"
            ),
            "a verdict on a run that is not judged": (
                "insert into {mixloop__freshness} values ('ancient', 'fresh', null, false)"
            ),
            "two verdicts on one run, one of them wrong": (
                "insert into {mixloop__freshness} values ('old', 'fresh', null, false)"
            ),
            "a verdict that is too kind": (
                "update {mixloop__freshness} set verdict = 'biased' where run_id = 'far'"
            ),
            "a sign that nobody heard": (
                "update {mixloop__staleness} set is_triggered = true "
                "where run_id = 'new' and signal = 'age'"
            ),
            "a verdict without a cause": (
                "update {mixloop__freshness} set cause = null where run_id = 'old'"
            ),
            "fresh without any sign": (
                "update {mixloop__freshness} set verdict = 'fresh', cause = null, "
                "is_broken = false where run_id = 'bad'"
            ),
        },
    ),
}
