-- A pool is named by a parent, holds two channels of a model or more, and only children of it
with channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
    where pool_id is not null
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

pools as (
    select
        channels.model_id,
        channels.pool_id,
        count(*) as n_channels,
        count(*) filter (where tree.parent_id = channels.pool_id) as n_children
    from channels
    left join tree
        on channels.channel_id = tree.channel_id
    group by channels.model_id, channels.pool_id
)

select * from pools
where n_channels < 2 or n_children != n_channels
