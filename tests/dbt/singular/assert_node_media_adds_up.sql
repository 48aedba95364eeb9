-- In every model, geo and week a node's spend is the sum of its children's
with node_media as (
    select * from {{ ref('int_mixloop__model_node_media') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

children as (
    select
        node_media.model_id,
        node_media.geo,
        node_media.week,
        tree.parent_id as node_id,
        sum(node_media.spend) as spend
    from node_media
    inner join tree
        on node_media.node_id = tree.channel_id
    where tree.parent_id is not null
    group by node_media.model_id, node_media.geo, node_media.week, tree.parent_id
),

parents as (
    select node_media.*
    from node_media
    inner join tree
        on node_media.node_id = tree.channel_id
    where not tree.is_leaf
)

select
    coalesce(parents.model_id, children.model_id) as model_id,
    coalesce(parents.geo, children.geo) as geo,
    coalesce(parents.week, children.week) as week,
    coalesce(parents.node_id, children.node_id) as node_id,
    parents.spend,
    children.spend as children_spend
from parents
full outer join children
    on
        parents.model_id = children.model_id
        and parents.geo = children.geo
        and parents.week = children.week
        and parents.node_id = children.node_id
where coalesce(abs(parents.spend - children.spend) > 0.005, true)
