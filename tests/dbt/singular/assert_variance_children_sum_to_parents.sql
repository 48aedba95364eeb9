-- In every hierarchy, plan, geo and week that has come a node's variance is that of the nodes right
-- below it together. A forecast that was published without the split of a channel has no rows below
-- that channel, and none of another hierarchy that would need them: all or nothing. Forecasts of a
-- channel that is no longer modelled are left out: today's nodes do not hold it.
with all_variances as (
    select
        run_id,
        model_id,
        plan_id,
        geo,
        week,
        driver_id,
        any_value(hierarchy_id) as hierarchy_id,
        bool_or(is_additive) as is_additive,
        max(variance_mean) filter (where cause = 'total') as variance_mean
    from {{ ref('mixloop__forecast_variance') }}
    where driver_type = 'channel'
    group by run_id, model_id, plan_id, geo, week, driver_id
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

outdated as (
    select all_variances.run_id
    from all_variances
    left join model_channels
        on
            all_variances.model_id = model_channels.model_id
            and all_variances.driver_id = model_channels.channel_id
    where all_variances.is_additive and model_channels.channel_id is null
    group by all_variances.run_id
),

variances as (
    select all_variances.*
    from all_variances
    left join outdated
        on all_variances.run_id = outdated.run_id
    where outdated.run_id is null
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
        variances.run_id,
        variances.plan_id,
        variances.geo,
        variances.week,
        parents.hierarchy_id,
        parents.parent_id,
        variances.is_additive,
        variances.variance_mean
    from variances
    inner join parents
        on variances.driver_id = parents.parent_id
),

children as (
    select
        variances.run_id,
        variances.plan_id,
        variances.geo,
        variances.week,
        links.hierarchy_id,
        links.parent_id,
        sum(variances.variance_mean) as children_sum,
        sum(abs(variances.variance_mean)) as size,
        count(*) filter (where not coalesce(isfinite(variances.variance_mean), false))
            as n_bad
    from variances
    inner join links
        on variances.driver_id = links.component_id
    group by all
),

hierarchies as (
    select
        run_id,
        plan_id,
        hierarchy_id
    from variances
    group by run_id, plan_id, hierarchy_id
),

compared as (
    select
        coalesce(parent_rows.run_id, children.run_id) as run_id,
        coalesce(parent_rows.plan_id, children.plan_id) as plan_id,
        coalesce(parent_rows.geo, children.geo) as geo,
        coalesce(parent_rows.week, children.week) as week,
        coalesce(parent_rows.hierarchy_id, children.hierarchy_id) as hierarchy_id,
        coalesce(parent_rows.parent_id, children.parent_id) as parent_id,
        parent_rows.is_additive,
        parent_rows.variance_mean,
        children.children_sum,
        children.size,
        children.n_bad
    from parent_rows
    full outer join children
        on
            parent_rows.run_id = children.run_id
            and parent_rows.plan_id = children.plan_id
            and parent_rows.geo = children.geo
            and parent_rows.week = children.week
            and parent_rows.hierarchy_id = children.hierarchy_id
            and parent_rows.parent_id = children.parent_id
),

offenders as (
    select compared.*
    from compared
    left join hierarchies
        on
            compared.run_id = hierarchies.run_id
            and compared.plan_id = hierarchies.plan_id
            and compared.hierarchy_id = hierarchies.hierarchy_id
    where
        case
            when compared.variance_mean is null then hierarchies.run_id is not null
            when compared.n_bad is null then not coalesce(compared.is_additive, false)
            else
                compared.n_bad > 0
                or not coalesce(
                    abs(compared.variance_mean - compared.children_sum)
                    <= 1e-9 * (compared.size + abs(compared.variance_mean)) + 1e-9,
                    false
                )
        end
)

select * from offenders
