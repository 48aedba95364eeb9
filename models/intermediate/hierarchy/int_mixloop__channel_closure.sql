-- one row per ancestor x descendant of the channel tree; every channel is its own ancestor
with paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

pairs as (
    select
        ancestor_id,
        channel_id as descendant_id,
        distance
    from paths
    union all
    select
        'unmapped' as ancestor_id,
        'unmapped' as descendant_id,
        0 as distance
),

closure as (
    select
        pairs.ancestor_id,
        pairs.descendant_id,
        pairs.distance,
        tree.is_leaf as descendant_is_leaf
    from pairs
    inner join tree
        on pairs.descendant_id = tree.channel_id
)

select * from closure
