-- A recommendation splits the plan's money anew: the same sum, every channel within its bounds, and
-- what all changes bring is there where something is moved.
with recommendations as (
    select * from {{ ref('mixloop__recommendations') }}
),

budgets as (
    select
        run_id,
        cast(null as varchar) as channel_id,
        'another budget' as problem
    from recommendations
    group by run_id
    having
        abs(sum(spend_recommended order by channel_id) - sum(spend_now order by channel_id))
        > 1e-9 * greatest(sum(spend_now order by channel_id), 1e-9)
),

bounds as (
    select
        run_id,
        channel_id,
        'outside its bounds' as problem
    from recommendations
    where
        spend_recommended < spend_low - 1e-9 * spend_now
        or spend_recommended > spend_high + 1e-9 * spend_now
        or spend_now not between spend_low and spend_high
),

probabilities as (
    select
        run_id,
        channel_id,
        'a probability without a move, or a move without one' as problem
    from recommendations
    where
        (p_better is null) != (n_moved = 0)
        or p_better not between 0 and 1
),

offenders as (
    select * from budgets
    union all
    select * from bounds
    union all
    select * from probabilities
)

select * from offenders
