"""Seeded defects of the tests on mapping."""

from tests.warehouse.defects import Case, rows

RAW = rows(
    "platform, account, campaign, ad_group, line_item, spend",
    "'meta', '', 'a', '', '', 7.00",
    "'meta', '', 'a', '', '', 0.01",
    "'meta', '', 'b', '', '', 3.00",
)
# md5 of each name's length and the name, in order: what line_item_key makes
KEYS = {name: f"md5('4:meta0:1:{name}0:0:')" for name in "ab"}
LINE_ITEMS = rows(
    "line_item_id, valid_from, valid_to, first_date, last_date, n_rows, spend",
    f"{KEYS['a']}, date '2024-01-01', date '2024-01-09', date '2024-01-01', date '2024-01-08', "
    "1, 7.00",
    f"{KEYS['a']}, date '2024-01-10', date '2024-01-12', date '2024-01-10', date '2024-01-12', "
    "1, 0.01",
    f"{KEYS['b']}, date '2024-01-01', date '2024-01-01', date '2024-01-01', date '2024-01-01', "
    "1, 3.00",
)

MAPPING_DEFECTS = {
    "assert_line_items_keep_raw_spend": Case(
        tables={"stg_mixloop__media": RAW, "mixloop__line_items": LINE_ITEMS},
        defects={
            "a segment is lost": "delete from {mixloop__line_items} where spend = 0.01",
            "a line item is lost": "delete from {mixloop__line_items} where spend = 3.00",
            "a row is lost": "update {mixloop__line_items} set n_rows = 2 where spend = 3.00",
            "money moved between line items": "update {mixloop__line_items} set spend = "
            "case spend when 7.00 then 6.00 when 3.00 then 4.00 else spend end where true",
            "a line item that no row shows": "update {mixloop__line_items} "
            "set line_item_id = 'x' where spend = 3.00",
        },
    ),
    "assert_line_items_are_apart_in_time": Case(
        tables={"mixloop__line_items": LINE_ITEMS},
        defects={
            "segments overlap": "update {mixloop__line_items} set valid_to = date '2024-01-10' "
            "where spend = 7.00",
            "a segment ends before it begins": "update {mixloop__line_items} "
            "set valid_to = date '2023-12-31' where spend = 3.00",
            "activity before the segment": "update {mixloop__line_items} "
            "set first_date = date '2023-12-31' where spend = 3.00",
            "activity after the segment": "update {mixloop__line_items} "
            "set last_date = date '2024-01-13' where spend = 0.01",
        },
    ),
}
