-- one row per model x leaf at or below a modelled channel
with model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
    where descendant_is_leaf
),

model_leaves as (
    select
        model_channels.model_id,
        model_channels.channel_id,
        closure.descendant_id as leaf_id,
        model_channels.media_unit,
        count(*) over (
            partition by model_channels.model_id, model_channels.channel_id
        ) as n_leaves
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.ancestor_id
)

select * from model_leaves
