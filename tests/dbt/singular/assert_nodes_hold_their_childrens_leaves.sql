-- A node above others adds up the leaves of its children, each of them once, and no other leaf.
with channels as (
    select * from {{ ref('mixloop__channels') }}
),

rollup as (
    select * from {{ ref('mixloop__rollup') }}
),

own as (
    select
        channels.node_id,
        rollup.leaf_id
    from channels
    inner join rollup
        on channels.node_id = rollup.node_id
    where not channels.is_leaf
),

of_children as (
    select
        channels.parent_node_id as node_id,
        rollup.leaf_id,
        count(*) as n_times
    from channels
    inner join rollup
        on channels.node_id = rollup.node_id
    where channels.parent_node_id is not null
    group by channels.parent_node_id, rollup.leaf_id
),

offenders as (
    select
        coalesce(own.node_id, of_children.node_id) as node_id,
        coalesce(own.leaf_id, of_children.leaf_id) as leaf_id,
        of_children.n_times
    from own
    full outer join of_children
        on
            own.node_id = of_children.node_id
            and own.leaf_id = of_children.leaf_id
    where own.leaf_id is null or of_children.n_times is distinct from 1
)

select * from offenders
