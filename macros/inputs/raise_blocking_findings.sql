{#- Stop the build when `findings` has blocking rows that nobody has accepted: the first ten in words, the
    count, the place, and for those that can be accepted the line that does it. -#}
{% macro raise_blocking_findings(findings) %}
    {%- set condition = "severity = 'blocking' and not is_overridden" -%}
    {%- set blocking = run_query(
        "select source_file, source_row, column_name, value, problem, remedy, is_overridable, check_name, series"
        ~ " from " ~ findings ~ " where " ~ condition
        ~ " order by input_name, source_file, source_row, finding_id"
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
            {%- if row[6] -%}
                {%- do lines.append('    ' ~ mixloop.how_to_override(row[7], row[8])) -%}
            {%- endif -%}
        {%- endfor -%}
        {{ exceptions.raise_compiler_error(
            'the inputs have ' ~ blocking.rows | length ~ ' blocking finding(s). Nothing was rebuilt '
            ~ 'from them; the last good tables are still in place.\n' ~ lines | join('\n')
            ~ ('\n  ...' if blocking.rows | length > 10 else '')
            ~ '\nThe whole list: select * from ' ~ findings ~ " where " ~ condition
        ) }}
    {%- endif -%}
{% endmacro %}


{#- The row of the client table `overrides` that lets one finding pass, as a line of CSV. -#}
{% macro how_to_override(check_name, series) %}
    {%- set name = series or '' -%}
    {%- if ',' in name or '"' in name or '\n' in name -%}
        {%- set name = '"' ~ name | replace('"', '""') ~ '"' -%}
    {%- endif -%}
    {%- set file = 'overrides.csv of the client folder' if env_var('MIXLOOP_CLIENT', '') else 'seeds/overrides.csv' -%}
    {{ return(
        'To publish all the same, with a name and a reason that every output shows, add to ' ~ file
        ~ ': ' ~ check_name ~ ',' ~ name ~ ',<your name>,<YYYY-MM-DD>,<why>'
    ) }}
{% endmacro %}
