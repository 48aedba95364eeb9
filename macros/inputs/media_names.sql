{#- The text columns that make one series of media: the line item's names, geo and currency. -#}
{% macro media_names() %}
    {{ return(mixloop.match_fields() + ['geo', 'currency']) }}
{% endmacro %}


{#- The same as the input writes them: a list of columns. -#}
{% macro media_names_as_written() -%}
    {{ mixloop.media_names() | join('_as_written, ') }}_as_written
{%- endmacro %}


{#- Whether a row and a series are written alike, nulls included. -#}
{% macro is_written_alike(left, right) -%}
    {%- for name in mixloop.media_names() %}
            {{ 'and ' if not loop.first }}{{ left }}.{{ name }}_as_written is not distinct from {{ right }}.{{ name }}_as_written
    {%- endfor %}
{%- endmacro %}
