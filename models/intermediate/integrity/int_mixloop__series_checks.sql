-- one row per check x series of the checks that look at series: what was measured, also where
-- nothing was found. Not behind the gate
{%- set parts = ['media_gap', 'media_value', 'finance', 'level', 'outcome', 'restatement'] %}
with checks as (
    {%- for part in parts %}
    select
        check_name,
        series,
        input_name,
        severity,
        cast(measured as double) as measured,
        cast(threshold as double) as threshold,
        cast(n_found as bigint) as n_found,
        cast(first_week as date) as first_week,
        cast(last_week as date) as last_week,
        source_file,
        source_rows,
        problem,
        remedy
    from {{ ref('int_mixloop__' ~ part ~ '_checks') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

series_checks as (
    select
        check_name,
        series,
        input_name,
        severity,
        measured,
        threshold,
        case when severity = 'pass' then 0 else n_found end as n_found,
        case when severity != 'pass' then first_week end as first_week,
        case when severity != 'pass' then last_week end as last_week,
        source_file,
        case when severity != 'pass' then source_rows end as source_rows,
        case when severity != 'pass' then problem end as problem,
        case when severity != 'pass' then remedy end as remedy
    from checks
)

select * from series_checks
