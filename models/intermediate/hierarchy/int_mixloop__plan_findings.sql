-- one row per plan channel or geo that no model can use, and per event no model has seen
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

findings as (
    select * from unusable_channels
    union all
    select * from unused_geos
)

select * from findings
