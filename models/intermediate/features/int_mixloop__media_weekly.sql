-- one row per week x geo x leaf channel (or `unmapped`): all weeks, all spend
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with channel_weeks as (
    select * from {{ ref('int_mixloop__channel_weeks') }}
),

weeks as (
    select * from {{ ref('int_mixloop__weeks') }}
),

media_weekly as (
    select
        channel_weeks.week,
        channel_weeks.geo,
        channel_weeks.channel_id,
        channel_weeks.spend,
        channel_weeks.impressions,
        channel_weeks.clicks,
        channel_weeks.reach,
        channel_weeks.contacts,
        channel_weeks.n_line_items,
        weeks.is_complete as is_complete_week
    from channel_weeks
    inner join weeks
        on channel_weeks.week = weeks.week
)

select * from media_weekly
