{#- Content of a ledger record as JSON: keys sorted, every value as text, nulls left out, so that the same
    facts give the same text and a column that is added later changes nothing until it is used. Write
    numbers of the double type with `format` first. `lists` holds keys whose values are JSON already. -#}
{% macro record_content(facts, lists={}) -%}
    {%- set all_facts = dict(facts, **lists) -%}
    cast(json_merge_patch('{}', to_json({
        {%- for name in all_facts | sort %}
        '{{ name }}':
            {%- if name in lists %} {{ all_facts[name] }}
            {%- else %} cast({{ all_facts[name] }} as varchar)
            {%- endif -%}
        {{ ',' if not loop.last }}
        {%- endfor %}
    })) as varchar)
{%- endmacro %}
