-- In every hierarchy, run and period the nodes right below a node spent, to the cent, and brought
-- what it did. Money of leaves that no model estimates is in rows of its own, in no node above.
with performance as (
    select * from {{ ref('mixloop__channel_performance') }}
    where is_estimated
),

links as (
    select * from {{ ref('int_mixloop__component_links') }}
),

parents as (
    select
        hierarchy_id,
        parent_id
    from links
    group by hierarchy_id, parent_id
),

parent_rows as (
    select
        performance.run_id,
        performance.period_id,
        parents.hierarchy_id,
        parents.parent_id,
        performance.effect_mean,
        performance.spend
    from performance
    inner join parents
        on performance.channel_id = parents.parent_id
),

children as (
    select
        performance.run_id,
        performance.period_id,
        links.hierarchy_id,
        links.parent_id,
        sum(performance.effect_mean) as children_sum,
        sum(performance.spend) as children_spend,
        sum(abs(performance.effect_mean)) as size,
        count(*) filter (
            where not coalesce(isfinite(performance.effect_mean + performance.spend), false)
        ) as n_bad
    from performance
    inner join links
        on performance.channel_id = links.component_id
    group by all
),

offenders as (
    select
        coalesce(parent_rows.run_id, children.run_id) as run_id,
        coalesce(parent_rows.period_id, children.period_id) as period_id,
        coalesce(parent_rows.hierarchy_id, children.hierarchy_id) as hierarchy_id,
        coalesce(parent_rows.parent_id, children.parent_id) as parent_id,
        parent_rows.effect_mean,
        children.children_sum,
        parent_rows.spend,
        children.children_spend
    from parent_rows
    full outer join children
        on
            parent_rows.run_id = children.run_id
            and parent_rows.period_id = children.period_id
            and parent_rows.hierarchy_id = children.hierarchy_id
            and parent_rows.parent_id = children.parent_id
    where
        coalesce(children.n_bad, 1) > 0
        or not coalesce(
            abs(parent_rows.effect_mean - children.children_sum)
            <= 1e-9 * (children.size + abs(parent_rows.effect_mean)),
            false
        )
        or not coalesce(abs(parent_rows.spend - children.children_spend) < 0.005, false)
)

select * from offenders
