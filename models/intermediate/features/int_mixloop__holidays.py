"""Public holidays of the countries that models name; codes nobody knows. Not behind the gate."""

from mixloop import holidays_calendar


def model(dbt, session):
    definitions = dbt.ref("stg_mixloop__model_definitions").pl()
    weeks = dbt.ref("int_mixloop__input_weeks").pl()
    plan = dbt.ref("stg_mixloop__plan").pl()
    return holidays_calendar.holidays_table(definitions, weeks, plan)
