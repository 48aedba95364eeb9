-- Lineage loses no money: the segments of a line item add up to its raw rows.
with raw_media as (
    select
        {{ mixloop.line_item_key() }} as line_item_id,
        count(*) as n_rows,
        coalesce(sum(spend), 0) as spend
    from {{ ref('stg_mixloop__media') }}
    group by all
),

lineage as (
    select
        line_item_id,
        sum(n_rows) as n_rows,
        sum(spend) as spend
    from {{ ref('mixloop__line_items') }}
    group by line_item_id
),

offenders as (
    select
        coalesce(raw_media.line_item_id, lineage.line_item_id) as line_item_id,
        raw_media.spend as raw_spend,
        lineage.spend
    from raw_media
    full outer join lineage
        on raw_media.line_item_id = lineage.line_item_id
    where
        raw_media.spend is distinct from lineage.spend
        or raw_media.n_rows is distinct from lineage.n_rows
)

select * from offenders
