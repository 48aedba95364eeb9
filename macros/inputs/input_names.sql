{#- Every input and client table, in the order in which findings list them. -#}
{% macro input_names() %}
    {{ return([
        'media', 'outcomes', 'context', 'plan', 'plan_context', 'finance',
        'channel_hierarchy', 'channel_mapping', 'model_definitions', 'channel_priors',
        'events', 'experiments', 'goals', 'decisions',
        'feasibility_answers', 'open_questions', 'overrides', 'context_variables',
    ]) }}
{% endmacro %}
