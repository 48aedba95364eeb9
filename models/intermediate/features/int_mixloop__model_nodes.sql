-- one row per model x hierarchy node x modelled channel at or below it
with model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

model_nodes as (
    select
        model_channels.model_id,
        closure.ancestor_id as node_id,
        model_channels.channel_id,
        closure.distance = 0 as is_leaf_node
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.descendant_id
)

select * from model_nodes
