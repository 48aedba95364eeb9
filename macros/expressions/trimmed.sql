{#- Text without white space at its ends: spaces, tabs, line ends and non-breaking spaces. -#}
{% macro trimmed(expression) -%}
    trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
{%- endmacro %}


{#- Any value as trimmed text; null where nothing is left. -#}
{% macro text_or_null(expression) -%}
    {%- set as_text = 'cast(' ~ expression ~ ' as varchar)' -%}
    nullif({{ mixloop.trimmed(as_text) }}, '')
{%- endmacro %}
