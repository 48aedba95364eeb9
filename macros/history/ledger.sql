{#- What is entered in the ledger, in the order of the entries of one build. Each kind has a model
    `int_mixloop__<kind>_records`. A `kept` record never changes: when its content does, somebody has changed
    what was published, and a test says so. A `revised` record is entered again whenever its content changes.
    To enter another kind, write its model and add a line here. -#}
{% macro ledger_kinds() %}
    {{ return({
        'plan': 'revised',
        'decision': 'revised',
        'run': 'kept',
        'forecast': 'kept',
        'recommendation': 'revised',
        'prediction': 'kept',
        'outcome': 'kept',
        'hypothesis': 'kept',
        'prune': 'kept',
    }) }}
{% endmacro %}


{#- The hash before the first entry. -#}
{% macro ledger_genesis() -%}
    repeat('0', 64)
{%- endmacro %}


{#- Hash of an entry: of the hash before it and of all that it says. -#}
{% macro ledger_entry_hash(previous_hash, entry) -%}
    sha256(cast(to_json([
        {{ previous_hash }},
        cast({{ entry }}.position as varchar),
        {{ entry }}.record_kind,
        {{ entry }}.record_id,
        cast({{ entry }}.revision as varchar),
        {{ entry }}.model_id,
        {{ entry }}.run_id,
        cast({{ entry }}.as_of_week as varchar),
        {{ entry }}.content_hash
    ]) as varchar))
{%- endmacro %}
