-- one row per model x geo
-- depends_on: {{ ref('int_mixloop__input_gate') }}
with defined_geos as (
    select * from {{ ref('int_mixloop__defined_geos') }}
),

model_geos as (
    select
        model_id,
        geo
    from defined_geos
)

select * from model_geos
