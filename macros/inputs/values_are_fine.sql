{#-
    Whether the numbers and dates of one row of an input are as input_errors wants them: one cheap condition
    over the read columns and their casts, which the caller names `typed_<column>`.
-#}
{% macro values_are_fine(name) %}
    {%- set conditions = [] -%}
    {%- for column in mixloop.input_contract(name).columns if column.type != 'varchar' -%}
        {%- set typed = 'typed_' ~ column.name -%}
        {%- set limits = [] -%}
        {%- if column.type in ('date', 'timestamp') and not column.far_dates -%}
            {%- do limits.append(typed ~ " >= date '1970-01-01'") -%}
            {%- do limits.append(typed ~ " < date '2101-01-01'") -%}
        {%- endif -%}
        {%- if column.min is not none -%}{%- do limits.append(typed ~ ' >= ' ~ column.min) -%}{%- endif -%}
        {%- if column.max is not none -%}{%- do limits.append(typed ~ ' <= ' ~ column.max) -%}{%- endif -%}
        {%- if not limits -%}{%- do limits.append(typed ~ ' is not null') -%}{%- endif -%}
        {%- set is_fine = limits | join(' and ') -%}
        {%- do conditions.append(
            is_fine if column.is_required else '(' ~ column.name ~ ' is null or (' ~ is_fine ~ '))'
        ) -%}
    {%- endfor -%}
    coalesce({{ conditions | join(' and ') }}, false)
{%- endmacro %}
