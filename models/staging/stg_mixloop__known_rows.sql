-- one row per input that has a date: how many of its rows were known at the date that the build
-- looks back to. No rows in a build that sees everything
{%- set day = mixloop.as_of() %}
{%- if day %}
with
    {%- set names = [] %}
    {%- for name in mixloop.input_names() if mixloop.known_since(name) %}
    {%- do names.append(name) %}
{{ name }} as (
    {{ mixloop.read_input(name, with_position=false, known_only=false) }}
),
    {% endfor %}
known_rows as (
    {%- for name in names %}
    {%- set since = mixloop.known_since(name) %}
    {%- set cells = {since.loaded_at: since.loaded_at, since.date: since.date} %}
    {%- set loaded_on = 'cast(try_cast(' ~ (since.loaded_at or 'null') ~ ' as timestamp) as date)' %}
    {%- set dated_on = 'try_cast(' ~ (since.date or 'null') ~ ' as date)' %}
    select
        '{{ name }}' as input_name,
        min(source_file) as source_file,
        date '{{ day }}' as as_of,
        '{{ since.loaded_at or since.date }}' as column_name,
        '{{ since.date or "" }}' as date_column,
        count(*) as n_rows,
        count(*) filter (where {{ mixloop.is_known(name, day, cells) }}) as n_known,
        count(*) filter (
            where {{ since.loaded_at or since.date }} is null
            and {{ mixloop.is_known(name, day, cells) }}
        ) as n_undated,
        min(coalesce({{ loaded_on }}, {{ dated_on }})) as first_date
    from {{ name }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)
{%- else %}
with known_rows as (
    select
        '' as input_name,
        '' as source_file,
        date '1970-01-01' as as_of,
        '' as column_name,
        '' as date_column,
        cast(0 as bigint) as n_rows,
        cast(0 as bigint) as n_known,
        cast(0 as bigint) as n_undated,
        date '1970-01-01' as first_date
    where false
)
{%- endif %}

select * from known_rows
