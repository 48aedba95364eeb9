-- A channel is pooled in the published tables if and only if the ledger says it was drawn with
-- siblings; its rows name the pool and the range to trust, and its parent says that it has it.
with posterior as (
    select * from {{ ref('int_mixloop__current_posterior') }}
),

performance as (
    select * from {{ ref('mixloop__channel_performance') }}
),

contributions as (
    select * from {{ ref('mixloop__contributions') }}
),

curves as (
    select * from {{ ref('mixloop__response_curves') }}
),

channels as (
    select
        run_id,
        component_id as channel_id,
        any_value(pool_id) as pool_id
    from posterior
    where term_type = 'channel'
    group by run_id, component_id
),

pools as (
    select
        run_id,
        pool_id
    from channels
    where pool_id is not null
    group by run_id, pool_id
),

marks as (
    select
        run_id,
        channel_id,
        is_pooled
    from performance
    union all
    select
        run_id,
        component_id as channel_id,
        is_pooled
    from contributions
    where component_type = 'channel'
    union all
    select
        run_id,
        channel_id,
        is_pooled
    from curves
),

wrong_marks as (
    select
        marks.run_id,
        marks.channel_id,
        'is_pooled is not what the ledger says' as problem
    from marks
    inner join channels
        on
            marks.run_id = channels.run_id
            and marks.channel_id = channels.channel_id
    where marks.is_pooled is distinct from (channels.pool_id is not null)
),

wrong_pools as (
    select
        performance.run_id,
        performance.channel_id,
        'pool_id is not that of the ledger' as problem
    from performance
    inner join channels
        on
            performance.run_id = channels.run_id
            and performance.channel_id = channels.channel_id
    where performance.pool_id is distinct from channels.pool_id
),

silent as (
    select
        run_id,
        channel_id,
        'a pooled row does not say which range to trust' as problem
    from performance
    where
        is_pooled
        and (range_note is null or not contains(range_note, 'trust the range of '))
),

silent_parents as (
    select
        performance.run_id,
        performance.channel_id,
        'the parent of a pool does not say that its range is the one to trust' as problem
    from performance
    inner join pools
        on
            performance.run_id = pools.run_id
            and performance.channel_id = pools.pool_id
    where
        performance.is_pooled
        or performance.range_note is null
        or not contains(performance.range_note, 'this range is the one to trust')
),

problems as (
    select * from wrong_marks
    union all
    select * from wrong_pools
    union all
    select * from silent
    union all
    select * from silent_parents
)

select * from problems
