-- Every judged run, the current live runs among them, has one verdict: the worst that is true.
with judged_runs as (
    select * from {{ ref('int_mixloop__judged_runs') }}
    where is_judged
),

current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

expected as (
    select run_id from judged_runs
    union
    select run_id from current_runs
),

signs as (
    select
        run_id,
        bool_or(is_triggered and signal like '%\_range' escape '\') as is_out_of_range,
        bool_or(is_triggered and signal = 'misses') as is_biased,
        bool_or(is_triggered) as is_called
    from {{ ref('mixloop__staleness') }}
    group by run_id
),

freshness as (
    select * from {{ ref('mixloop__freshness') }}
),

offenders as (
    select
        coalesce(expected.run_id, freshness.run_id) as run_id,
        freshness.verdict,
        freshness.cause
    from expected
    full join freshness
        on expected.run_id = freshness.run_id
    left join signs
        on freshness.run_id = signs.run_id
    where
        not coalesce(
            expected.run_id is not null
            and (freshness.verdict = 'fresh') = (freshness.cause is null)
            and freshness.verdict = case
                when freshness.is_broken or signs.run_id is null then 'broken'
                when signs.is_out_of_range then 'out_of_range'
                when signs.is_biased then 'biased'
                when signs.is_called then 'stale'
                else 'fresh'
            end,
            false
        )
)

select * from offenders
