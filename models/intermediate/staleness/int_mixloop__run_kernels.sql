-- one row per run x channel x carry-over kernel x decay: how many draws have it
with judged_runs as (
    select * from {{ ref('int_mixloop__judged_runs') }}
),

channels as (
    select
        run_id,
        component_id as channel_id,
        geo,
        kernel,
        decay,
        min(geo) over (partition by run_id) as first_geo
    from {{ ref('int_mixloop__posterior') }}
    where
        term_type = 'channel'
        and run_id in (select judged_runs.run_id from judged_runs)
),

-- geos share their transforms
draws as (
    select
        run_id,
        channel_id,
        unnest(kernel) as kernel,
        unnest(decay) as decay
    from channels
    where geo = first_geo
),

final as (
    select
        run_id,
        channel_id,
        kernel,
        decay,
        count(*) as n_draws
    from draws
    group by run_id, channel_id, kernel, decay
)

select * from final
