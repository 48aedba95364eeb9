{#- One column of an input contract; input_contract says what each part means. -#}
{% macro input_column(
    name,
    type='varchar',
    is_required=false,
    aliases=[],
    min=none,
    max=none,
    allowed=[],
    far_dates=false,
    required_if=none
) %}
    {{ return({
        'name': name,
        'type': type,
        'is_required': is_required,
        'aliases': aliases,
        'min': min,
        'max': max,
        'allowed': allowed,
        'far_dates': far_dates,
        'required_if': required_if,
    }) }}
{% endmacro %}
