-- In every hierarchy, run, geo and week a node brings what the nodes right below it bring together,
-- those below modelled channels included. No parent and no last child may be missing.
with contributions as (
    select * from {{ ref('mixloop__contributions') }}
    where component_type = 'channel'
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
        contributions.run_id,
        contributions.geo,
        contributions.week,
        parents.hierarchy_id,
        parents.parent_id,
        contributions.contribution_mean
    from contributions
    inner join parents
        on contributions.component_id = parents.parent_id
),

children as (
    select
        contributions.run_id,
        contributions.geo,
        contributions.week,
        links.hierarchy_id,
        links.parent_id,
        sum(contributions.contribution_mean) as children_sum,
        sum(abs(contributions.contribution_mean)) as size,
        count(*) filter (where not coalesce(isfinite(contributions.contribution_mean), false))
            as n_bad
    from contributions
    inner join links
        on contributions.component_id = links.component_id
    group by all
),

offenders as (
    select
        coalesce(parent_rows.run_id, children.run_id) as run_id,
        coalesce(parent_rows.geo, children.geo) as geo,
        coalesce(parent_rows.week, children.week) as week,
        coalesce(parent_rows.hierarchy_id, children.hierarchy_id) as hierarchy_id,
        coalesce(parent_rows.parent_id, children.parent_id) as parent_id,
        parent_rows.contribution_mean,
        children.children_sum
    from parent_rows
    full outer join children
        on
            parent_rows.run_id = children.run_id
            and parent_rows.geo = children.geo
            and parent_rows.week = children.week
            and parent_rows.hierarchy_id = children.hierarchy_id
            and parent_rows.parent_id = children.parent_id
    where
        coalesce(children.n_bad, 1) > 0
        or not coalesce(
            abs(parent_rows.contribution_mean - children.children_sum)
            <= 1e-9 * (children.size + abs(parent_rows.contribution_mean)),
            false
        )
)

select * from offenders
