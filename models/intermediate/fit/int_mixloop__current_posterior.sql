with posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
),

final as (
    select posterior.*
    from posterior
    inner join current_runs
        on posterior.run_id = current_runs.run_id
)

select * from final
