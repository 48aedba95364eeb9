-- one row per model x plan x as_of_week x geo x week x item: what each plan says about the weeks
-- after as_of_week
with plan_channels as (
    select * from {{ ref('int_mixloop__plan_channels') }}
),

plan_drivers as (
    select * from {{ ref('int_mixloop__plan_drivers') }}
),

model_plans as (
    select * from plan_channels
    union all
    select * from plan_drivers
)

select * from model_plans
