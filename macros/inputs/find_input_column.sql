{#- The name under which a located input has a contract's column (or an alias of it), else none. -#}
{% macro find_input_column(located, column) %}
    {%- for candidate in [column.name] + column.aliases -%}
        {%- if candidate in located.columns -%}
            {{ return(located.columns[candidate]) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(none) }}
{% endmacro %}
