{#- A number as people read it: whole with separators from 100 on, else three digits. -#}
{% macro short_number(expression) -%}
    case
        when abs({{ expression }}) >= 100 then format('{:,.0f}', {{ expression }})
        else format('{:.3g}', {{ expression }})
    end
{%- endmacro %}
