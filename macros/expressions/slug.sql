{#- A name as an id: lower case, letters and digits of any script, the rest as single underscores. -#}
{% macro slug(expression) -%}
    trim(
        regexp_replace(
            regexp_replace(lower({{ expression }}), '[''’.]', '', 'g'), '[^\pL\pN]+', '_', 'g'
        ),
        '_'
    )
{%- endmacro %}
