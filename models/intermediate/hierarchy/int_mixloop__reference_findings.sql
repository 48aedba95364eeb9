-- one row per row that names a channel, model or plan that does not exist
{{ config(materialized='view') }}
{%- set channel_tables = [
    'channel_mapping', 'plan', 'channel_priors', 'experiments', 'decisions',
    'feasibility_answers', 'open_questions',
] %}
with channels as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main'
),

models as (
    select model_id
    from {{ ref('stg_mixloop__model_definitions') }}
    group by model_id
),

plans as (
    select plan_id
    from {{ ref('stg_mixloop__plan') }}
    group by plan_id
),

channel_references as (
    {%- for name in channel_tables %}
    select
        '{{ name }}' as input_name,
        source_file,
        source_row,
        channel_id
    from {{ ref('stg_mixloop__' ~ name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unknown_channels as (
    select
        'unknown_channel' as check_name,
        'blocking' as severity,
        channel_references.input_name,
        channel_references.source_file,
        channel_references.source_row,
        'channel_id' as column_name,
        channel_references.channel_id as value,
        'this channel is not in channel_hierarchy' as problem,
        'correct channel_id, or add the channel to channel_hierarchy' as remedy
    from channel_references
    left join channels
        on channel_references.channel_id = channels.channel_id
    where channel_references.channel_id is not null and channels.channel_id is null
),

model_references as (
    {%- for name in ['channel_priors', 'goals', 'feasibility_answers', 'context_variables'] %}
    select
        '{{ name }}' as input_name,
        source_file,
        source_row,
        model_id
    from {{ ref('stg_mixloop__' ~ name) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unknown_models as (
    select
        'unknown_model' as check_name,
        'blocking' as severity,
        model_references.input_name,
        model_references.source_file,
        model_references.source_row,
        'model_id' as column_name,
        model_references.model_id as value,
        'this model is not in model_definitions' as problem,
        'correct model_id, or leave it empty for all models' as remedy
    from model_references
    left join models
        on model_references.model_id = models.model_id
    where model_references.model_id is not null and models.model_id is null
),

unknown_plans as (
    select
        'unknown_plan' as check_name,
        'warn' as severity,
        'plan_context' as input_name,
        min(plan_context.source_file) as source_file,
        min(plan_context.source_row) as source_row,
        'plan_id' as column_name,
        plan_context.plan_id as value,
        concat(
            'plan has no rows for this plan_id, so its ', count(*), ' rows are not used'
        ) as problem,
        'correct plan_id, or add its spend to plan' as remedy
    from {{ ref('stg_mixloop__plan_context') }} as plan_context
    left join plans
        on plan_context.plan_id = plans.plan_id
    where plans.plan_id is null and plan_context.plan_id is not null
    group by plan_context.plan_id
),

findings as (
    select * from unknown_channels
    union all
    select * from unknown_models
    union all
    select * from unknown_plans
)

select * from findings
