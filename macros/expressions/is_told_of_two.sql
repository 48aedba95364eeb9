{#- Of two rows with weeks and geos that meet one is told: the later one, by its start or by its place in the file.
    Both have start_week, source_row and geo_list (null: all geos). -#}
{% macro is_told_of_two(later, earlier) -%}
    (
        {{ later }}.start_week > {{ earlier }}.start_week
        or (
            {{ later }}.start_week = {{ earlier }}.start_week
            and {{ later }}.source_row > {{ earlier }}.source_row
        )
    )
    and (
        {{ later }}.geo_list is null
        or {{ earlier }}.geo_list is null
        or list_has_any({{ later }}.geo_list, {{ earlier }}.geo_list)
    )
{%- endmacro %}
