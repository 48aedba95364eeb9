-- one row per input x expected column: what was looked for and what was found
with expected as (
    {%- set names = mixloop.input_names() %}
    {%- for name in names %}
    {%- set contract = mixloop.input_contract(name) %}
    {%- set located = mixloop.locate_input(name) %}
    {%- set outer_last = loop.last %}
    {%- for column in contract.columns %}
    {%- set found = mixloop.find_input_column(located, column) %}
    select
        '{{ name }}' as input_name,
        '{{ contract.kind }}' as input_kind,
        '{{ column.name }}' as column_name,
        {{ contract.is_required | lower }} as is_input_required,
        {{ column.is_required | lower }} as is_column_required,
        '{{ located.state }}' as input_state,
        {{ (found is not none) | lower }} as is_column_found,
        {{ mixloop.text_literal(located.looked_for) }} as looked_for,
        {{ mixloop.text_literal(located.file_label) }} as source_file,
        {{ mixloop.text_literal(column.aliases | join(', ')) }} as accepted_names
    {{ 'union all' if not (loop.last and outer_last) }}
    {%- endfor %}
    {%- endfor %}
)

select * from expected
