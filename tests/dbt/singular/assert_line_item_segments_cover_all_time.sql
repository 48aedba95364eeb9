-- A line item has exactly one channel on every day: its segments neither overlap nor leave a gap.
with segments as (
    select * from {{ ref('int_mixloop__line_item_channels') }}
),

line_items as (
    select * from {{ ref('int_mixloop__line_items') }}
),

neighbours as (
    select
        line_item_id,
        valid_from,
        valid_to,
        lag(valid_to) over (partition by line_item_id order by valid_from) as previous_valid_to
    from segments
),

covers as (
    select
        line_item_id,
        min(valid_from) as first_day,
        max(valid_to) as last_day,
        bool_and(
            valid_from <= valid_to
            and (previous_valid_to is null or valid_from = previous_valid_to + 1)
        ) as is_seamless
    from neighbours
    group by line_item_id
),

offenders as (
    select line_items.line_item_id
    from line_items
    left join covers
        on line_items.line_item_id = covers.line_item_id
    where
        covers.first_day is distinct from date '0001-01-01'
        or covers.last_day is distinct from date '9999-12-31'
        or not coalesce(covers.is_seamless, false)
)

select * from offenders
