with media_facts as (
    select * from {{ ref('int_mixloop__media_facts') }}
),

media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

media_weekly as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
),

rollup_leaves as (
    select * from {{ ref('int_mixloop__rollup_leaves') }}
),

finance as (
    select * from {{ ref('stg_mixloop__finance') }}
),

-- levels: raw spend of a week against the same money after mapping, and on every level of every
-- hierarchy
raw_weeks as (
    select
        {{ mixloop.week_start('activity_date') }} as week,
        coalesce(sum(spend), 0) as spend
    from media_facts
    where activity_date is not null
    group by {{ mixloop.week_start('activity_date') }}
),

mapped_weeks as (
    select
        week,
        'mapped + unmapped' as item,
        sum(spend) as spend
    from media_weekly
    group by week
),

node_weeks as (
    select
        rollup_leaves.node_id,
        media_weekly.week,
        sum(media_weekly.spend) as spend
    from rollup_leaves
    inner join media_weekly
        on rollup_leaves.leaf_id = media_weekly.channel_id
    group by rollup_leaves.node_id, media_weekly.week
),

levels as (
    select
        hierarchy_id,
        level,
        concat(hierarchy_id, ' level ', level) as item
    from channel_tree
    group by hierarchy_id, level
),

-- A leaf above a level stands for itself on every deeper level: the fan-out is meant.
level_weeks as (
    select
        node_weeks.week,
        levels.item,
        sum(node_weeks.spend) as spend
    from levels
    inner join channel_tree
        on
            levels.hierarchy_id = channel_tree.hierarchy_id
            and (
                levels.level = channel_tree.level
                or (levels.level > channel_tree.level and channel_tree.is_leaf)
            )
    inner join node_weeks
        on channel_tree.node_id = node_weeks.node_id
    group by node_weeks.week, levels.item
),

items as (
    select
        cast(null as varchar) as hierarchy_id,
        'mapped + unmapped' as item
    union all
    select
        hierarchy_id,
        item
    from levels
),

found_weeks as (
    select * from mapped_weeks
    union all
    select * from level_weeks
),

-- Every raw week meets every item, so that money which went missing altogether is seen too.
expected_weeks as (
    select
        raw_weeks.week,
        items.hierarchy_id,
        items.item,
        raw_weeks.spend
    from raw_weeks
    cross join items
),

level_checks as (
    select
        'levels' as check_name,
        coalesce(expected_weeks.week, found_weeks.week) as period_start,
        expected_weeks.hierarchy_id,
        coalesce(expected_weeks.item, found_weeks.item) as item,
        coalesce(expected_weeks.spend, 0) as expected,
        coalesce(found_weeks.spend, 0) as actual,
        0 as tolerance
    from expected_weeks
    full outer join found_weeks
        on
            expected_weeks.week = found_weeks.week
            and expected_weeks.item = found_weeks.item
),

-- children: what a node adds up of the leaves against the sum of the nodes below it
parent_weeks as (
    select
        channel_tree.node_id,
        node_weeks.week,
        node_weeks.spend
    from channel_tree
    inner join node_weeks
        on channel_tree.node_id = node_weeks.node_id
    where not channel_tree.is_leaf
),

children_weeks as (
    select
        channel_tree.parent_node_id as node_id,
        node_weeks.week,
        sum(node_weeks.spend) as spend
    from channel_tree
    inner join node_weeks
        on channel_tree.node_id = node_weeks.node_id
    where channel_tree.parent_node_id is not null
    group by channel_tree.parent_node_id, node_weeks.week
),

sums as (
    select
        coalesce(parent_weeks.node_id, children_weeks.node_id) as node_id,
        coalesce(parent_weeks.week, children_weeks.week) as week,
        coalesce(parent_weeks.spend, 0) as expected,
        coalesce(children_weeks.spend, 0) as actual
    from parent_weeks
    full outer join children_weeks
        on
            parent_weeks.node_id = children_weeks.node_id
            and parent_weeks.week = children_weeks.week
),

children_checks as (
    select
        'children' as check_name,
        sums.week as period_start,
        channel_tree.hierarchy_id,
        sums.node_id as item,
        sums.expected,
        sums.actual,
        0 as tolerance
    from sums
    left join channel_tree
        on sums.node_id = channel_tree.node_id
),

-- finance: booked spend of a month against media spend, platform names compared in lower case
booked_months as (
    select
        month,
        lower(platform) as platform,
        coalesce(sum(spend), 0) as spend
    from finance
    where month is not null and platform is not null
    group by month, lower(platform)
),

media_months as (
    select
        cast(date_trunc('month', activity_date) as date) as month,
        lower(platform) as platform,
        coalesce(sum(spend), 0) as spend
    from media_rows
    where activity_date is not null and platform is not null
    group by cast(date_trunc('month', activity_date) as date), lower(platform)
),

booked_span as (
    select
        min(month) as first_month,
        max(month) as last_month
    from booked_months
),

media_months_in_span as (
    select media_months.*
    from media_months
    inner join booked_span
        on media_months.month between booked_span.first_month and booked_span.last_month
),

finance_checks as (
    select
        'finance' as check_name,
        coalesce(booked_months.month, media_months_in_span.month) as period_start,
        cast(null as varchar) as hierarchy_id,
        coalesce(booked_months.platform, media_months_in_span.platform) as item,
        coalesce(booked_months.spend, 0) as expected,
        coalesce(media_months_in_span.spend, 0) as actual,
        abs(coalesce(booked_months.spend, 0)) * {{ var('mixloop__finance_tolerance') }} as tolerance
    from booked_months
    full outer join media_months_in_span
        on
            booked_months.month = media_months_in_span.month
            and booked_months.platform = media_months_in_span.platform
),

checks as (
    select * from level_checks
    union all
    select * from children_checks
    union all
    select * from finance_checks
),

rounded as (
    select
        check_name,
        period_start,
        hierarchy_id,
        item,
        cast(expected as decimal(18, 6)) as expected,
        cast(actual as decimal(18, 6)) as actual,
        cast(actual - expected as decimal(18, 6)) as difference,
        cast(tolerance as decimal(18, 6)) as tolerance
    from checks
),

final as (
    select
        {{ mixloop.surrogate_key(['check_name', 'period_start', 'item']) }} as reconciliation_id,
        check_name,
        period_start,
        hierarchy_id,
        item,
        expected,
        actual,
        difference,
        tolerance,
        abs(difference) <= tolerance as is_within
    from rounded
)

select * from final
