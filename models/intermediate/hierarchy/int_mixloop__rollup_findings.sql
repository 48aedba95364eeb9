-- one row per thing that is wrong with a hierarchy beside `main`: does it add up the same leaves
{{ config(materialized='view') }}
with nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
),

hierarchy_leaves as (
    select * from {{ ref('int_mixloop__hierarchy_leaves') }}
),

main_nodes as (
    select * from nodes
    where hierarchy_id = 'main'
),

other_nodes as (
    select * from nodes
    where hierarchy_id != 'main' and channel_id not in ('unmapped', 'unassigned')
),

parents as (
    select
        hierarchy_id,
        parent_id as channel_id
    from nodes
    where parent_id is not null
    group by hierarchy_id, parent_id
),

strangers as (
    select
        'leaf_not_in_main' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        other_nodes.source_file,
        other_nodes.source_row,
        'channel_id' as column_name,
        other_nodes.channel_id as value,
        concat(
            'nothing is below it in the hierarchy `', other_nodes.hierarchy_id,
            '`, and it is no channel of `main`: there is nothing that it could add up'
        ) as problem,
        'correct channel_id, or place channels of `main` below it' as remedy
    from other_nodes
    left join parents
        on
            other_nodes.hierarchy_id = parents.hierarchy_id
            and other_nodes.channel_id = parents.channel_id
    left join main_nodes
        on other_nodes.channel_id = main_nodes.channel_id
    where parents.channel_id is null and main_nodes.channel_id is null
),

holders as (
    select
        other_nodes.hierarchy_id,
        other_nodes.channel_id,
        other_nodes.source_file,
        other_nodes.source_row,
        hierarchy_leaves.leaf_id,
        row_number() over same_leaf as position,
        first_value(other_nodes.channel_id) over same_leaf as first_id,
        first_value(other_nodes.source_row) over same_leaf as first_row
    from hierarchy_leaves
    inner join other_nodes
        on
            hierarchy_leaves.hierarchy_id = other_nodes.hierarchy_id
            and hierarchy_leaves.holder_id = other_nodes.channel_id
    where hierarchy_leaves.channel_id = hierarchy_leaves.holder_id
    window
        same_leaf as (
            partition by other_nodes.hierarchy_id, hierarchy_leaves.leaf_id
            order by other_nodes.source_row, other_nodes.source_file
        )
),

doubles as (
    select
        'leaf_counted_twice' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        source_file,
        source_row,
        'channel_id' as column_name,
        channel_id as value,
        concat(
            'row ', arg_min(first_row, leaf_id), ' (', arg_min(first_id, leaf_id),
            ') already holds ', min(leaf_id),
            case when count(*) > 1 then concat(' and ', count(*) - 1, ' more of its leaves') end,
            ': the hierarchy `', hierarchy_id, '` would count them twice'
        ) as problem,
        'place every leaf once: delete one of the two rows, or name smaller channels' as remedy
    from holders
    where position > 1
    group by hierarchy_id, channel_id, source_file, source_row
),

sums as (
    select
        hierarchy_id,
        channel_id,
        list(distinct leaf_id order by leaf_id) as leaves
    from hierarchy_leaves
    group by hierarchy_id, channel_id
),

namesakes as (
    select
        'differs_from_main' as check_name,
        'blocking' as severity,
        'channel_hierarchy' as input_name,
        other_nodes.source_file,
        other_nodes.source_row,
        'channel_id' as column_name,
        other_nodes.channel_id as value,
        concat(
            'it adds up other leaves than the channel of the same name in `main` (',
            coalesce(len(sums.leaves), 0), ' here, ', coalesce(len(main_sums.leaves), 0),
            ' there): one name, two numbers'
        ) as problem,
        'give it a name of its own, or place the same leaves below it' as remedy
    from other_nodes
    inner join main_nodes
        on other_nodes.channel_id = main_nodes.channel_id
    left join sums
        on
            other_nodes.hierarchy_id = sums.hierarchy_id
            and other_nodes.channel_id = sums.channel_id
    left join sums as main_sums
        on
            other_nodes.channel_id = main_sums.channel_id
            and main_sums.hierarchy_id = 'main'
    where sums.leaves is distinct from main_sums.leaves
),

unassigned as (
    select
        'leaf_not_assigned' as check_name,
        'warn' as severity,
        'channel_hierarchy' as input_name,
        main_nodes.source_file,
        main_nodes.source_row,
        'channel_id' as column_name,
        hierarchy_leaves.leaf_id as value,
        concat(
            'the hierarchy `', hierarchy_leaves.hierarchy_id, '` does not place it: its money is ',
            'kept under ', hierarchy_leaves.hierarchy_id, ':unassigned'
        ) as problem,
        'add it, or a channel above it, to that hierarchy' as remedy
    from hierarchy_leaves
    inner join main_nodes
        on hierarchy_leaves.leaf_id = main_nodes.channel_id
    where hierarchy_leaves.holder_id = 'unassigned'
),

ignored_flags as (
    select
        'is_modelled_outside_main' as check_name,
        'info' as severity,
        'channel_hierarchy' as input_name,
        source_file,
        source_row,
        'is_modelled' as column_name,
        channel_id as value,
        concat('only `main` is modelled: the hierarchy `', hierarchy_id, '` adds it up') as problem,
        'nothing to do; say in `main` which channels are modelled' as remedy
    from other_nodes
    where is_modelled
),

findings as (
    select * from strangers
    union all
    select * from doubles
    union all
    select * from namesakes
    union all
    select * from unassigned
    union all
    select * from ignored_flags
)

select * from findings
