-- one row per node of every hierarchy of the client, with `unmapped` in each of them
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where not is_cycle
),

rollup_leaves as (
    select * from {{ ref('int_mixloop__rollup_leaves') }}
),

main_nodes as (
    select * from nodes
    where hierarchy_id = 'main'
),

ways_up as (
    select
        paths.hierarchy_id,
        paths.channel_id,
        max(paths.distance) as level,
        arg_max(paths.ancestor_id, paths.distance) as root_id,
        string_agg(paths.ancestor_id, ' > ' order by paths.distance desc) as path,
        arg_min(paths.ancestor_id, paths.distance) filter (where ancestors.is_modelled)
            as nearest_modelled_id
    from paths
    inner join nodes as ancestors
        on
            paths.hierarchy_id = ancestors.hierarchy_id
            and paths.ancestor_id = ancestors.channel_id
    group by paths.hierarchy_id, paths.channel_id
),

estimates as (
    select
        channel_id,
        nearest_modelled_id
    from ways_up
    where hierarchy_id = 'main'
),

-- whether an effect is estimated for any leaf that a node adds up
sums as (
    select
        rollup_leaves.hierarchy_id,
        rollup_leaves.channel_id,
        bool_or(estimates.nearest_modelled_id is not null) as has_estimates
    from rollup_leaves
    left join estimates
        on rollup_leaves.leaf_id = estimates.channel_id
    group by rollup_leaves.hierarchy_id, rollup_leaves.channel_id
),

parents as (
    select
        hierarchy_id,
        parent_id as channel_id
    from nodes
    where parent_id is not null
    group by hierarchy_id, parent_id
),

-- what a row of another hierarchy leaves empty, it takes from the same channel of `main`
client_tree as (
    select
        nodes.hierarchy_id,
        nodes.channel_id,
        nodes.parent_id,
        case when main_nodes.channel_id is not null then nodes.channel_id end as main_id,
        ways_up.root_id,
        coalesce(nodes.label, main_nodes.label, nodes.channel_id) as label,
        coalesce(nodes.owner, main_nodes.owner) as owner,
        coalesce(nodes.objective, main_nodes.objective) as objective,
        coalesce(main_nodes.is_modelled, false) as is_modelled,
        ways_up.level,
        ways_up.path,
        parents.channel_id is null as is_leaf
    from nodes
    inner join ways_up
        on
            nodes.hierarchy_id = ways_up.hierarchy_id
            and nodes.channel_id = ways_up.channel_id
    left join main_nodes
        on nodes.channel_id = main_nodes.channel_id
    left join parents
        on
            nodes.hierarchy_id = parents.hierarchy_id
            and nodes.channel_id = parents.channel_id
),

own_nodes as (
    select
        hierarchy_id,
        channel_id,
        cast(null as varchar) as parent_id,
        case channel_id when 'unmapped' then 'unmapped' end as main_id,
        channel_id as root_id,
        case channel_id when 'unmapped' then 'Unmapped' else 'Unassigned' end as label,
        cast(null as varchar) as owner,
        cast(null as varchar) as objective,
        false as is_modelled,
        0 as level,
        channel_id as path,
        true as is_leaf
    from rollup_leaves
    where channel_id in ('unmapped', 'unassigned')
    group by hierarchy_id, channel_id
),

all_nodes as (
    select * from client_tree
    union all
    select * from own_nodes
),

tree as (
    select
        {{ mixloop.node_id('all_nodes.hierarchy_id', 'all_nodes.channel_id') }} as node_id,
        all_nodes.hierarchy_id,
        all_nodes.channel_id,
        {{ mixloop.node_id('all_nodes.hierarchy_id', 'all_nodes.parent_id') }} as parent_node_id,
        all_nodes.parent_id,
        all_nodes.root_id,
        coalesce(
            all_nodes.main_id,
            {{ mixloop.node_id('all_nodes.hierarchy_id', 'all_nodes.channel_id') }}
        ) as component_id,
        all_nodes.label,
        all_nodes.owner,
        all_nodes.objective,
        all_nodes.is_modelled,
        all_nodes.level,
        all_nodes.path,
        all_nodes.is_leaf,
        coalesce(estimates.nearest_modelled_id, case when sums.has_estimates then 'children' end)
            as estimated_at
    from all_nodes
    left join estimates
        on all_nodes.main_id = estimates.channel_id
    left join sums
        on
            all_nodes.hierarchy_id = sums.hierarchy_id
            and all_nodes.channel_id = sums.channel_id
)

select * from tree
