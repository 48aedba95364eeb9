{#- Any value of a column of the rows published so far; null where the table is older than the column. -#}
{% macro published_value(column) -%}
    {%- set names = adapter.get_columns_in_relation(this) | map(attribute='name') | list -%}
    {%- if column in names -%} any_value({{ column }}) {%- else -%} cast(null as varchar) {%- endif -%}
{%- endmacro %}
