-- one row per hierarchy x component below another: which published rows add up to which, in every
-- hierarchy of the client
with tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
),

component_links as (
    select
        tree.hierarchy_id,
        tree.component_id,
        parents.component_id as parent_id
    from tree
    inner join tree as parents
        on tree.parent_node_id = parents.node_id
)

select * from component_links
