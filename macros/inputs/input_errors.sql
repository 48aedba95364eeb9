{#-
    The list of what is wrong with one row of an input, by its contract: required values missing,
    texts that are not of the column's type, numbers out of range, dates nobody can mean. Fine rows
    cost one condition: the structs are only made where something is wrong.
-#}
{% macro input_errors(name) %}
    {%- set checks = mixloop.input_checks(name) -%}
    case
            when
            {%- for check in checks %}
                {{ 'or ' if not loop.first }}({{ check.condition }})
            {%- endfor %}
                then list_filter(
                    [
                    {%- for check in checks %}
                        case when {{ check.condition }} then {
                            'column_name': {{ mixloop.text_literal(check.column) }},
                            'value': cast({{ check.column }} as varchar),
                            'problem': {{ mixloop.text_literal(check.problem) }},
                            'remedy': {{ mixloop.text_literal(check.remedy) }}
                        } end{{ ',' if not loop.last }}
                    {%- endfor %}
                    ],
                    lambda entry: entry is not null
                )
            else cast([] as struct(column_name varchar, value varchar, problem varchar, remedy varchar)[])
        end
{%- endmacro %}


{#- The checks of one input: a list of {column, condition, problem, remedy}. -#}
{% macro input_checks(name) %}
    {%- set checks = [] -%}
    {%- for column in mixloop.input_contract(name).columns -%}
        {%- set typed = 'try_cast(' ~ column.name ~ ' as ' ~ column.type ~ ')' -%}
        {%- if column.is_required -%}
            {%- do checks.append({
                'column': column.name,
                'condition': column.name ~ ' is null'
                    ~ (' and ' ~ column.required_if if column.required_if else ''),
                'problem': 'a value is required and the cell is empty',
                'remedy': 'fill in ' ~ column.name ~ ' or delete the row',
            }) -%}
        {%- endif -%}
        {%- if column.type != 'varchar' -%}
            {%- do checks.append({
                'column': column.name,
                'condition': column.name ~ ' is not null and ' ~ typed ~ ' is null',
                'problem': 'the value is not ' ~ mixloop.type_in_words(column.type),
                'remedy': mixloop.type_remedy(column.type),
            }) -%}
        {%- endif -%}
        {%- if column.type in ('date', 'timestamp') and not column.far_dates -%}
            {%- do checks.append({
                'column': column.name,
                'condition': 'year(' ~ typed ~ ') not between 1970 and 2100',
                'problem': 'the year is not between 1970 and 2100',
                'remedy': 'correct the date',
            }) -%}
        {%- endif -%}
        {%- if column.min is not none -%}
            {%- do checks.append({
                'column': column.name,
                'condition': typed ~ ' < ' ~ column.min,
                'problem': 'the value is negative' if column.min == 0
                    else 'the value is below ' ~ column.min,
                'remedy': 'use 0 or more; book credits in the row they correct'
                    if column.name == 'spend' else 'use ' ~ column.min ~ ' or more',
            }) -%}
        {%- endif -%}
        {%- if column.max is not none -%}
            {%- do checks.append({
                'column': column.name,
                'condition': typed ~ ' > ' ~ column.max,
                'problem': 'the value is above ' ~ column.max,
                'remedy': 'use ' ~ column.max ~ ' or less',
            }) -%}
        {%- endif -%}
        {%- if column.allowed -%}
            {%- do checks.append({
                'column': column.name,
                'condition': "lower(cast(" ~ column.name ~ " as varchar)) not in ('"
                    ~ column.allowed | join("', '") ~ "')",
                'problem': 'the value is not one that mixloop knows',
                'remedy': 'use one of: ' ~ column.allowed | join(', '),
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(checks) }}
{% endmacro %}


{% macro type_in_words(type) %}
    {%- if type == 'date' -%}{{ return('a date') }}
    {%- elif type == 'timestamp' -%}{{ return('a date and time') }}
    {%- elif type == 'boolean' -%}{{ return('true or false') }}
    {%- elif type == 'bigint' -%}{{ return('a whole number') }}
    {%- endif -%}
    {{ return('a number (or is too large)') }}
{% endmacro %}


{% macro type_remedy(type) %}
    {%- if type == 'date' -%}{{ return('write dates as YYYY-MM-DD') }}
    {%- elif type == 'timestamp' -%}{{ return('write times as YYYY-MM-DD HH:MM:SS') }}
    {%- elif type == 'boolean' -%}{{ return('write true or false') }}
    {%- endif -%}
    {{ return('write a plain number, a point before the decimals, no thousands separator or currency') }}
{% endmacro %}
