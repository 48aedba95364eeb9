-- In every hierarchy the roots add up each leaf of main, and `unmapped`, exactly once.
with channels as (
    select * from {{ ref('mixloop__channels') }}
),

rollup as (
    select * from {{ ref('mixloop__rollup') }}
),

hierarchies as (
    select hierarchy_id
    from channels
    group by hierarchy_id
),

expected as (
    select
        hierarchies.hierarchy_id,
        channels.channel_id as leaf_id
    from hierarchies
    cross join channels
    where channels.hierarchy_id = 'main' and channels.is_leaf
),

found as (
    select
        channels.hierarchy_id,
        rollup.leaf_id,
        count(*) as n_times
    from channels
    inner join rollup
        on channels.node_id = rollup.node_id
    where channels.parent_node_id is null
    group by channels.hierarchy_id, rollup.leaf_id
),

offenders as (
    select
        coalesce(expected.hierarchy_id, found.hierarchy_id) as hierarchy_id,
        coalesce(expected.leaf_id, found.leaf_id) as leaf_id,
        found.n_times
    from expected
    full outer join found
        on
            expected.hierarchy_id = found.hierarchy_id
            and expected.leaf_id = found.leaf_id
    where expected.leaf_id is null or found.n_times is distinct from 1
)

select * from offenders
