with media_weekly as (
    select * from {{ ref('int_mixloop__media_weekly') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

final as (
    select
        {{ mixloop.surrogate_key(['week', 'geo', 'media_weekly.channel_id']) }}
            as media_week_id,
        media_weekly.week,
        media_weekly.geo,
        media_weekly.channel_id,
        channel_tree.label,
        cast(media_weekly.spend as decimal(18, 6)) as spend,
        cast(media_weekly.impressions as decimal(28, 10)) as impressions,
        cast(media_weekly.clicks as decimal(28, 10)) as clicks,
        cast(media_weekly.n_line_items as bigint) as n_line_items,
        cast(nullif(media_weekly.reach, 0) as decimal(28, 10)) as reach,
        cast(media_weekly.contacts as double) / cast(nullif(media_weekly.reach, 0) as double)
            as frequency,
        media_weekly.is_complete_week
    from media_weekly
    left join channel_tree
        on media_weekly.channel_id = channel_tree.channel_id
)

select * from final
