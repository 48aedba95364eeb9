-- The answers under each transform, weighed by their probability, are the published answer.
with specifications as (
    select * from {{ ref('mixloop__specifications') }}
    where probability is not null
),

averaged as (
    select
        run_id,
        channel_id,
        dimension,
        sum(probability) as probability,
        sum(probability * effect_mean) as effect
    from specifications
    group by run_id, channel_id, dimension
),

performance as (
    select * from {{ ref('mixloop__channel_performance') }}
    where period_id = 'training'
),

offenders as (
    select
        averaged.run_id,
        averaged.channel_id,
        averaged.dimension,
        averaged.probability,
        averaged.effect,
        performance.effect_mean
    from averaged
    left join performance
        on
            averaged.run_id = performance.run_id
            and averaged.channel_id = performance.channel_id
    where
        not coalesce(
            abs(averaged.probability - 1) <= 1e-9
            and abs(averaged.effect - performance.effect_mean)
            <= 1e-9 * greatest(abs(performance.effect_mean), 1),
            false
        )
)

select * from offenders
