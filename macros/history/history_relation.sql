{#- The relation of one of this project's models, or none where it is not there yet. For operations,
    which have no ref to what they read. -#}
{% macro history_relation(name) %}
    {%- set node = graph.nodes.get('model.mixloop.' ~ name) if execute -%}
    {%- if node -%}
        {{ return(adapter.get_relation(
            database=node.database, schema=node.schema, identifier=node.alias
        )) }}
    {%- endif -%}
    {{ return(none) }}
{% endmacro %}
