-- one row per thing that is wrong with the shape of a hierarchy of the client
{{ config(materialized='view') }}
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
),

hierarchies as (
    select
        hierarchy_id,
        arg_min(source_file, source_row) as source_file,
        min(source_row) as source_row
    from nodes
    where hierarchy_id != 'main'
    group by hierarchy_id
),

reserved_ids as (
    select
        'reserved_channel_id' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        source_file,
        source_row,
        'channel_id' as column_name,
        channel_id as value,
        'mixloop uses this name itself' as problem,
        'choose another channel_id' as remedy
    from nodes
    where
        lower(channel_id) in (
            'unmapped', 'unassigned', 'children', 'level', 'trend', 'season', 'unexplained', 'kpi',
            'noise', 'total'
        )
        or starts_with(lower(channel_id), 'context:')
        or starts_with(lower(channel_id), 'event:')
),

-- a node of another hierarchy is published as `<hierarchy>:<channel>`
borrowed_ids as (
    select
        'reserved_channel_id' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        nodes.source_file,
        nodes.source_row,
        'channel_id' as column_name,
        nodes.channel_id as value,
        concat(
            'it begins like the nodes of the hierarchy `', hierarchies.hierarchy_id, '`'
        ) as problem,
        'choose another channel_id, or another hierarchy_id' as remedy
    from nodes
    inner join hierarchies
        on starts_with(nodes.channel_id, concat(hierarchies.hierarchy_id, ':'))
    where nodes.hierarchy_id = 'main'
),

reserved_hierarchies as (
    select
        'reserved_hierarchy_id' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        source_file,
        source_row,
        'hierarchy_id' as column_name,
        hierarchy_id as value,
        case
            when contains(hierarchy_id, ':') then 'the name of a hierarchy must not contain `:`'
            when lower(hierarchy_id) = 'main' then 'the name is `main` but for capital letters'
            else 'mixloop uses this name itself'
        end as problem,
        case
            when lower(hierarchy_id) = 'main'
                then 'write `main`, or leave it empty, for the hierarchy that is modelled'
            else 'choose another hierarchy_id'
        end as remedy
    from hierarchies
    where
        contains(hierarchy_id, ':')
        or lower(hierarchy_id) in ('main', 'context', 'event')
),

orphans as (
    select
        'unknown_parent' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        nodes.source_file,
        nodes.source_row,
        'parent_id' as column_name,
        nodes.parent_id as value,
        concat(
            'the parent of ', nodes.channel_id, ' is not in the hierarchy `', nodes.hierarchy_id,
            '`'
        ) as problem,
        'add a row for the parent, correct parent_id, or leave it empty for a top node' as remedy
    from nodes
    left join nodes as parents
        on
            nodes.hierarchy_id = parents.hierarchy_id
            and nodes.parent_id = parents.channel_id
    where nodes.parent_id is not null and parents.channel_id is null
),

-- each cycle once, told from its first channel by name
cycles as (
    select
        'cycle' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        nodes.source_file,
        nodes.source_row,
        'parent_id' as column_name,
        array_to_string(paths.visited, ' -> ') as value,
        'these channels are above themselves, each the parent of the one before it' as problem,
        'change the parent_id of one of them' as remedy
    from paths
    inner join nodes
        on
            paths.hierarchy_id = nodes.hierarchy_id
            and paths.channel_id = nodes.channel_id
    where
        paths.is_cycle
        and paths.ancestor_id = paths.channel_id
        and paths.channel_id = list_min(paths.visited)
),

nested as (
    select
        'modelled_above_modelled' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        nodes.source_file,
        nodes.source_row,
        'is_modelled' as column_name,
        nodes.channel_id as value,
        concat(
            'it is modelled, and so is ', ancestors.channel_id, ' above it: spend would count twice'
        ) as problem,
        'set is_modelled to false on one of the two' as remedy
    from paths
    inner join nodes
        on
            paths.hierarchy_id = nodes.hierarchy_id
            and paths.channel_id = nodes.channel_id
    inner join nodes as ancestors
        on
            paths.hierarchy_id = ancestors.hierarchy_id
            and paths.ancestor_id = ancestors.channel_id
    where
        paths.distance > 0
        and not paths.is_cycle
        and nodes.is_modelled
        and ancestors.is_modelled
        and nodes.hierarchy_id = 'main'
),

findings as (
    select * from reserved_ids
    union all
    select * from borrowed_ids
    union all
    select * from reserved_hierarchies
    union all
    select * from orphans
    union all
    select * from cycles
    union all
    select * from nested
)

select * from findings
