{#-
    Since when the rows of each input are known: loaded_at (the column, where a row has it), date (the column
    that speaks where loaded_at does not), period (`day`; `week` or `month`: known when the one of the date is
    over). Inputs that are not listed have no date: their rows are taken as they are today. Docs: docs/as-of.md.
-#}
{% macro known_since(name) %}
    {{ return({
        'media': {'loaded_at': 'loaded_at', 'date': 'date', 'period': 'week'},
        'outcomes': {'loaded_at': 'loaded_at', 'date': 'date', 'period': 'week'},
        'context': {'loaded_at': 'loaded_at', 'date': 'date', 'period': 'week'},
        'finance': {'loaded_at': 'loaded_at', 'date': 'month', 'period': 'month'},
        'plan': {'loaded_at': 'loaded_at', 'date': none},
        'plan_context': {'loaded_at': 'loaded_at', 'date': none},
        'experiments': {'loaded_at': none, 'date': 'end_week', 'period': 'week'},
        'decisions': {'loaded_at': none, 'date': 'approved_on', 'period': 'day'},
        'feasibility_answers': {'loaded_at': none, 'date': 'answered_on', 'period': 'day'},
        'open_questions': {'loaded_at': none, 'date': 'asked_on', 'period': 'day'},
        'overrides': {'loaded_at': none, 'date': 'accepted_on', 'period': 'day'},
    }.get(name)) }}
{% endmacro %}


{#-
    Whether a row of an input was known at the end of a day; `cells` holds what each column of the contract is
    read from. A row that says neither when it was loaded nor what it is about counts as known: unreadable
    dates have findings of their own, and a plan or an override without a date is today's.
-#}
{% macro is_known(name, day, cells) -%}
    {%- set since = mixloop.known_since(name) -%}
    {%- set day = "date '" ~ day ~ "'" -%}
    {%- set answers = [] -%}
    {%- if since.loaded_at -%}
        {%- do answers.append('cast(try_cast(' ~ cells[since.loaded_at] ~ ' as timestamp) as date) <= ' ~ day) -%}
    {%- endif -%}
    {%- if since.date -%}
        {%- set date = 'try_cast(' ~ cells[since.date] ~ ' as date)' -%}
        {%- if since.period == 'week' -%}
            {%- do answers.append(mixloop.week_start(date) ~ ' <= ' ~ day ~ ' - 6') -%}
        {%- elif since.period == 'month' -%}
            {%- do answers.append("date_trunc('month', " ~ date ~ ") < date_trunc('month', " ~ day ~ ' + 1)') -%}
        {%- else -%}
            {%- do answers.append(date ~ ' <= ' ~ day) -%}
        {%- endif -%}
    {%- endif -%}
    coalesce({{ answers | join(', ') }}, true)
{%- endmacro %}
