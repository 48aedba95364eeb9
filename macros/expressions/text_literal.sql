{#- Any text as an SQL string literal: the only way client text gets into a statement. -#}
{% macro text_literal(text) %}
    {{- return(dbt.string_literal(dbt.escape_single_quotes(text | string))) -}}
{% endmacro %}
