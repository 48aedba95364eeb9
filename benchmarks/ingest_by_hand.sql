-- The mapping and weekly sum as one would write them by hand for this one warehouse: distinct names,
-- rules tried on the distinct values of each field, the first rule by priority, back to the rows.
create or replace table bench.by_hand as
with names as (
    select platform, account, campaign, ad_group, line_item
    from raw.media
    group by all
),

numbered as (
    select
        row_number() over () as name_number,
        *
    from names
),

fields as (
    select name_number, 'platform' as match_field, trim(platform) as value from numbered
    union all
    select name_number, 'account', trim(account) from numbered
    union all
    select name_number, 'campaign', trim(campaign) from numbered
    union all
    select name_number, 'ad_group', trim(ad_group) from numbered
    union all
    select name_number, 'line_item', trim(line_item) from numbered
),

distinct_values as (
    select match_field, value
    from fields
    group by all
),

conditions as (
    select
        rule_id,
        match_field,
        match_type,
        pattern,
        channel_id,
        cast(priority as integer) as priority,
        count(*) over (partition by rule_id) as n_conditions
    from main_seeds.channel_mapping
),

met as (
    select
        conditions.rule_id,
        distinct_values.match_field,
        distinct_values.value,
        conditions.channel_id,
        conditions.priority,
        conditions.n_conditions
    from distinct_values
    inner join conditions on distinct_values.match_field = conditions.match_field
    where
        case conditions.match_type
            when 'exact' then lower(distinct_values.value) = lower(conditions.pattern)
            when 'prefix' then starts_with(lower(distinct_values.value), lower(conditions.pattern))
            when 'like' then lower(distinct_values.value) like lower(conditions.pattern)
            else regexp_matches(distinct_values.value, conditions.pattern, 'i')
        end
),

claims as (
    select
        fields.name_number,
        met.rule_id,
        min(met.channel_id) as channel_id,
        min(met.priority) as priority
    from fields
    inner join met
        on fields.match_field = met.match_field and fields.value = met.value
    group by fields.name_number, met.rule_id
    having count(*) = min(met.n_conditions)
),

mapped as (
    select
        name_number,
        arg_min(channel_id, priority) as channel_id
    from claims
    group by name_number
),

channels as (
    select
        numbered.* exclude (name_number),
        coalesce(mapped.channel_id, 'unmapped') as channel_id
    from numbered
    left join mapped on numbered.name_number = mapped.name_number
)

select
    cast(date_trunc('week', media.date) as date) as week,
    media.geo,
    channels.channel_id,
    sum(media.spend) as spend,
    sum(media.impressions) as impressions,
    sum(media.clicks) as clicks
from raw.media as media
inner join channels
    on
        media.platform is not distinct from channels.platform
        and media.account is not distinct from channels.account
        and media.campaign is not distinct from channels.campaign
        and media.ad_group is not distinct from channels.ad_group
        and media.line_item is not distinct from channels.line_item
group by all
