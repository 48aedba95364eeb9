-- The ledger is as it was written: no entry is missing in the middle, none was changed, put in or
-- moved. Entries that are missing at the end are only seen against a head that was noted elsewhere:
-- `dbt run-operation check_ledger_head`.
with offenders as (
    {{ mixloop.ledger_problems(ref('mixloop__ledger')) }}
)

select * from offenders
