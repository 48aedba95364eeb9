"""Clean rows and seeded defects of the dbt tests of hypotheses."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

HYPOTHESIS = (
    "run_id, channel_id, direction, p_over, marginal_roi_p05, marginal_roi_p95, "
    "movable_spend_p05, movable_spend_p95, gain_mean, gain_p05, gain_p95"
)
SAID = ("'over', 0.7, 0.5, 1.2, 0.0, 9.0, 3.0, -1.0, 6.0",)
UPDATE = "update {mixloop__hypotheses} set "
PUBLISHED = "update {int_mixloop__published_hypotheses} set "

HYPOTHESIS_DEFECTS = {
    "assert_hypotheses_have_ranges": Case(
        tables={
            "mixloop__hypotheses": rows(
                HYPOTHESIS, f"'r', 'tv', {SAID[0]}", f"'old', 'tv', {SAID[0]}"
            ),
            "mixloop__channel_performance": rows(
                "run_id, channel_id, period_id, is_additive, effect_mean, spend",
                "'r', 'tv', 'last_52_weeks', true, 7.0, 100.0",
                "'r', 'tv', 'training', true, 20.0, 300.0",
                "'r', 'media', 'last_52_weeks', false, 7.0, 100.0",
                "'r', 'gone', 'last_52_weeks', true, 0.0, 0.0",
                "'r', 'unmapped', 'last_52_weeks', true, null, 5.0",
            ),
        },
        defects={
            "a channel without one": "delete from {mixloop__hypotheses} where run_id = 'r'",
            "a return without a range": UPDATE + "marginal_roi_p95 = marginal_roi_p05",
            "a return that is not known": UPDATE + "marginal_roi_p05 = null",
            "amounts upside down": UPDATE + "movable_spend_p95 = -1.0",
            "gains upside down": UPDATE + "gain_p95 = -2.0",
            "a gain that is no number": UPDATE + "gain_mean = 'nan'",
        },
    ),
    "assert_hypotheses_kept_as_made": Case(
        tables={
            "int_mixloop__hypotheses": rows(HYPOTHESIS, f"'r', 'tv', {SAID[0]}"),
            "int_mixloop__published_hypotheses": rows(
                f"{HYPOTHESIS}, revision",
                "'r', 'tv', 'under', 0.2, 0.5, 1.2, 0.0, 9.0, 3.0, -1.0, 6.0, 1",
                f"'r', 'tv', {SAID[0]}, 2",
                f"'old', 'tv', {SAID[0]}, 1",
            ),
        },
        defects={
            "a hypothesis that was not published": (
                "delete from {int_mixloop__published_hypotheses} where run_id = 'r'"
            ),
            "a revision that was lost": (
                "delete from {int_mixloop__published_hypotheses} where revision = 2"
            ),
            "another direction": PUBLISHED + "direction = 'under'",
            "another probability": PUBLISHED + "p_over = 0.71",
            "another gain": PUBLISHED + "gain_mean = 3.01",
            "a gain that was lost": PUBLISHED + "gain_mean = null",
        },
    ),
}
