{#- The parts of a line item that a mapping rule can look at, outermost first. -#}
{% macro match_fields() %}
    {{ return(['platform', 'account', 'campaign', 'ad_group', 'line_item']) }}
{% endmacro %}
