-- In every hierarchy, plan, geo and week a node is forecast to bring, and planned to cost, what the
-- nodes right below it are together. What was published is compared with these rows elsewhere.
with forecasts as (
    select * from {{ ref('int_mixloop__forecasts') }}
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
        forecasts.run_id,
        forecasts.plan_id,
        forecasts.geo,
        forecasts.week,
        parents.hierarchy_id,
        parents.parent_id,
        forecasts.forecast_mean,
        forecasts.planned_spend
    from forecasts
    inner join parents
        on forecasts.component_id = parents.parent_id
),

children as (
    select
        forecasts.run_id,
        forecasts.plan_id,
        forecasts.geo,
        forecasts.week,
        links.hierarchy_id,
        links.parent_id,
        sum(forecasts.forecast_mean) as children_sum,
        sum(forecasts.planned_spend) as children_spend,
        sum(abs(forecasts.forecast_mean)) as size,
        count(*) filter (
            where not coalesce(isfinite(forecasts.forecast_mean + forecasts.planned_spend), false)
        ) as n_bad
    from forecasts
    inner join links
        on forecasts.component_id = links.component_id
    group by all
),

offenders as (
    select
        coalesce(parent_rows.run_id, children.run_id) as run_id,
        coalesce(parent_rows.plan_id, children.plan_id) as plan_id,
        coalesce(parent_rows.geo, children.geo) as geo,
        coalesce(parent_rows.week, children.week) as week,
        coalesce(parent_rows.hierarchy_id, children.hierarchy_id) as hierarchy_id,
        coalesce(parent_rows.parent_id, children.parent_id) as parent_id,
        parent_rows.forecast_mean,
        children.children_sum,
        parent_rows.planned_spend,
        children.children_spend
    from parent_rows
    full outer join children
        on
            parent_rows.run_id = children.run_id
            and parent_rows.plan_id = children.plan_id
            and parent_rows.geo = children.geo
            and parent_rows.week = children.week
            and parent_rows.hierarchy_id = children.hierarchy_id
            and parent_rows.parent_id = children.parent_id
    where
        coalesce(children.n_bad, 1) > 0
        or not coalesce(
            abs(parent_rows.forecast_mean - children.children_sum)
            <= 1e-9 * (children.size + abs(parent_rows.forecast_mean)),
            false
        )
        or not coalesce(abs(parent_rows.planned_spend - children.children_spend) < 0.005, false)
)

select * from offenders
