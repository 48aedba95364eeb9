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

all_spend as (
    select cast(sum(spend) as decimal(18, 6)) as spend
    from series_weeks
),

-- A rule may hold for part of a line item's life only: the part of the week decides.
unmapped as (
    select
        series_weeks.line_item_id,
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
    where line_item_channels.channel_id = 'unmapped'
    group by series_weeks.line_item_id
),

final as (
    select
        unmapped.line_item_id,
        line_items.platform,
        line_items.account,
        line_items.campaign,
        line_items.ad_group,
        line_items.line_item,
        unmapped.first_date,
        unmapped.last_date,
        unmapped.n_rows,
        unmapped.spend,
        unmapped.impressions,
        cast(unmapped.spend as double) / nullif(cast(all_spend.spend as double), 0)
            as share_of_spend
    from unmapped
    inner join line_items
        on unmapped.line_item_id = line_items.line_item_id
    cross join all_spend
)

select * from final
