-- Every unit of raw spend is either mapped or unmapped, to the cent.
with raw_spend as (
    select coalesce(sum(spend), 0) as spend
    from {{ ref('stg_mixloop__media') }}
),

mapped as (
    select
        coalesce(sum(spend) filter (where channel_id != 'unmapped'), 0) as mapped_spend,
        coalesce(sum(spend) filter (where channel_id = 'unmapped'), 0) as unmapped_spend
    from {{ ref('int_mixloop__media_weekly') }}
),

offenders as (
    select
        raw_spend.spend,
        mapped.mapped_spend,
        mapped.unmapped_spend
    from raw_spend
    cross join mapped
    where raw_spend.spend is distinct from mapped.mapped_spend + mapped.unmapped_spend
)

select * from offenders
