{#- Shows the hash of the ledger's last entry, or looks for one that was noted before: only against a noted
    head can entries that are missing at the end be seen.
        dbt run-operation check_ledger_head --args '{head: <hash>}' -#}
{% macro check_ledger_head(head=none) %}
    {%- set ledger = mixloop.history_relation('mixloop__ledger') -%}
    {%- if ledger is none -%}
        {{ exceptions.raise_compiler_error('There is no ledger yet: run dbt build.') }}
    {%- endif -%}
    {%- set problems = run_query(mixloop.ledger_problems(ledger) ~ ' order by position') -%}
    {%- if problems.rows | length > 0 -%}
        {%- set first = problems.rows[0] -%}
        {{ exceptions.raise_compiler_error(
            'The chain of ' ~ ledger ~ ' is broken at ' ~ (problems.rows | length) ~ ' entries, first at position '
            ~ first[0] ~ ' (' ~ first[1] ~ ' ' ~ first[2] ~ '): ' ~ first[4]
            ~ '. Restore the history file from a copy.'
        ) }}
    {%- endif -%}
    {%- set last = run_query(
        'select position, entry_hash from ' ~ ledger ~ ' order by position desc limit 1'
    ).rows -%}
    {%- set newest = last[0] if last | length > 0 else [0, 'none'] -%}
    {%- if head is not none -%}
        {%- set found = run_query(
            'select position from ' ~ ledger ~ ' where entry_hash = ' ~ mixloop.text_literal(head | string)
        ).rows -%}
        {%- if found | length == 0 -%}
            {{ exceptions.raise_compiler_error(
                'No entry of ' ~ ledger ~ ' has the hash ' ~ head ~ '. Entries at the end are gone, or the whole '
                ~ 'ledger is another one. Restore the history file from a copy.'
            ) }}
        {%- endif -%}
        {%- do log(
            'The noted head is entry ' ~ found[0][0] ~ '; ' ~ (newest[0] - found[0][0]) ~ ' entries came after it.',
            info=true
        ) -%}
    {%- endif -%}
    {%- do log(
        'The chain is whole: ' ~ newest[0] ~ ' entries, head ' ~ newest[1], info=true
    ) -%}
{% endmacro %}
