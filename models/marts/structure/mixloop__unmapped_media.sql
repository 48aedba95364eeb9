with line_items as (
    select * from {{ ref('mixloop__line_items') }}
),

all_spend as (
    select cast(sum(spend) as decimal(18, 6)) as spend
    from line_items
),

unmapped as (
    select
        line_item_id,
        min(platform) as platform,
        min(account) as account,
        min(campaign) as campaign,
        min(ad_group) as ad_group,
        min(line_item) as line_item,
        min(first_date) as first_date,
        max(last_date) as last_date,
        cast(sum(n_rows) as bigint) as n_rows,
        cast(sum(spend) as decimal(18, 6)) as spend,
        cast(sum(impressions) as decimal(28, 10)) as impressions
    from line_items
    where channel_id = 'unmapped'
    group by line_item_id
),

final as (
    select
        unmapped.line_item_id,
        unmapped.platform,
        unmapped.account,
        unmapped.campaign,
        unmapped.ad_group,
        unmapped.line_item,
        unmapped.first_date,
        unmapped.last_date,
        unmapped.n_rows,
        unmapped.spend,
        unmapped.impressions,
        cast(unmapped.spend as double) / nullif(cast(all_spend.spend as double), 0)
            as share_of_spend
    from unmapped
    cross join all_spend
)

select * from final
