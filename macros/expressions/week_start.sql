{#- First day of the week a date belongs to, by var mixloop__week_start: the one home of the rule. -#}
{% macro week_start(expression) -%}
    {%- set shift = mixloop.week_start_shift() -%}
    cast(date_trunc('week', cast({{ expression }} as date) - {{ shift }}) as date) + {{ shift }}
{%- endmacro %}


{#- Days from Monday to the first day of the client's week, 0 to 6. -#}
{% macro week_start_shift() %}
    {%- set days = [
        'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday',
    ] -%}
    {%- set day = var('mixloop__week_start', 'monday') | string | lower | trim -%}
    {%- if day not in days -%}
        {{ exceptions.raise_compiler_error(
            "mixloop: var mixloop__week_start is '" ~ day ~ "'; use one of " ~ days | join(', ')
        ) }}
    {%- endif -%}
    {{ return(days.index(day)) }}
{% endmacro %}
