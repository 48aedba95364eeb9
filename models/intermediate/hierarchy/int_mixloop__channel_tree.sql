-- one row per channel of the client's main hierarchy, and `unmapped`
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main'
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
),

ways_up as (
    select
        paths.channel_id,
        max(paths.distance) as level,
        arg_max(paths.ancestor_id, paths.distance) as root_id,
        string_agg(paths.ancestor_id, ' > ' order by paths.distance desc) as path,
        arg_min(paths.ancestor_id, paths.distance) filter (where ancestors.is_modelled)
            as nearest_modelled_id
    from paths
    inner join nodes as ancestors
        on paths.ancestor_id = ancestors.channel_id
    group by paths.channel_id
),

ways_down as (
    select
        paths.ancestor_id as channel_id,
        count(*) filter (where paths.distance = 1) as n_children,
        coalesce(bool_or(descendants.is_modelled) filter (where paths.distance > 0), false)
            as has_modelled_descendants
    from paths
    inner join nodes as descendants
        on paths.channel_id = descendants.channel_id
    group by paths.ancestor_id
),

client_tree as (
    select
        nodes.channel_id,
        nodes.hierarchy_id,
        nodes.parent_id,
        ways_up.root_id,
        nodes.label,
        nodes.owner,
        nodes.objective,
        nodes.is_modelled,
        ways_up.level,
        ways_up.path,
        ways_down.n_children = 0 as is_leaf,
        coalesce(
            ways_up.nearest_modelled_id,
            case when ways_down.has_modelled_descendants then 'children' end
        ) as estimated_at
    from nodes
    inner join ways_up
        on nodes.channel_id = ways_up.channel_id
    inner join ways_down
        on nodes.channel_id = ways_down.channel_id
),

unmapped as (
    select
        'unmapped' as channel_id,
        'main' as hierarchy_id,
        cast(null as varchar) as parent_id,
        'unmapped' as root_id,
        'Unmapped' as label,
        cast(null as varchar) as owner,
        cast(null as varchar) as objective,
        false as is_modelled,
        0 as level,
        'unmapped' as path,
        true as is_leaf,
        cast(null as varchar) as estimated_at
),

tree as (
    select * from client_tree
    union all
    select * from unmapped
)

select * from tree
