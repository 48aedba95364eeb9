-- one row per model x node x modelled channel that the node holds whole, else x leaf of the channel
-- that it holds. Nodes of all hierarchies; what lies below a channel in `main` always holds leaves
with model_leaves as (
    select * from {{ ref('int_mixloop__model_leaves') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

rollup_leaves as (
    select * from {{ ref('int_mixloop__rollup_leaves') }}
),

-- a node of another hierarchy that is also a node of `main` is published there
nodes as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where node_id = component_id
),

held as (
    select
        model_leaves.model_id,
        nodes.hierarchy_id,
        nodes.node_id,
        model_leaves.channel_id,
        model_leaves.leaf_id,
        nodes.node_id = model_leaves.channel_id as is_leaf_node,
        coalesce(closure.distance > 0, false) as is_below,
        count(*) over (
            partition by model_leaves.model_id, nodes.node_id, model_leaves.channel_id
        ) = model_leaves.n_leaves as has_all_leaves
    from rollup_leaves
    inner join nodes
        on rollup_leaves.node_id = nodes.node_id
    inner join model_leaves
        on rollup_leaves.leaf_id = model_leaves.leaf_id
    left join closure
        on
            model_leaves.channel_id = closure.ancestor_id
            and nodes.node_id = closure.descendant_id
),

-- the leaves of a channel that is held whole are one row
named as (
    select
        model_id,
        hierarchy_id,
        node_id,
        channel_id,
        case when is_below or not has_all_leaves then leaf_id end as leaf_id,
        is_leaf_node
    from held
),

model_nodes as (
    select *
    from named
    group by all
)

select * from model_nodes
