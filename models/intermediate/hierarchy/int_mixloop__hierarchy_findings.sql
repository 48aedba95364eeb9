-- one row per thing that is wrong with the client's channel hierarchy
{{ config(materialized='view') }}
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
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
            'unmapped', 'children', 'level', 'trend', 'season', 'unexplained', 'kpi', 'noise',
            'total'
        )
        or starts_with(lower(channel_id), 'context:')
        or starts_with(lower(channel_id), 'event:')
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
        concat('the parent of ', nodes.channel_id, ' is not in the hierarchy') as problem,
        'add the parent as a channel, correct parent_id, or leave it empty for a top node' as remedy
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

alternatives as (
    select
        'alternative_hierarchy' as check_name,
        'info' as severity,
        'channel_hierarchy' as input_name,
        min(source_file) as source_file,
        min(source_row) as source_row,
        'hierarchy_id' as column_name,
        hierarchy_id as value,
        concat('its ', count(*), ' rows are read and checked but not published yet') as problem,
        'nothing to do; models use the hierarchy `main` (or empty)' as remedy
    from nodes
    where hierarchy_id != 'main'
    group by hierarchy_id
),

findings as (
    select * from reserved_ids
    union all
    select * from orphans
    union all
    select * from cycles
    union all
    select * from nested
    union all
    select * from alternatives
)

select * from findings
