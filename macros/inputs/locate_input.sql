{#-
    Where one input is and which columns it has: {state, from_sql, columns, file_label,
    looked_for, row_offset}. state: `off` (switched off by var), `missing`, `found`, or `unknown` while dbt
    only parses. columns maps the lower-case name to {name, type}. row_offset turns the position in
    the relation into the line of the file (2 = header on line 1).
-#}
{% macro locate_input(name) %}
    {%- set contract = mixloop.input_contract(name) -%}
    {%- set folder = env_var('MIXLOOP_CLIENT', '') -%}
    {%- set nowhere = {
        'state': 'off', 'from_sql': '', 'columns': {}, 'file_label': name, 'looked_for': name,
        'row_offset': 0,
    } -%}
    {%- if not var('mixloop__' ~ name ~ '_enabled', true) -%}
        {{ return(nowhere) }}
    {%- endif -%}
    {%- if contract.kind == 'input' -%}
        {%- set relation = mixloop.input_source(name) -%}
    {%- elif folder == '' -%}
        {#- `name`, or `project.name`: so dbt knows that another project's node is meant -#}
        {%- set relation = ref(*var('mixloop__' ~ name ~ '_seed').split('.')) -%}
    {%- endif -%}
    {%- if not execute -%}
        {{ return(dict(nowhere, state='unknown')) }}
    {%- elif folder != '' -%}
        {{ return(mixloop.locate_client_file(folder, name, nowhere)) }}
    {%- endif -%}
    {{ return(mixloop.locate_relation(relation, nowhere)) }}
{% endmacro %}


{#- The source of an input, moved by mixloop__<name>_database and mixloop__<name>_schema. -#}
{% macro input_source(name) %}
    {%- set relation = source('mixloop_raw', name) -%}
    {%- set database = var('mixloop__' ~ name ~ '_database', none) -%}
    {%- set schema = var('mixloop__' ~ name ~ '_schema', none) -%}
    {%- if database or schema -%}
        {%- set relation = api.Relation.create(
            database=database or relation.database,
            schema=schema or relation.schema,
            identifier=relation.identifier,
        ) -%}
    {%- endif -%}
    {{ return(relation) }}
{% endmacro %}


{#- locate_input for a table or view of the warehouse. -#}
{% macro locate_relation(relation, nowhere) %}
    {%- set label = relation.schema ~ '.' ~ relation.identifier -%}
    {%- set found = adapter.get_relation(relation.database, relation.schema, relation.identifier) -%}
    {%- if found is none -%}
        {{ return(dict(nowhere, state='missing', looked_for=label, file_label=label)) }}
    {%- endif -%}
    {%- set columns = {} -%}
    {%- for column in adapter.get_columns_in_relation(found) -%}
        {%- do columns.update({column.name | lower: {'name': column.name, 'type': column.dtype}}) -%}
    {%- endfor -%}
    {%- set seed = namespace(path='') -%}
    {%- for node in graph.nodes.values()
        if node.resource_type == 'seed' and node.relation_name == relation | string -%}
        {%- set seed.path = node.original_file_path -%}
    {%- endfor -%}
    {{ return({
        'state': 'found',
        'from_sql': found | string,
        'columns': columns,
        'file_label': seed.path or label,
        'looked_for': seed.path or label,
        'row_offset': 1 if seed.path else 0,
    }) }}
{% endmacro %}


{#-
    locate_input for <folder>/<name>.csv or .parquet. CSV is read as text, strictly: a line with
    too many or too few fields stops the build with the file and the line.
-#}
{% macro locate_client_file(folder, name, nowhere) %}
    {%- set stem = folder.rstrip('/') ~ '/' ~ name -%}
    {%- set escaped = stem.replace('[', '[[]').replace('*', '[*]').replace('?', '[?]') -%}
    {%- set kinds = run_query(
        "select 'csv' as kind from glob(" ~ mixloop.text_literal(escaped ~ '.csv') ~ ")"
        ~ " union all select 'parquet' as kind from glob("
        ~ mixloop.text_literal(escaped ~ '.parquet') ~ ")"
    ).columns[0].values() -%}
    {%- if kinds | length == 0 -%}
        {%- set looked_for = stem ~ '.csv or ' ~ name ~ '.parquet' -%}
        {{ return(dict(nowhere, state='missing', looked_for=looked_for, file_label=name ~ '.csv')) }}
    {%- endif -%}
    {%- set kind = 'csv' if 'csv' in kinds else 'parquet' -%}
    {%- set path = mixloop.text_literal(escaped ~ '.' ~ kind) -%}
    {%- set format = "header = true, delim = ',', quote = '\"', escape = '\"'" -%}
    {%- set header_sql = 'read_parquet(' ~ path ~ ')' if kind == 'parquet' else (
        'read_csv(' ~ path ~ ', ' ~ format
        ~ ', all_varchar = true, strict_mode = false, null_padding = true, sample_size = 1)'
    ) -%}
    {%- set columns = {} -%}
    {%- set types = [] -%}
    {%- set found = run_query('describe select * from ' ~ header_sql).rows -%}
    {%- set n_columns = mixloop.count_header_fields(path) if kind == 'csv' else none -%}
    {#- a line with more fields than the header must not pass for a column of its own -#}
    {%- for column in found[:n_columns or found | length] -%}
        {%- do columns.update({column[0] | lower: {'name': column[0], 'type': column[1]}}) -%}
        {%- do types.append(mixloop.text_literal(column[0]) ~ ": 'varchar'") -%}
    {%- endfor -%}
    {%- set csv_sql = 'read_csv(' ~ path ~ ', ' ~ format ~ ', auto_detect = false, columns = {'
        ~ types | join(', ') ~ '})' -%}
    {{ return({
        'state': 'found',
        'from_sql': header_sql if kind == 'parquet' else csv_sql,
        'columns': columns,
        'file_label': name ~ '.' ~ kind,
        'looked_for': stem ~ '.' ~ kind,
        'row_offset': 1 if kind == 'csv' else 0,
    }) }}
{% endmacro %}


{#- How many fields the first line of a CSV file has; none for an empty file. -#}
{% macro count_header_fields(path) %}
    {%- set lines = run_query(
        "select len(string_split(regexp_replace(line, '\"[^\"]*\"', '', 'g'), ','))"
        ~ " from read_csv(" ~ path ~ ", columns = {'line': 'varchar'}, delim = '\x01', quote = '',"
        ~ " escape = '', header = false, auto_detect = false, strict_mode = false) limit 1"
    ).rows -%}
    {{ return(lines[0][0] | int if lines | length > 0 else none) }}
{% endmacro %}
