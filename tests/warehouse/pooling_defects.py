"""Clean rows and seeded defects of the dbt tests of pooled channels.

brand and performance are drawn together towards social; tv is alone.
"""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

NOTE = "drawn together with x towards social; trust the range of social"
PARENT_NOTE = "its children brand, performance are pooled; this range is the one to trust"
PERFORMANCE = rows(
    "run_id, period_id, channel_id, is_pooled, pool_id, range_note",
    f"'r', 'training', 'brand', true, 'social', '{NOTE}'",
    f"'r', 'training', 'performance', true, 'social', '{NOTE}'",
    f"'r', 'training', 'social', false, null, '{PARENT_NOTE}'",
    "'r', 'training', 'tv', false, null, null",
    "'r', 'training', 'unmapped', false, null, null",
    f"'r', 'training', 'brand_video', true, 'social', '{NOTE}'",  # below a pooled channel
)
CONTRIBUTIONS = rows(
    "run_id, component_id, component_type, is_pooled",
    "'r', 'brand', 'channel', true",
    "'r', 'performance', 'channel', true",
    "'r', 'social', 'channel', false",
    "'r', 'tv', 'channel', false",
    "'r', 'level', 'level', false",
)
CURVES = rows(
    "run_id, channel_id, is_pooled",
    "'r', 'brand', true",
    "'r', 'performance', true",
    "'r', 'tv', false",
)
POSTERIOR = rows(
    "run_id, term_type, component_id, pool_id",
    "'r', 'channel', 'brand', 'social'",
    "'r', 'channel', 'performance', 'social'",
    "'r', 'channel', 'tv', null",
    "'r', 'baseline', 'level', null",
)

POOLING_DEFECTS = {
    "assert_pools_are_marked": Case(
        tables={
            "mixloop__channel_performance": PERFORMANCE,
            "mixloop__contributions": CONTRIBUTIONS,
            "mixloop__response_curves": CURVES,
            "int_mixloop__current_posterior": POSTERIOR,
        },
        defects={
            "a pooled channel that is not marked": (
                "update {mixloop__contributions} set is_pooled = false where component_id = 'brand'"
            ),
            "a mark that is missing": (
                "update {mixloop__channel_performance} set is_pooled = null where channel_id = 'tv'"
            ),
            "a channel alone that is marked": (
                "update {mixloop__response_curves} set is_pooled = true where channel_id = 'tv'"
            ),
            "another pool": (
                "update {mixloop__channel_performance} set pool_id = 'media' "
                "where channel_id = 'brand'"
            ),
            "no note below a pooled channel": (
                "update {mixloop__channel_performance} set range_note = null "
                "where channel_id = 'brand_video'"
            ),
            "a note that names no range to trust": (
                "update {mixloop__channel_performance} set range_note = 'pooled' "
                "where channel_id = 'performance'"
            ),
            "a parent that says nothing": (
                "update {mixloop__channel_performance} set range_note = null "
                "where channel_id = 'social'"
            ),
            "a parent that counts as pooled": (
                "update {mixloop__channel_performance} set is_pooled = true "
                "where channel_id = 'social'"
            ),
        },
    ),
}
