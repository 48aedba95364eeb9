-- one row per component_id of the channel trees: the node under which numbers are published, in
-- `main` where a channel has one there; its parent by the name under which that is published
with tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
),

components as (
    select
        tree.component_id,
        tree.hierarchy_id,
        tree.label,
        tree.owner,
        parents.component_id as parent_id
    from tree
    left join tree as parents
        on tree.parent_node_id = parents.node_id
    where tree.node_id = tree.component_id
)

select * from components
