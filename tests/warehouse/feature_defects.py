"""Clean rows and seeded defects of the dbt tests of staging, hierarchy and features."""

from __future__ import annotations

from tests.warehouse.defects import Case, rows

RAW_MEDIA = rows(
    "activity_date, geo, spend, impressions, clicks",
    "date '2024-01-03', 'a', 10.0, 100.0, 1.0",
    "date '2024-01-07', 'a', 5.0, null, null",
    "date '2024-01-08', 'a', 2.5, 20.0, 0.0",
    "date '2024-01-03', 'b', 4.0, 40.0, 2.0",
)
MEDIA_WEEKLY = rows(
    "week, geo, channel_id, spend, impressions, clicks",
    "date '2024-01-01', 'a', 'tv', 10.0, 100.0, 1.0",
    "date '2024-01-01', 'a', 'unmapped', 5.0, 0.0, 0.0",
    "date '2024-01-08', 'a', 'tv', 2.5, 20.0, 0.0",
    "date '2024-01-01', 'b', 'web', 4.0, 40.0, 2.0",
)
MODELS = rows(
    "model_id, first_training_week, last_training_week",
    "'m', date '2024-01-01', date '2024-01-08'",
)
GEOS = rows("model_id, geo", "'m', 'a'", "'m', 'b'")
WEEKS = ("2024-01-01", "2024-01-08")
OUTCOMES = rows(
    "model_id, geo, week, outcome",
    *(f"'m', '{geo}', date '{week}', 1.0" for geo in "ab" for week in WEEKS),
)
MODEL_MEDIA = rows(
    "model_id, geo, week, channel_id, spend",
    *(
        f"'m', '{geo}', date '{week}', '{channel}', {spend}"
        for geo, week, channel, spend in (
            ("a", WEEKS[0], "tv", 10.0),
            ("a", WEEKS[1], "tv", 2.5),
            ("b", WEEKS[0], "tv", 0.0),
            ("b", WEEKS[1], "tv", 0.0),
            ("a", WEEKS[0], "digital", 0.0),
            ("a", WEEKS[1], "digital", 0.0),
            ("b", WEEKS[0], "digital", 4.0),
            ("b", WEEKS[1], "digital", 0.0),
        )
    ),
)
DRIVERS = rows(
    "model_id, geo, week, driver_id",
    *(f"'m', '{geo}', date '{week}', 'context:price'" for geo in "ab" for week in WEEKS),
)
PLANS = rows(
    "model_id, plan_id, as_of_week, geo, week, item_type, item_id, planned_value, planned_spend, "
    "plan_source",
    *(
        f"'m', 'p', date '2024-01-08', '{geo}', date '{week}', '{kind}', '{item}', {value}, "
        f"{value if kind == 'channel' else 'null'}, 'client'"
        for geo, share in (("a", 0.75), ("b", 0.25))
        for week in ("2024-01-15", "2024-01-22")
        for kind, item, value in (("channel", "tv", 8.0 * share), ("context", "context:price", 3.0))
    ),
)

