{# A number as people write it: no zeros after the last digit that counts, no exponent. #}
{% macro plain_number(expression) -%}
    regexp_replace(cast({{ expression }} as varchar), '\.0+$|(\.[0-9]*[1-9])0+$', '\1')
{%- endmacro %}
