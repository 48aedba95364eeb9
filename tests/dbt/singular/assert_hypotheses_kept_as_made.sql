-- What this build says of its channels is what was last published of the run, figure by figure.
with hypotheses as (
    select * from {{ ref('int_mixloop__hypotheses') }}
),

published as (
    select *
    from {{ ref('int_mixloop__published_hypotheses') }}
    qualify row_number() over (partition by run_id, channel_id order by revision desc) = 1
),

offenders as (
    select
        hypotheses.run_id,
        hypotheses.channel_id,
        hypotheses.p_over,
        published.p_over as published_p_over
    from hypotheses
    left join published
        on
            hypotheses.run_id = published.run_id
            and hypotheses.channel_id = published.channel_id
    where
        hypotheses.direction is distinct from published.direction
        or not coalesce(abs(hypotheses.p_over - published.p_over) <= 1e-5, false)
        or not coalesce(
            abs(hypotheses.gain_mean - published.gain_mean)
            <= 1e-4 * greatest(abs(hypotheses.gain_mean), abs(published.gain_mean), 1e-9),
            false
        )
)

select * from offenders