FEATURE_DEFECTS = {
    "assert_raw_spend_is_mapped_plus_unmapped": Case(
        tables={"stg_mixloop__media": RAW_MEDIA, "int_mixloop__media_weekly": MEDIA_WEEKLY},
        defects={
            "unmapped spend is dropped": (
                "delete from {int_mixloop__media_weekly} where channel_id = 'unmapped'"
            ),
            "a cent is lost": (
                "update {int_mixloop__media_weekly} set spend = spend - 0.01 "
                "where channel_id = 'web'"
            ),
            "raw rows without weekly rows": "delete from {int_mixloop__media_weekly}",
        },
    ),
    "assert_media_weekly_keeps_raw_spend": Case(
        tables={"stg_mixloop__media": RAW_MEDIA, "int_mixloop__media_weekly": MEDIA_WEEKLY},
        defects={
            "spend moves to another week": (
                "update {int_mixloop__media_weekly} set week = date '2024-01-08' "
                "where channel_id = 'unmapped'"
            ),
            "spend moves to another geo": (
                "update {int_mixloop__media_weekly} set geo = 'b' where channel_id = 'unmapped'"
            ),
            "impressions are counted twice": (
                "update {int_mixloop__media_weekly} set impressions = impressions * 2 "
                "where channel_id = 'web'"
            ),
            "clicks are lost": (
                "update {int_mixloop__media_weekly} set clicks = null where channel_id = 'web'"
            ),
        },
    ),
    "assert_line_item_segments_cover_all_time": Case(
        tables={
            "int_mixloop__line_items": rows("line_item_id", "'x'", "'y'"),
            "int_mixloop__line_item_channels": rows(
                "line_item_id, valid_from, valid_to",
                "'x', date '0001-01-01', date '2023-12-31'",
                "'x', date '2024-01-01', date '9999-12-31'",
                "'y', date '0001-01-01', date '9999-12-31'",
            ),
        },
        defects={
            "a gap of a day": (
                "update {int_mixloop__line_item_channels} set valid_from = date '2024-01-02' "
                "where valid_from = date '2024-01-01'"
            ),
            "an overlap of a day": (
                "update {int_mixloop__line_item_channels} set valid_to = date '2024-01-01' "
                "where valid_to = date '2023-12-31'"
            ),
            "an end before the end of time": (
                "update {int_mixloop__line_item_channels} set valid_to = date '2030-01-01' "
                "where line_item_id = 'y'"
            ),
            "no segment at all": (
                "delete from {int_mixloop__line_item_channels} where line_item_id = 'y'"
            ),
        },
    ),
    "assert_model_grids_are_dense": Case(
        tables={
            "int_mixloop__models": MODELS,
            "int_mixloop__model_geos": GEOS,
            "int_mixloop__model_outcomes": OUTCOMES,
            "int_mixloop__model_media": MODEL_MEDIA,
            "int_mixloop__model_drivers": DRIVERS,
        },
        defects={
            "a week of media is missing": (
                "delete from {int_mixloop__model_media} "
                "where geo = 'b' and channel_id = 'tv' and week = date '2024-01-01'"
            ),
            "outcomes end early": (
                "delete from {int_mixloop__model_outcomes} where week = date '2024-01-08'"
            ),
            "drivers begin late": (
                "delete from {int_mixloop__model_drivers} where week = date '2024-01-01'"
            ),
            "a driver row twice": (
                "insert into {int_mixloop__model_drivers} "
                "select * from {int_mixloop__model_drivers} limit 1"
            ),
            "a model nobody defined": "update {int_mixloop__models} set model_id = 'other'",
        },
    ),
    "assert_model_media_ties_to_media_weekly": Case(
        tables={
            "int_mixloop__model_media": MODEL_MEDIA,
            "int_mixloop__model_geos": GEOS,
            "int_mixloop__channel_closure": rows(
                "ancestor_id, descendant_id",
                "'tv', 'tv'",
                "'digital', 'digital'",
                "'digital', 'web'",
                "'web', 'web'",
            ),
            "int_mixloop__media_weekly": MEDIA_WEEKLY,
        },
        defects={
            "a leaf's spend is lost": (
                "update {int_mixloop__model_media} set spend = 0 where channel_id = 'digital'"
            ),
            "spend is counted twice": (
                "update {int_mixloop__model_media} set spend = spend * 2 where channel_id = 'tv'"
            ),
            "spend without any media": (
                "delete from {int_mixloop__media_weekly} where channel_id = 'web'"
            ),
        },
    ),
    "assert_client_plans_keep_planned_spend": Case(
        tables={
            "int_mixloop__client_plan_rows": rows(
                "model_id, as_of_week, plan_id, week, planned_spend",
                "'m', date '2024-01-08', 'p', date '2024-01-15', 8.0",
                "'m', date '2024-01-08', 'p', date '2024-01-22', 8.0",
            ),
            "int_mixloop__model_plans": PLANS,
        },
        defects={
            "a geo is left out": (
                "delete from {int_mixloop__model_plans} where geo = 'b' and item_type = 'channel'"
            ),
            "every geo gets the whole": (
                "update {int_mixloop__model_plans} set planned_spend = 8.0 "
                "where item_type = 'channel'"
            ),
            "a week nobody planned": (
                "delete from {int_mixloop__client_plan_rows} where week = date '2024-01-22'"
            ),
        },
    ),
    "assert_plans_are_dense": Case(
        tables={
            "int_mixloop__model_plans": PLANS,
            "int_mixloop__model_geos": GEOS,
            "int_mixloop__model_channels": rows("model_id, channel_id", "'m', 'tv'"),
            "int_mixloop__model_drivers": DRIVERS,
        },
        defects={
            "the first week is missing": (
                "delete from {int_mixloop__model_plans} where week = date '2024-01-15'"
            ),
            "a driver is missing in one week": (
                "delete from {int_mixloop__model_plans} where item_type = 'context' "
                "and geo = 'a' and week = date '2024-01-22'"
            ),
            "a value is unknown": (
                "update {int_mixloop__model_plans} set planned_value = null "
                "where item_type = 'context' and geo = 'a' and week = date '2024-01-22'"
            ),
        },
    ),
}
