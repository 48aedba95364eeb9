-- The segments of a line item do not overlap, and its activity lies inside them.
with line_items as (
    select * from {{ ref('mixloop__line_items') }}
),

neighbours as (
    select
        *,
        lag(valid_to) over (partition by line_item_id order by valid_from) as previous_valid_to
    from line_items
),

offenders as (
    select *
    from neighbours
    where
        valid_from > valid_to
        or valid_from <= previous_valid_to
        or first_date < valid_from
        or last_date > valid_to
        or first_date > last_date
)

select * from offenders
