with channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
),

final as (
    select
        node_id,
        hierarchy_id,
        channel_id,
        parent_node_id,
        parent_id,
        root_id,
        component_id,
        label,
        owner,
        objective,
        is_modelled,
        cast(level as integer) as level,
        path,
        is_leaf,
        estimated_at
    from channel_tree
)

select * from final
