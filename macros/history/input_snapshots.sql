{#- What earlier builds have loaded: the rows of int_mixloop__input_snapshots, none before the first build.
    Looked up instead of referenced: findings are made from it, the gate reads the findings, and the table
    is written behind the gate. A reference would close that circle. -#}
{% macro input_snapshots() %}
    {%- set relation = none -%}
    {%- if execute -%}
        {%- set node = graph.nodes.get('model.mixloop.int_mixloop__input_snapshots') -%}
        {%- if node -%}
            {%- set relation = adapter.get_relation(
                database=node.database, schema=node.schema, identifier=node.alias
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {%- if relation is not none -%}
    select
        input_name,
        series,
        week,
        revision,
        as_of_week,
        value_sum,
        impressions_sum,
        n_rows,
        source_file,
        content_hash
    from {{ relation }}
    where {{ mixloop.was_snapshot_known(relation) }}
    {%- else -%}
    select
        cast(null as varchar) as input_name,
        cast(null as varchar) as series,
        cast(null as date) as week,
        cast(null as integer) as revision,
        cast(null as date) as as_of_week,
        cast(null as decimal(38, 10)) as value_sum,
        cast(null as decimal(38, 10)) as impressions_sum,
        cast(null as bigint) as n_rows,
        cast(null as varchar) as source_file,
        cast(null as varchar) as content_hash
    where false
    {%- endif -%}
{% endmacro %}


{#- Whether what a snapshot says was known at the date that this build looks back to. One that a build with
    everything wrote was known then if the newest week of its data lies before the date's week: the week is all
    the clock it has. A ledger older than its column as_of has only such snapshots. -#}
{% macro was_snapshot_known(relation) %}
    {%- set day = mixloop.as_of() -%}
    {%- if not day -%}
        {{ return('true') }}
    {%- endif -%}
    {%- set names = adapter.get_columns_in_relation(relation) | map(attribute='name') | list -%}
    {%- set written = 'as_of' if 'as_of' in names else 'cast(null as date)' -%}
    {{ return(
        "case when " ~ written ~ " is null then as_of_week < " ~ mixloop.week_start("date '" ~ day ~ "'") ~ " - 7"
        ~ " else " ~ written ~ " <= date '" ~ day ~ "' end"
    ) }}
{% endmacro %}


{#- Fingerprint of what an input brought for one week of a series. -#}
{% macro input_content_hash() -%}
    {{ mixloop.surrogate_key(['n_rows', 'value_sum', 'impressions_sum']) }}
{%- endmacro %}
