{#- Stop the build when `findings` has blocking rows: the first ten in words, the count, the place. -#}
{% macro raise_blocking_findings(findings) %}
    {%- set blocking = run_query(
        "select source_file, source_row, column_name, value, problem, remedy from " ~ findings
        ~ " where severity = 'blocking' order by input_name, source_file, source_row, finding_id"
    ) -%}
    {%- if blocking.rows | length > 0 -%}
        {%- set lines = [] -%}
        {%- for row in blocking.rows[:10] -%}
            {%- set place = [row[0] or 'inputs'] -%}
            {%- if row[1] is not none -%}{%- do place.append('row ' ~ row[1]) -%}{%- endif -%}
            {%- if row[2] is not none -%}{%- do place.append('column ' ~ row[2]) -%}{%- endif -%}
            {%- set value = '' if row[3] is none else ' [' ~ row[3] | replace('\n', ' ') ~ ']' -%}
            {%- do lines.append(
                '  ' ~ place | join(', ') ~ value ~ ': ' ~ row[4] ~ '. Remedy: ' ~ row[5] ~ '.'
            ) -%}
        {%- endfor -%}
        {{ exceptions.raise_compiler_error(
            'the inputs have ' ~ blocking.rows | length ~ ' blocking finding(s). Nothing was rebuilt '
            ~ 'from them; the last good tables are still in place.\n' ~ lines | join('\n')
            ~ ('\n  ...' if blocking.rows | length > 10 else '')
            ~ '\nThe whole list: select * from ' ~ findings ~ " where severity = 'blocking'"
        ) }}
    {%- endif -%}
{% endmacro %}
