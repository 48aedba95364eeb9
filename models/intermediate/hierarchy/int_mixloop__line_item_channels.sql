-- one row per line item x valid_from: the client's channel of a line item, day by day
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with segments as (
    select * from {{ ref('int_mixloop__line_item_segments') }}
)

select * from segments
