-- one row per geo x modelled channel x week with money and impressions: price of media as a
-- logarithm against what is usual. Taken within placements, so that a shift of budget from dear to
-- cheap ones is no change of price; names that differ in digits only (quarters, versions) are one
-- placement
with series as (
    select
        series_number,
        line_item_id,
        geo,
        regexp_replace(
            concat_ws(chr(31), platform, account, campaign, ad_group, line_item), '[0-9]+', '', 'g'
        ) as placement
    from {{ ref('int_mixloop__media_series') }}
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main' and estimated_at != 'children'
),

placements as (
    select
        series.series_number,
        series.geo,
        tree.estimated_at as channel_id,
        line_item_channels.valid_from,
        line_item_channels.valid_to,
        dense_rank() over (order by series.geo, tree.estimated_at, series.placement)
            as placement_number
    from series
    inner join line_item_channels
        on series.line_item_id = line_item_channels.line_item_id
    inner join tree
        on line_item_channels.channel_id = tree.channel_id
),

placement_weeks as (
    select
        placements.geo,
        placements.channel_id,
        placements.placement_number,
        weeks.week,
        cast(sum(weeks.spend) as double) as spend,
        cast(sum(weeks.impressions) as double) as impressions
    from {{ ref('int_mixloop__series_weeks') }} as weeks
    inner join placements
        on
            weeks.series_number = placements.series_number
            and weeks.part_start between placements.valid_from and placements.valid_to
    where weeks.week is not null and {{ var('mixloop__price_of_media', true) }}
    group by all
    having sum(weeks.impressions) > 0 and sum(weeks.spend) > 0
),

-- the usual price is that of the first half year, so that it does not change with every week;
-- placements that are too young have none
numbered as (
    select
        *,
        ln(spend / impressions) as log_price,
        row_number() over (partition by placement_number order by week) as turn
    from placement_weeks
),

usual as (
    select
        placement_number,
        median(log_price) as log_price
    from numbered
    where turn <= 26
    group by placement_number
    having count(*) >= 13
),

media_prices as (
    select
        numbered.geo,
        numbered.channel_id,
        numbered.week,
        sum(
            numbered.spend * (numbered.log_price - usual.log_price)
            order by numbered.placement_number
        )
        / sum(numbered.spend order by numbered.placement_number) as log_price
    from numbered
    inner join usual
        on numbered.placement_number = usual.placement_number
    group by numbered.geo, numbered.channel_id, numbered.week
)

select * from media_prices
