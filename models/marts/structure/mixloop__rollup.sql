with rollup_leaves as (
    select * from {{ ref('int_mixloop__rollup_leaves') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['node_id', 'leaf_id']) }} as rollup_id,
        node_id,
        hierarchy_id,
        leaf_id
    from rollup_leaves
)

select * from final
