{#-
    Whether the numbers and dates of one row of an input are as input_errors wants them: one cheap
    condition over the columns as read and as cast, which the caller names `typed_<column>`. Columns
    listed in whole are whole numbers that the caller left uncast.
-#}
{% macro values_are_fine(name, whole=[]) %}
    {%- set conditions = [] -%}
    {%- for column in mixloop.input_contract(name).columns if column.type != 'varchar' -%}
        {%- set typed = 'typed_' ~ column.name -%}
        {%- set limits = [] -%}
        {%- if column.type in ('date', 'timestamp') and not column.far_dates -%}
            {%- do limits.append(typed ~ " >= date '1970-01-01'") -%}
            {%- do limits.append(typed ~ " < date '2101-01-01'") -%}
        {%- endif -%}
        {%- if column.name in whole -%}
            {#- eighteen digits before the point are what the contract's decimal holds -#}
            {%- do limits.append(typed ~ ' < 1000000000000000000') -%}
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


{#- Which number columns of a located input are whole numbers already: quick to add up uncast. -#}
{% macro whole_number_columns(name) %}
    {%- set located = mixloop.locate_input(name) -%}
    {%- set whole = [] -%}
    {%- for column in mixloop.input_contract(name).columns if column.type == 'decimal(28, 10)' -%}
        {%- set found = mixloop.find_input_column(located, column) -%}
        {%- if found is not none and found.type | lower in (
            'tinyint', 'smallint', 'integer', 'bigint', 'utinyint', 'usmallint', 'uinteger'
        ) -%}
            {%- do whole.append(column.name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(whole) }}
{% endmacro %}
