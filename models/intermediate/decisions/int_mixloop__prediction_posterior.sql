{{ config(materialized='view') }}

with posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

runs as (
    select run_id
    from {{ ref('int_mixloop__decision_models') }}
    where run_id is not null
    group by run_id
),

final as (
    select posterior.*
    from posterior
    inner join runs
        on posterior.run_id = runs.run_id
)

select * from final
