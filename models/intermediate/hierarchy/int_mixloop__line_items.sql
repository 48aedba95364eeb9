-- one row per line item: every name combination that the media input has ever shown
with series as (
    select * from {{ ref('int_mixloop__media_series') }}
),

series_totals as (
    select
        series_number,
        min(first_date) as first_date,
        max(last_date) as last_date,
        sum(n_rows) as n_rows,
        sum(spend) as spend,
        sum(impressions) as impressions
    from {{ ref('int_mixloop__series_weeks') }}
    group by series_number
),

line_items as (
    select
        series.line_item_id,
        min(series.platform) as platform,
        min(series.account) as account,
        min(series.campaign) as campaign,
        min(series.ad_group) as ad_group,
        min(series.line_item) as line_item,
        min(series_totals.first_date) as first_date,
        max(series_totals.last_date) as last_date,
        cast(sum(series_totals.n_rows) as bigint) as n_rows,
        coalesce(sum(series_totals.spend), 0) as spend,
        coalesce(sum(series_totals.impressions), 0) as impressions
    from series
    inner join series_totals
        on series.series_number = series_totals.series_number
    group by series.line_item_id
)

select * from line_items
