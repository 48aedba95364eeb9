"""Holidays as rows: which days, which names, which codes."""

from datetime import date

import polars as pl
import pytest

from mixloop.holidays_calendar import close_codes, holidays_of, holidays_table, known_codes
from mixloop.schemas import HOLIDAYS

PLAN = pl.DataFrame({"week": []}, schema={"week": pl.Date})
WEEKS = pl.DataFrame({"week": [date(2023, 1, 2), date(2024, 12, 30)]})


def definitions(*rows):
    return pl.DataFrame(
        [("m" + str(i), code, 4, "model_definitions.csv", i + 2) for i, code in enumerate(rows)],
        schema={
            "model_id": pl.String,
            "holiday_country": pl.String,
            "forecast_horizon_weeks": pl.Int64,
            "source_file": pl.String,
            "source_row": pl.Int64,
        },
        orient="row",
    )


def days(frame, label):
    return sorted(frame.filter(pl.col("label") == label)["holiday_date"])


def test_days_of_a_country_in_every_year_that_inputs_and_forecasts_touch():
    frame = holidays_table(definitions("US"), WEEKS, PLAN)
    assert frame.schema == HOLIDAYS
    assert days(frame, "Thanksgiving Day") == [
        *(date(2022, 11, 24), date(2023, 11, 23), date(2024, 11, 28)),
        *(date(2025, 11, 27), date(2026, 11, 26)),  # the forecast ends in January 2025
    ]
    assert frame["is_known"].all()
    assert frame["n_countries"].unique().to_list() == [1]
    far = pl.DataFrame({"week": [date(2030, 1, 7)]})
    assert days(holidays_table(definitions("US"), WEEKS, far), "Thanksgiving Day")[-1].year == 2031


def test_a_day_that_stands_in_has_the_holidays_name():
    found = holidays_of("US", 2026, 2026)
    independence = [day for day, name in found if name == "Independence Day"]
    assert independence == [date(2026, 7, 3), date(2026, 7, 4)]
    assert not any("observed" in name or "substituted" in name for _, name in found)
    assert not any("(" in name and "from" in name for _, name in holidays_of("CN", 2024, 2024))


def test_a_part_of_a_country_has_its_own_days():
    assert (date(2024, 8, 15), "Assumption Day") not in holidays_of("DE", 2024, 2024)
    bavaria, saarland = holidays_of("DE-BY", 2024, 2024), holidays_of("de-sl", 2024, 2024)
    assert date(2024, 1, 6) in dict(bavaria)
    assert date(2024, 1, 6) not in dict(saarland)
    assert date(2024, 8, 15) in dict(saarland)


def test_several_codes_and_unknown_ones():
    frame = holidays_table(definitions("de|AT; Germany", None, "GBR"), WEEKS, PLAN)
    unknown = frame.filter(~pl.col("is_known"))
    assert unknown.rows(named=True) == [
        {
            "model_id": "m0",
            "holiday_country": "Germany",
            "n_countries": 2,
            "is_known": False,
            "close_codes": "DE (Germany)",
            "label": None,
            "holiday_date": None,
            "source_file": "model_definitions.csv",
            "source_row": 2,
        }
    ]
    known = frame.filter("is_known")
    assert known["close_codes"].null_count() == len(known)
    assert set(known.filter(pl.col("model_id") == "m0")["holiday_country"]) == {"de", "AT"}
    assert set(known["model_id"]) == {"m0", "m2"}
    assert frame.select("model_id", "holiday_country", "holiday_date", "label").is_unique().all()


def test_a_country_written_twice_counts_once():
    once = holidays_table(definitions("DE"), WEEKS, PLAN)
    twice = holidays_table(definitions("DE|de"), WEEKS, PLAN)
    assert twice.equals(once)


@pytest.mark.parametrize("code", ["GB", "GBR", "UK", "US-CA", "DE-BY", "FR"])
def test_codes_of_two_and_three_letters_and_parts_are_known(code):
    assert code in known_codes()
    assert holidays_of(code, 2024, 2024)


def test_every_known_code_gives_days_or_none_but_no_error():
    for code in sorted(known_codes()):
        if len(code.split("-")[0]) == 2:
            assert isinstance(holidays_of(code, 2025, 2025), list)


def test_codes_that_look_like_it():
    assert close_codes("DE-XY").startswith("DE (Germany) or DE-")
    assert close_codes("Untied States") == "US (United States)"
    assert close_codes("??") == ""


def test_nothing_asked_nothing_given():
    none = holidays_table(definitions(None), WEEKS, PLAN)
    assert none.is_empty()
    assert none.schema == HOLIDAYS
    assert holidays_table(definitions("DE"), WEEKS.clear(), PLAN).is_empty()
    assert holidays_table(definitions("DE").clear(), WEEKS, PLAN).is_empty()
