-- A node holds exactly the leaves it adds up, each once: whole channels and single leaves together
-- are the leaves of `int_mixloop__rollup_leaves` that are at or below a modelled channel.
with model_nodes as (
    select * from {{ ref('int_mixloop__model_nodes') }}
),

model_leaves as (
    select * from {{ ref('int_mixloop__model_leaves') }}
),

published as (
    select
        model_nodes.model_id,
        model_nodes.node_id,
        model_leaves.leaf_id,
        count(*) as n_rows
    from model_nodes
    left join model_leaves
        on
            model_nodes.model_id = model_leaves.model_id
            and model_nodes.channel_id = model_leaves.channel_id
            and coalesce(model_nodes.leaf_id, model_leaves.leaf_id) = model_leaves.leaf_id
    group by model_nodes.model_id, model_nodes.node_id, model_leaves.leaf_id
),

components as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where node_id = component_id
),

rolled_up as (
    select
        model_leaves.model_id,
        rollup_leaves.node_id,
        rollup_leaves.leaf_id
    from {{ ref('int_mixloop__rollup_leaves') }} as rollup_leaves
    inner join components
        on rollup_leaves.node_id = components.node_id
    inner join model_leaves
        on rollup_leaves.leaf_id = model_leaves.leaf_id
),

offenders as (
    select
        coalesce(published.model_id, rolled_up.model_id) as model_id,
        coalesce(published.node_id, rolled_up.node_id) as node_id,
        coalesce(published.leaf_id, rolled_up.leaf_id) as leaf_id,
        published.n_rows
    from published
    full outer join rolled_up
        on
            published.model_id = rolled_up.model_id
            and published.node_id = rolled_up.node_id
            and published.leaf_id = rolled_up.leaf_id
    where published.n_rows is distinct from 1 or rolled_up.node_id is null
)

select * from offenders
