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


{#- Fingerprint of what an input brought for one week of a series. -#}
{% macro input_content_hash() -%}
    {{ mixloop.surrogate_key(['n_rows', 'value_sum', 'impressions_sum']) }}
{%- endmacro %}
