{#-
    The only door to inputs and client tables: a select with exactly the contract's columns (names
    of the contract, trimmed, empty text as null, missing columns as null text), source_file and
    source_row. An input that is switched off or missing gives no rows. Docs: docs/data-model.md.
    Columns named in as_written come a second time as `<name>_as_written`, untouched: grouping by
    them first lets large inputs trim distinct values instead of rows. Without position the select
    has no source_row: counting rows keeps DuckDB from reading them on several cores. With var
    mixloop__as_of rows that were not known then are not there, unless known_only is false;
    positions are those among all rows.
-#}
{% macro read_input(name, as_written=[], with_position=true, known_only=true) %}
    {%- set located = mixloop.locate_input(name) -%}
    {%- set day = mixloop.as_of() if known_only and mixloop.known_since(name) else '' -%}
    {%- set cells = {} -%}
    select
    {%- for column in mixloop.input_contract(name).columns %}
        {%- set found = mixloop.find_input_column(located, column) %}
        {%- if found is none %}
            {%- set cell = 'cast(null as varchar)' %}
        {%- elif mixloop.is_native_type(found.type, column.type) %}
            {%- set cell = adapter.quote(found.name) %}
        {%- else %}
            {%- set cell = mixloop.text_or_null(adapter.quote(found.name)) %}
        {%- endif %}
        {%- do cells.update({column.name: cell}) %}
        {{ cell }} as {{ column.name }},
        {%- if column.name in as_written %}
        {{ 'cast(null as varchar)' if found is none else adapter.quote(found.name) }}
            as {{ column.name }}_as_written,
        {%- endif %}
    {%- endfor %}
        {{ mixloop.text_literal(located.file_label) }} as source_file
        {%- if with_position %},
        row_number() over () + {{ located.row_offset }} as source_row
        {%- endif %}
    {%- if located.state == 'found' %}
    from {{ located.from_sql }}
        {%- if day %}
    {#- positions are counted before rows are left out -#}
    {{ 'qualify' if with_position else 'where' }} {{ mixloop.is_known(name, day, cells) }}
        {%- endif %}
    {%- else %}
    where false
    {%- endif %}
{% endmacro %}


{#- Whether a column already has a type that casts to the contract's without a detour over text. -#}
{% macro is_native_type(found, wanted) %}
    {%- set found = found | lower -%}
    {%- if wanted in ('date', 'timestamp') -%}
        {{ return(found == 'date' or found.startswith('timestamp')) }}
    {%- elif wanted == 'boolean' -%}
        {{ return(found == 'boolean') }}
    {%- elif wanted == 'varchar' -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(
        found.startswith('decimal') or found.startswith('numeric')
        or found in ('double', 'float', 'real', 'tinyint', 'smallint', 'integer', 'bigint', 'hugeint',
                     'utinyint', 'usmallint', 'uinteger', 'ubigint')
    ) }}
{% endmacro %}
