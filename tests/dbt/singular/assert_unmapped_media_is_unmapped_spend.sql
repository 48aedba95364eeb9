-- The to-do list of unmapped line items holds exactly the money that channel `unmapped` holds.
with listed as (
    select coalesce(sum(spend), 0) as spend
    from {{ ref('mixloop__unmapped_media') }}
),

weekly as (
    select coalesce(sum(spend), 0) as spend
    from {{ ref('mixloop__media_weekly') }}
    where channel_id = 'unmapped'
),

offenders as (
    select
        listed.spend as listed_spend,
        weekly.spend as weekly_spend
    from listed
    cross join weekly
    where listed.spend is distinct from weekly.spend
)

select * from offenders
