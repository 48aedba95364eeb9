with media_rows as (
    select * from {{ ref('int_mixloop__media_rows') }}
),

line_item_channels as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

-- A rule may hold for part of a line item's life only: the row's day decides.
claimed as (
    select
        media_rows.*,
        line_item_channels.channel_id
    from media_rows
    inner join line_item_channels
        on
            media_rows.line_item_id = line_item_channels.line_item_id
            and media_rows.activity_date
            between line_item_channels.valid_from and line_item_channels.valid_to
),

all_spend as (
    select cast(sum(spend) as decimal(18, 6)) as spend
    from claimed
),

unmapped as (
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
        cast(coalesce(sum(spend), 0) as decimal(18, 6)) as spend,
        cast(sum(impressions) as decimal(28, 10)) as impressions
    from claimed
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
