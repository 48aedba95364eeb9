{#- Text key of a row: md5 of its grain columns, in the order given. A null counts as empty text; the unit
    separator between the parts keeps ('a', 'bc') and ('ab', 'c') apart. -#}
{% macro surrogate_key(columns) -%}
    md5(concat_ws(
        chr(31),
        {%- for column in columns %}
        coalesce(cast({{ column }} as varchar), ''){{ ',' if not loop.last }}
        {%- endfor %}
    ))
{%- endmacro %}
