with series_weeks as (
    select
        series.line_item_id,
        weeks.*
    from {{ ref('int_mixloop__media_series') }} as series
    inner join {{ ref('int_mixloop__series_weeks') }} as weeks
        on series.series_number = weeks.series_number
    where weeks.week is not null
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

line_items as (
    select * from {{ ref('int_mixloop__line_items') }}
),

rules as (
    select * from {{ ref('int_mixloop__mapping_rules') }}
),

active_segments as (
    select
        line_item_channels.line_item_id,
        line_item_channels.valid_from,
        min(line_item_channels.valid_to) as valid_to,
        min(line_item_channels.channel_id) as channel_id,
        min(line_item_channels.rule_id) as rule_id,
        min(series_weeks.first_date) as first_date,
        max(series_weeks.last_date) as last_date,
        cast(sum(series_weeks.n_rows) as bigint) as n_rows,
        cast(coalesce(sum(series_weeks.spend), 0) as decimal(18, 6)) as spend,
        cast(sum(series_weeks.impressions) as decimal(28, 10)) as impressions
    from series_weeks
    inner join line_item_channels
        on
            series_weeks.line_item_id = line_item_channels.line_item_id
            and series_weeks.part_start
            between line_item_channels.valid_from and line_item_channels.valid_to
    group by line_item_channels.line_item_id, line_item_channels.valid_from
),

clipped as (
    select
        active_segments.* exclude (valid_from, valid_to),
        greatest(active_segments.valid_from, line_items.first_date) as valid_from,
        least(active_segments.valid_to, line_items.last_date) as valid_to,
        line_items.platform,
        line_items.account,
        line_items.campaign,
        line_items.ad_group,
        line_items.line_item
    from active_segments
    inner join line_items
        on active_segments.line_item_id = line_items.line_item_id
),

final as (
    select
        {{ mixloop.surrogate_key(['clipped.line_item_id', 'clipped.valid_from']) }} as lineage_id,
        clipped.line_item_id,
        clipped.valid_from,
        clipped.valid_to,
        clipped.platform,
        clipped.account,
        clipped.campaign,
        clipped.ad_group,
        clipped.line_item,
        clipped.channel_id,
        clipped.rule_id,
        rules.rule_label,
        rules.owner as rule_owner,
        rules.notes as rule_notes,
        clipped.first_date,
        clipped.last_date,
        clipped.n_rows,
        clipped.spend,
        clipped.impressions
    from clipped
    left join rules
        on clipped.rule_id = rules.rule_id
)

select * from final
