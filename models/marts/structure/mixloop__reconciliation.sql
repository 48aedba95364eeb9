with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

media_weekly as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

channel_closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
),

finance as (
    select * from {{ ref('stg_mixloop__finance') }}
),

-- levels: raw spend of a week against the same money after mapping, and on every level of the tree
raw_weeks as (
    select
        week,
        coalesce(sum(spend), 0) as spend
    from media_rows
    where week is not null
    group by week
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
        channel_closure.ancestor_id as channel_id,
        media_weekly.week,
        sum(media_weekly.spend) as spend
    from channel_closure
    inner join media_weekly
        on channel_closure.descendant_id = media_weekly.channel_id
    group by channel_closure.ancestor_id, media_weekly.week
),

levels as (
    select level
    from channel_tree
    group by level
),

-- A leaf above a level stands for itself on every deeper level: the fan-out is meant.
level_weeks as (
    select
        node_weeks.week,
        concat('level ', levels.level) as item,
        sum(node_weeks.spend) as spend
    from levels
    inner join channel_tree
        on
            levels.level = channel_tree.level
            or (levels.level > channel_tree.level and channel_tree.is_leaf)
    inner join node_weeks
        on channel_tree.channel_id = node_weeks.channel_id
    group by node_weeks.week, levels.level
),

items as (
    select 'mapped + unmapped' as item
    union all
    select concat('level ', level) as item
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
        items.item,
        raw_weeks.spend
    from raw_weeks
    cross join items
),

level_checks as (
    select
        'levels' as check_name,
        coalesce(expected_weeks.week, found_weeks.week) as period_start,
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
    select * from finance_checks
),

rounded as (
    select
        check_name,
        period_start,
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
        item,
        expected,
        actual,
        difference,
        tolerance,
        abs(difference) <= tolerance as is_within
    from rounded
)

select * from final
