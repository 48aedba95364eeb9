{{ config(materialized='view') }}

with posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

due as (
    select * from {{ ref('int_mixloop__decisions_to_measure') }}
),

named as (
    select current_run_id as run_id from due
    union all
    select prediction_run_id as run_id from due
),

runs as (
    select run_id
    from named
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
