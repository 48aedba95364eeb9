-- one row per answer for a channel that no model measures on its own. Not behind the gate
{{ config(materialized='view') }}
with answers as (
    select * from {{ ref('stg_mixloop__feasibility_answers') }}
    where channel_id is not null
),

nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main'
),

findings as (
    select
        'answer_for_unmodelled_channel' as check_name,
        'info' as severity,
        'feasibility_answers' as input_name,
        answers.source_file,
        answers.source_row,
        'channel_id' as column_name,
        answers.channel_id as value,
        'no model measures this channel on its own: the answer is kept and changes no fit'
            as problem,
        'nothing to do; set is_modelled in channel_hierarchy if it should be measured' as remedy
    from answers
    inner join nodes
        on answers.channel_id = nodes.channel_id
    where not nodes.is_modelled
)

select * from findings
