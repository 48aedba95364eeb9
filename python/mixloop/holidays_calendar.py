"""Public holidays by country, from the maintained `holidays` library, as rows of dates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from difflib import get_close_matches
from functools import cache

import polars as pl

from mixloop.schemas import HOLIDAYS, conform

FIRST_YEAR, LAST_YEAR = 1970, 2100  # years that inputs may be in
# What the library adds to the name of a day that stands for another one.
STAND_IN = re.compile(r"\s*\([^()]*(?:observed|estimated|substituted)[^()]*\)", re.IGNORECASE)


def asked_codes(holiday_country: str) -> list[str]:
    """Return the codes of a model's list, as first written, without blanks and repetitions.

    Examples
    --------
    >>> asked_codes(" de-by |AT;at | DE-BY")
    ['de-by', 'AT']
    """
    codes = [code.strip() for code in re.split(r"[|;]", holiday_country)]
    first: dict[str, str] = {}
    for code in codes:
        first.setdefault(code.upper(), code)
    return [code for code in first.values() if code]


@cache
def known_codes() -> dict[str, str]:
    """Return every code the library has, `DE` and `DE-BY`, with the country's name, by key.

    Keys are upper case; ISO 3166 codes of two and of three letters both count.
    """
    from holidays.registry import COUNTRIES
    from holidays.utils import list_supported_countries

    supported = list_supported_countries(include_aliases=False)
    found = {}
    for module, (_, code, *aliases) in COUNTRIES.items():
        name = module.replace("_", " ").title()
        for alias in (code, *(alias for alias in aliases if len(alias) <= 3)):
            found[alias] = name
            found |= {f"{alias}-{part.upper()}": name for part in supported.get(code, [])}
    return found


def close_codes(code: str) -> str:
    """Return up to three known codes that an unknown one may mean, in words; empty for none.

    Examples
    --------
    >>> close_codes("Germany")
    'DE (Germany)'
    >>> close_codes("DE-XY").split(" or ")[0]
    'DE (Germany)'
    """
    known = known_codes()
    text = code.strip().upper()
    country, _, part = text.partition("-")
    if part and country in known:
        parts = [key for key in known if key.startswith(f"{country}-")]
        found = [country, *get_close_matches(text, parts, n=2)]
    else:
        names = {name.upper(): key for key, name in known.items() if len(key) == 2}
        found = [names[name] for name in get_close_matches(text, names, n=3, cutoff=0.7)]
        if len(text) > 2:
            found += get_close_matches(text, [key for key in known if len(key) == 3], n=2)
    found = list(dict.fromkeys(found))[:3]
    return " or ".join(f"{key} ({known[key]})" for key in found)


def holidays_of(code: str, first_year: int, last_year: int) -> list[tuple[date, str]]:
    """Return the public holidays of a known code, as date and English name where there is one.

    A day that stands in for a holiday ("observed") has the holiday's name. Sorted.
    """
    import holidays

    country, _, part = code.upper().partition("-")
    supported = holidays.list_supported_countries(include_aliases=True)[country]
    subdivision = next((s for s in supported if s.upper() == part), None)
    languages = holidays.country_holidays(country).supported_languages
    days = holidays.country_holidays(
        country,
        subdiv=subdivision,
        years=range(first_year, last_year + 1),
        language="en_US" if "en_US" in languages else None,
    )
    named = {(day, STAND_IN.sub("", name).strip()) for day in days for name in days.get_list(day)}
    return sorted(named)


def _span(weeks: pl.DataFrame, definitions: pl.DataFrame, plan: pl.DataFrame) -> tuple[int, int]:
    """Return the first and the last year that history, plans or forecasts touch."""
    if weeks.is_empty():
        return LAST_YEAR, FIRST_YEAR
    horizon = min(definitions["forecast_horizon_weeks"].max() or 0, 530)
    ends = [weeks["week"].max() + timedelta(weeks=horizon), plan["week"].max() or date.min]
    first, last = weeks["week"].min().year, max(ends).year
    # a week may begin in the year before its last day
    return max(first - 1, FIRST_YEAR), min(last + 1, LAST_YEAR)


def holidays_table(
    definitions: pl.DataFrame, weeks: pl.DataFrame, plan: pl.DataFrame
) -> pl.DataFrame:
    """Return the holidays of every model that names countries.

    Parameters
    ----------
    definitions : DataFrame
        model_id, holiday_country, forecast_horizon_weeks, source_file, source_row.
    weeks, plan : DataFrame
        `week`: of the inputs, and of the client's plans.

    Returns
    -------
    DataFrame in `schemas.HOLIDAYS`
        One row for each model, code and day; for a code that the library does not have one row
        without a day, with the codes it may mean.
    """
    first, last = _span(weeks, definitions, plan)
    rows: list[Mapping] = []
    asking = definitions.filter(pl.col("model_id").is_not_null())
    for model in asking.drop_nulls("holiday_country").iter_rows(named=True):
        codes = asked_codes(model["holiday_country"])
        keys = {code: code.upper() for code in codes}
        n_countries = len({key for key in keys.values() if key in known_codes()})
        place = {name: model[name] for name in ("model_id", "source_file", "source_row")}
        for code, key in keys.items():
            shared = place | {"holiday_country": code, "n_countries": n_countries}
            if key not in known_codes():
                rows.append(shared | {"is_known": False, "close_codes": close_codes(code)})
                continue
            rows += [
                shared | {"is_known": True, "label": name, "holiday_date": day}
                for day, name in holidays_of(key, first, last)
            ]
    frame = pl.DataFrame(rows, schema=HOLIDAYS)
    return conform(frame.unique(maintain_order=True), HOLIDAYS)
