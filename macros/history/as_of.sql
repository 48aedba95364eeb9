{#- The date that a build looks back to, as YYYY-MM-DD; an empty text when it sees everything. -#}
{% macro as_of() %}
    {%- set said = (var('mixloop__as_of', none) or '') | string | trim -%}
    {%- if said == '' -%}
        {{ return('') }}
    {%- endif -%}
    {%- set is_date = modules.re.match('^(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$', said) -%}
    {%- if is_date -%}
        {%- set first = modules.datetime.date(said[:4] | int, said[5:7] | int, 1) -%}
        {%- set is_date = (first + modules.datetime.timedelta(days=(said[8:] | int) - 1)).month == first.month -%}
    {%- endif -%}
    {%- if not is_date -%}
        {{ exceptions.raise_compiler_error(
            "mixloop: var mixloop__as_of is '" ~ said ~ "', which is no date; write YYYY-MM-DD, for example"
            ~ " --vars 'mixloop__as_of: \"2025-03-31\"', or leave it empty to see everything"
        ) }}
    {%- endif -%}
    {{ return(said) }}
{% endmacro %}


{#- Whether a run that the history holds could be there at the date that this build looks back to, by its last
    training week. Runs of later builds stay in the history, and out of the tables that are made from it. -#}
{% macro is_run_known(as_of_week) -%}
    {%- set day = mixloop.as_of() -%}
    {{ as_of_week ~ " <= date '" ~ day ~ "' - 6" if day else 'true' }}
{%- endmacro %}
