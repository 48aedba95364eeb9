-- one row per model x modelled channel of the hierarchy, with its media in the model's geos.
-- Not behind the gate: channels without media are a finding
with definitions as (
    select * from {{ ref('stg_mixloop__model_definitions') }}
    where model_id is not null
),

channels as (
    select * from {{ ref('int_mixloop__hierarchy_nodes') }}
    where hierarchy_id = 'main' and is_modelled
),

paths as (
    select * from {{ ref('int_mixloop__hierarchy_paths') }}
    where hierarchy_id = 'main' and not is_cycle
),

geo_media as (
    select
        paths.ancestor_id as channel_id,
        channel_weeks.geo,
        sum(channel_weeks.spend) as spend,
        sum(channel_weeks.impressions) as impressions,
        sum(channel_weeks.reach) as reach
    from {{ ref('int_mixloop__channel_weeks') }} as channel_weeks
    inner join paths
        on channel_weeks.channel_id = paths.channel_id
    group by paths.ancestor_id, channel_weeks.geo
),

model_media as (
    select
        defined_geos.model_id,
        geo_media.channel_id,
        sum(geo_media.spend) as spend,
        sum(geo_media.impressions) as impressions,
        sum(geo_media.reach) as reach
    from {{ ref('int_mixloop__defined_geos') }} as defined_geos
    inner join geo_media
        on defined_geos.geo = geo_media.geo
    group by defined_geos.model_id, geo_media.channel_id
),

defined_channels as (
    select
        definitions.model_id,
        channels.channel_id,
        coalesce(model_media.spend, 0) as spend,
        coalesce(model_media.impressions, 0) as impressions,
        coalesce(model_media.reach, 0) as reach,
        channels.source_file,
        channels.source_row
    from definitions
    cross join channels
    left join model_media
        on
            definitions.model_id = model_media.model_id
            and channels.channel_id = model_media.channel_id
)

select * from defined_channels
