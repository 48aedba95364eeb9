-- one row per finding of every kind, all of them, before overrides. Not behind the gate
{%- set parts = [
    'row', 'key', 'reference', 'hierarchy', 'rollup', 'mapping', 'series', 'media', 'model', 'plan',
    'reach', 'evidence', 'decision', 'question', 'feasibility', 'baseline', 'integrity', 'as_of',
] %}
{#- these are about a series or a question, and the client may accept them -#}
{%- set about_series = ['question', 'integrity'] %}
with findings as (
    {%- for part in parts %}
    select
        check_name,
        severity,
        input_name,
        {%- if part in about_series %}
        series,
        {%- elif part == 'series' %}
        value as series,
        {%- else %}
        cast(null as varchar) as series,
        {%- endif %}
        source_file,
        cast(source_row as bigint) as source_row,
        column_name,
        left(value, 200) as value,
        problem,
        remedy,
        {{ (part in about_series) | lower }} as is_overridable
    from {{ ref('int_mixloop__' ~ part ~ '_findings') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from findings
