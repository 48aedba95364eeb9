-- one row per plan channel or geo that no model can use, per channel that a plan ahead forgets,
-- and per goal or event that cannot be meant as it is written
{{ config(materialized='view') }}
with plan as (
    select * from {{ ref('stg_mixloop__plan') }}
),

nodes as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main'
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
),

modelled_at_or_above as (
    select paths.channel_id
    from paths
    inner join nodes
        on paths.ancestor_id = nodes.channel_id
    where nodes.is_modelled
    group by paths.channel_id
),

modelled_below as (
    select
        paths.ancestor_id as channel_id,
        string_agg(paths.channel_id, ', ' order by paths.channel_id) as modelled_channels
    from paths
    inner join nodes
        on paths.channel_id = nodes.channel_id
    where nodes.is_modelled and paths.distance > 0
    group by paths.ancestor_id
),

plan_channels as (
    select
        plan_id,
        channel_id,
        min(source_file) as source_file,
        min(source_row) as source_row,
        count(*) as n_rows
    from plan
    group by plan_id, channel_id
),

unusable_channels as (
    select
        case
            when modelled_below.channel_id is not null then 'plan_above_modelled_channels'
            else 'plan_channel_not_modelled'
        end as check_name,
        case when modelled_below.channel_id is not null then 'blocking' else 'warn' end as severity,
        'plan' as input_name,
        plan_channels.source_file,
        plan_channels.source_row,
        'channel_id' as column_name,
        plan_channels.channel_id as value,
        case
            when modelled_below.channel_id is not null
                then 'the plan is for a node above the modelled channels, so its split is not known'
            else 'neither the channel nor one above it is modelled, so forecasts do not use it'
        end
        || concat(' (', plan_channels.n_rows, ' rows of plan ', plan_channels.plan_id, ')')
            as problem,
        case
            when modelled_below.channel_id is not null
                then concat('plan these channels instead: ', modelled_below.modelled_channels)
            else 'nothing to do if that is meant'
        end as remedy
    from plan_channels
    inner join nodes
        on plan_channels.channel_id = nodes.channel_id
    left join modelled_at_or_above
        on plan_channels.channel_id = modelled_at_or_above.channel_id
    left join modelled_below
        on plan_channels.channel_id = modelled_below.channel_id
    where modelled_at_or_above.channel_id is null
),

model_geos as (
    select geo
    from {{ ref('int_mixloop__defined_geos') }}
    group by geo
),

unused_geos as (
    select
        'plan_geo_without_model' as check_name,
        'warn' as severity,
        'plan' as input_name,
        min(plan.source_file) as source_file,
        min(plan.source_row) as source_row,
        'geo' as column_name,
        plan.geo as value,
        concat('no model covers this geo, so ', count(*), ' plan rows are not used') as problem,
        'use the geo names of outcomes, or leave geo empty to split over all geos' as remedy
    from plan
    left join model_geos
        on plan.geo = model_geos.geo
    where model_geos.geo is null and plan.geo != 'national'
    group by plan.geo
),

known_until as (
    select max(outcome_date) as last_date
    from {{ ref('stg_mixloop__outcomes') }}
),

plans_ahead as (
    select
        plan.plan_id,
        min(plan.week) as first_week,
        min(plan.source_file) as source_file
    from plan
    cross join known_until
    group by plan.plan_id
    having max(plan.week) > max(known_until.last_date)
),

planned_channels as (
    select
        plan.plan_id,
        paths.ancestor_id as channel_id
    from plan
    inner join paths
        on plan.channel_id = paths.channel_id
    group by plan.plan_id, paths.ancestor_id
),

recent_media as (
    select
        plans_ahead.plan_id,
        plans_ahead.source_file,
        nodes.channel_id,
        sum(channel_weeks.spend) as spend
    from plans_ahead
    inner join {{ ref('int_mixloop__channel_weeks') }} as channel_weeks
        on
            plans_ahead.first_week > channel_weeks.week
            and plans_ahead.first_week <= channel_weeks.week + 91
    inner join paths
        on channel_weeks.channel_id = paths.channel_id
    inner join nodes
        on paths.ancestor_id = nodes.channel_id and nodes.is_modelled
    group by plans_ahead.plan_id, plans_ahead.source_file, nodes.channel_id
),

forgotten_channels as (
    select
        'plan_without_channel' as check_name,
        'warn' as severity,
        'plan' as input_name,
        recent_media.source_file,
        cast(null as bigint) as source_row,
        'channel_id' as column_name,
        recent_media.channel_id as value,
        concat(
            'plan ', recent_media.plan_id, ' has no rows of this channel, so it is planned at ',
            'zero; in the 13 weeks before it had ',
            {{ mixloop.plain_number('recent_media.spend') }}
        ) as problem,
        'add its rows to plan; nothing to do if it is meant to stop' as remedy
    from recent_media
    left join planned_channels
        on
            recent_media.plan_id = planned_channels.plan_id
            and recent_media.channel_id = planned_channels.channel_id
    where recent_media.spend > 0 and planned_channels.channel_id is null
),

reversed_goals as (
    select
        'goal_period_reversed' as check_name,
        'blocking' as severity,
        'goals' as input_name,
        source_file,
        source_row,
        'period_end' as column_name,
        cast(period_end as varchar) as value,
        concat('the period of the goal ends before it starts on ', period_start) as problem,
        'correct period_start or period_end' as remedy
    from {{ ref('stg_mixloop__goals') }}
    where period_end < period_start
),

event_geos as (
    select
        'event_geo_without_model' as check_name,
        'warn' as severity,
        'events' as input_name,
        events.source_file,
        events.source_row,
        'geo' as column_name,
        events.geo as value,
        'no model covers this geo, so the event counts in none' as problem,
        'use the geo names of outcomes, or leave geo empty for all' as remedy
    from {{ ref('stg_mixloop__events') }} as events
    left join model_geos
        on events.geo = model_geos.geo
    where events.geo != 'national' and model_geos.geo is null
),

findings as (
    {%- for part in [
        'unusable_channels', 'unused_geos', 'forgotten_channels', 'reversed_goals', 'event_geos',
    ] %}
    select * from {{ part }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from findings
