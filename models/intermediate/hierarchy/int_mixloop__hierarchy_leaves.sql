-- one row per hierarchy x node x leaf of `main` x bottom node that holds it. Not behind the gate.
-- A bottom node of another hierarchy is any node of `main` and stands for all leaves below it.
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where channel_id not in ('unmapped', 'unassigned')
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where not is_cycle
),

parents as (
    select
        hierarchy_id,
        parent_id as channel_id
    from nodes
    where parent_id is not null
    group by hierarchy_id, parent_id
),

bottoms as (
    select
        nodes.hierarchy_id,
        nodes.channel_id
    from nodes
    left join parents
        on
            nodes.hierarchy_id = parents.hierarchy_id
            and nodes.channel_id = parents.channel_id
    where parents.channel_id is null
),

main_leaves as (
    select channel_id as leaf_id from bottoms
    where hierarchy_id = 'main'
),

placed as (
    select
        bottoms.hierarchy_id,
        bottoms.channel_id as holder_id,
        main_leaves.leaf_id
    from bottoms
    inner join paths
        on
            bottoms.channel_id = paths.ancestor_id
            and paths.hierarchy_id = 'main'
    inner join main_leaves
        on paths.channel_id = main_leaves.leaf_id
),

hierarchies as (
    select hierarchy_id from nodes
    where hierarchy_id != 'main'
    group by hierarchy_id
    union all
    select 'main' as hierarchy_id
),

-- every hierarchy meets every leaf on purpose: what it does not place is kept beside its tree
unassigned as (
    select
        hierarchies.hierarchy_id,
        'unassigned' as holder_id,
        main_leaves.leaf_id
    from hierarchies
    cross join main_leaves
    left join placed
        on
            hierarchies.hierarchy_id = placed.hierarchy_id
            and main_leaves.leaf_id = placed.leaf_id
    where placed.leaf_id is null
),

unmapped as (
    select
        hierarchy_id,
        'unmapped' as holder_id,
        'unmapped' as leaf_id
    from hierarchies
),

held as (
    select * from placed
    union all
    select * from unassigned
    union all
    select * from unmapped
),

hierarchy_leaves as (
    select
        held.hierarchy_id,
        coalesce(paths.ancestor_id, held.holder_id) as channel_id,
        held.leaf_id,
        held.holder_id
    from held
    left join paths
        on
            held.hierarchy_id = paths.hierarchy_id
            and held.holder_id = paths.channel_id
)

select * from hierarchy_leaves
