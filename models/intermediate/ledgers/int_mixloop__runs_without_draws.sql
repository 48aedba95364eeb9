-- one row per run whose draws were pruned and are not back: a run that is called for again is
-- fitted again
{{ config(materialized='view') }}
with pruned_runs as (
    select * from {{ ref('int_mixloop__pruned_runs') }}
),

posterior_runs as (
    select run_id
    from {{ ref('int_mixloop__posterior') }}
    group by run_id
),

final as (
    select pruned_runs.*
    from pruned_runs
    left join posterior_runs
        on pruned_runs.run_id = posterior_runs.run_id
    where posterior_runs.run_id is null
    qualify
        row_number() over (partition by pruned_runs.run_id order by pruned_runs.prune_id desc) = 1
)

select * from final
