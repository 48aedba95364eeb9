-- one row per note of a build that looks back (var mixloop__as_of): which rows have no date to tell
-- since when they are known, and which tables are taken as they are today
{{ config(materialized='view') }}
{%- set undated = [] %}
{%- for name in mixloop.input_names() if not mixloop.known_since(name) %}
{%- do undated.append(name) %}
{%- endfor %}
with known_rows as (
    select * from {{ ref('stg_mixloop__known_rows') }}
),

without_dates as (
    select
        'as_of_without_loaded_at' as check_name,
        'warn' as severity,
        input_name,
        source_file,
        cast(null as bigint) as source_row,
        column_name,
        cast(n_undated as varchar) as value,
        concat(
            n_undated, ' of the ', n_known, ' row(s) known on ', as_of, ' have no ', column_name,
            case
                when column_name = date_column then ': they count as known at any time'
                when date_column = ''
                    then
                        ': they count as known at any time, so what was planned later may be in '
                        || 'numbers of the past'
                else
                    ': they count as known when the period of their ' || date_column
                    || ' was over, as they read today, so later corrections are in numbers of the '
                    || 'past'
            end
        ) as problem,
        concat(
            'fill in ', column_name,
            case
                when column_name = 'loaded_at'
                    then ': when a row came, kept as it was when another corrects it'
                else ''
            end
        ) as remedy
    from known_rows
    where n_undated > 0
),

dates as (
    select max(as_of) as as_of
    from known_rows
    having count(*) > 0
),

looking_back as (
    select
        'as_of' as check_name,
        'info' as severity,
        cast(null as varchar) as input_name,
        cast(null as varchar) as source_file,
        cast(null as bigint) as source_row,
        cast(null as varchar) as column_name,
        cast(as_of as varchar) as value,
        concat(
            'the build looks back to ', as_of, ' (var mixloop__as_of): rows that came later are '
            || 'not there. These tables have no dates and count as they are today: '
            || '{{ undated | join(", ") }}'
        ) as problem,
        'nothing to do; leave the var empty to see everything' as remedy
    from dates
),

findings as (
    select * from without_dates
    union all
    select * from looking_back
)

select * from findings
