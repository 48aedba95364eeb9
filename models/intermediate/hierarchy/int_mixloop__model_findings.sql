-- one row per thing that is wrong with a model's definition, and per channel it cannot use
{{ config(materialized='view') }}
with definitions as (
    select * from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
),

defined_geos as (
    select * from {{ ref('int_mixloop__defined_geos') }}
),

kpis as (
    select kpi
    from {{ ref('stg_mixloop__outcomes') }}
    group by kpi
),

channel_media as (
    select * from {{ ref('int_mixloop__defined_channels') }}
),

unknown_kpis as (
    select
        'unknown_kpi' as check_name,
        'blocking' as severity,
        'model_definitions' as input_name,
        definitions.source_file,
        definitions.source_row,
        'kpi' as column_name,
        definitions.kpi as value,
        'outcomes has no rows of this KPI' as problem,
        'correct the name, or bring its outcomes' as remedy
    from definitions
    left join kpis
        on definitions.kpi = kpis.kpi
    where definitions.kpi is not null and kpis.kpi is null
),

unknown_geos as (
    select
        'unknown_geo' as check_name,
        'blocking' as severity,
        'model_definitions' as input_name,
        defined_geos.source_file,
        defined_geos.source_row,
        'geos' as column_name,
        defined_geos.geo as value,
        concat('outcomes has no rows of ', defined_geos.kpi, ' in this geo') as problem,
        'correct the name (geos are separated by `;`), or leave geos empty for all' as remedy
    from defined_geos
    inner join kpis
        on defined_geos.kpi = kpis.kpi
    where not defined_geos.has_outcomes
),

usable as (
    select
        model_id,
        count(*) as n_modelled,
        count(*) filter (where spend > 0 or impressions > 0) as n_with_media
    from channel_media
    group by model_id
),

unusable_models as (
    select
        'no_modelled_channel' as check_name,
        'blocking' as severity,
        'model_definitions' as input_name,
        definitions.source_file,
        definitions.source_row,
        'model_id' as column_name,
        definitions.model_id as value,
        case
            when usable.model_id is null
                then 'channel_hierarchy has no channel with is_modelled = true'
            else 'none of the modelled channels has media in the geos of this model'
        end as problem,
        case
            when usable.model_id is null then 'set is_modelled on the channels to be estimated'
            else 'check channel_mapping and the geo names of media'
        end as remedy
    from definitions
    inner join kpis
        on definitions.kpi = kpis.kpi
    left join usable
        on definitions.model_id = usable.model_id
    where coalesce(usable.n_with_media, 0) = 0
),

silent_channels as (
    select
        'modelled_channel_without_media' as check_name,
        'warn' as severity,
        'channel_hierarchy' as input_name,
        channel_media.source_file,
        channel_media.source_row,
        'channel_id' as column_name,
        channel_media.channel_id as value,
        concat('no media is mapped to it in the geos of model ', channel_media.model_id)
        || ': the model leaves it out' as problem,
        'add mapping rules for it, or set is_modelled to false' as remedy
    from channel_media
    inner join usable
        on channel_media.model_id = usable.model_id
    where usable.n_with_media > 0 and channel_media.spend = 0 and channel_media.impressions = 0
),

impression_channels as (
    select
        'channel_modelled_on_impressions' as check_name,
        'info' as severity,
        'channel_hierarchy' as input_name,
        channel_media.source_file,
        channel_media.source_row,
        'channel_id' as column_name,
        channel_media.channel_id as value,
        concat('it has impressions but no spend in model ', channel_media.model_id)
        || ': it is modelled on impressions and has no ROI' as problem,
        'nothing to do if it costs nothing; otherwise bring its spend' as remedy
    from channel_media
    where channel_media.spend = 0 and channel_media.impressions > 0
),

findings as (
    select * from unknown_kpis
    union all
    select * from unknown_geos
    union all
    select * from unusable_models
    union all
    select * from silent_channels
    union all
    select * from impression_channels
)

select * from findings
