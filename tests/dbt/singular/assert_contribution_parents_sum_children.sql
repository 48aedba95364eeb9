-- A channel above others brings what they bring together, in every run, geo and week. A parent
-- that is modelled itself has no published children, so nothing to add.
with channels as (
    select * from {{ ref('mixloop__contributions') }}
    where component_type = 'channel'
),

children as (
    select
        run_id,
        geo,
        week,
        parent_id,
        sum(contribution_mean) as children_sum,
        sum(abs(contribution_mean)) as size,
        count(*) filter (where not coalesce(isfinite(contribution_mean), false)) as n_bad
    from channels
    where parent_id is not null
    group by run_id, geo, week, parent_id
),

offenders as (
    select
        children.*,
        channels.contribution_mean as parent_sum
    from children
    left join channels
        on
            children.run_id = channels.run_id
            and children.geo = channels.geo
            and children.week = channels.week
            and children.parent_id = channels.component_id
    where
        children.n_bad > 0
        or not coalesce(
            abs(channels.contribution_mean - children.children_sum) <= 1e-9 * children.size, false
        )
)

select * from offenders
