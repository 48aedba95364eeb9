{#- The md5 of a line item's names; each name carries its length, so no two line items share a key. -#}
{% macro line_item_key() -%}
    md5(concat(
        {%- for field in mixloop.match_fields() %}
            coalesce(length({{ field }}), 0), ':', coalesce({{ field }}, ''){{ ', ' if not loop.last }}
        {%- endfor %}
        ))
{%- endmacro %}
