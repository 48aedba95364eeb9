-- one row per check x series that found something
{{ config(materialized='view') }}
with checks as (
    select * from {{ ref('int_mixloop__series_checks') }}
    where severity != 'pass'
),

findings as (
    select
        check_name,
        severity,
        input_name,
        series,
        source_file,
        try_cast(regexp_extract(source_rows, '^[0-9]+') as bigint) as source_row,
        cast(null as varchar) as column_name,
        series as value,
        case
            when source_rows like '%,%' then concat(problem, ' (rows ', source_rows, ')')
            else problem
        end as problem,
        remedy
    from checks
)

select * from findings
