{#- Text without white space at its ends: spaces, tabs, line ends and non-breaking spaces. -#}
{% macro trimmed(expression) -%}
    trim({{ expression }}, ' ' || chr(9) || chr(10) || chr(13) || chr(160))
{%- endmacro %}
