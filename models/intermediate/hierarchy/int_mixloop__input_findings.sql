-- one row per finding: every problem of the inputs, in words. Of one kind of finding the first 20
-- rows are listed; the text says how many there are
{%- set parts = [
    'row', 'key', 'reference', 'hierarchy', 'mapping', 'series', 'media', 'model', 'plan',
] %}
with findings as (
    {%- for part in parts %}
    select
        check_name,
        severity,
        input_name,
        source_file,
        cast(source_row as bigint) as source_row,
        column_name,
        left(value, 200) as value,
        problem,
        remedy
    from {{ ref('int_mixloop__' ~ part ~ '_findings') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

numbered as (
    select
        *,
        row_number() over (
            partition by check_name, input_name, column_name
            order by source_row nulls last, value, problem
        ) as position,
        count(*) over (partition by check_name, input_name, column_name) as n_alike
    from findings
),

listed as (
    select
        md5(to_json([
            check_name, input_name, source_file, cast(source_row as varchar), column_name, value,
            problem, cast(position as varchar)
        ])) as finding_id,
        check_name,
        severity,
        input_name,
        source_file,
        source_row,
        column_name,
        value,
        problem || case
            when n_alike > 20 then concat(' (', n_alike, ' such findings; the first 20 are listed)')
            else ''
        end as problem,
        remedy
    from numbered
    where position <= 20
)

select * from listed
