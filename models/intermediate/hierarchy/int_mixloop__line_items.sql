-- one row per line item: every name combination that the media input has ever shown
with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

line_items as (
    select
        line_item_id,
        min(platform) as platform,
        min(account) as account,
        min(campaign) as campaign,
        min(ad_group) as ad_group,
        min(line_item) as line_item,
        min(activity_date) as first_date,
        max(activity_date) as last_date,
        count(*) as n_rows,
        coalesce(sum(spend), 0) as spend,
        coalesce(sum(impressions), 0) as impressions
    from media_rows
    group by line_item_id
)

select * from line_items
