{#- Stops a build that would rewrite a table of published history; says nothing otherwise. -#}
{% macro protect_history() %}
    {%- if execute
        and flags.WHICH in ('run', 'build')
        and load_relation(this) is not none
        and not var('mixloop__allow_history_refresh', false) -%}
        {%- if config.get('materialized') != 'incremental'
            or config.get('incremental_strategy') != 'append'
            or should_full_refresh() -%}
            {{ exceptions.raise_compiler_error(
                "Refusing to rebuild " ~ this ~ ": it holds history that was published and is kept as made. "
                ~ "Keep materialized='incremental', incremental_strategy='append' and full_refresh=false "
                ~ "(look for an override in your dbt_project.yml), or pass "
                ~ "--vars 'mixloop__allow_history_refresh: true' to throw the history away."
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}
