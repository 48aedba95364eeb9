{#- Key of a node over all hierarchies: its channel in `main`, `<hierarchy>:<channel>` elsewhere. -#}
{% macro node_id(hierarchy_id, channel_id) -%}
    case {{ hierarchy_id }}
        when 'main' then {{ channel_id }} else {{ hierarchy_id }} || ':' || {{ channel_id }}
    end
{%- endmacro %}
