-- one row per hierarchy x channel x distance: the way up from every channel, itself first.
-- A way that meets a channel again ends there with is_cycle, so a cycle never hangs a build.
with recursive nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
),

paths as (
    select
        hierarchy_id,
        channel_id,
        channel_id as ancestor_id,
        parent_id as next_id,
        0 as distance,
        [channel_id] as visited,
        false as is_cycle
    from nodes
    union all
    select
        paths.hierarchy_id,
        paths.channel_id,
        nodes.channel_id as ancestor_id,
        nodes.parent_id as next_id,
        paths.distance + 1 as distance,
        list_append(paths.visited, nodes.channel_id) as visited,
        list_contains(paths.visited, nodes.channel_id) as is_cycle
    from paths
    inner join nodes
        on
            paths.hierarchy_id = nodes.hierarchy_id
            and paths.next_id = nodes.channel_id
    where not paths.is_cycle
)

select * from paths
