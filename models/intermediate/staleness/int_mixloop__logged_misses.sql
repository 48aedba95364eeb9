-- one row per model x measurement of a channel: what an experiment said beyond the model that did
-- not know it, and what a decision brought beyond what the run before it expects of the money that
-- was spent. Above zero where the channel brought more, also where its money was cut
with effects as (
    select * from {{ ref('int_mixloop__evidence_effects') }}
    where source = 'experiment'
),

current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

-- those that a lift test measured are among the experiments
outcomes as (
    select * from {{ ref('mixloop__decision_outcomes') }}
    where
        measured_by = 'later_model'
        and role = 'itself'
        and prediction_basis != 'in_hindsight'
        and variance_effect is not null
),

miss_weeks as (
    select
        judged_runs.model_id,
        run_misses.week
    from {{ ref('int_mixloop__run_misses') }} as run_misses
    inner join {{ ref('int_mixloop__judged_runs') }} as judged_runs
        on run_misses.run_id = judged_runs.run_id
    group by judged_runs.model_id, run_misses.week
),

experiments as (
    select
        effects.model_id,
        effects.channel_id,
        effects.evidence_id as record_id,
        'experiment' as source,
        {{ mixloop.week_start('effects.end_week') }} as week,
        (effects.lift - effects.effect_before_mean)
        * sign(effects.spend_actual - effects.spend_counterfactual) as miss
    from effects
    inner join current_runs
        on effects.run_id = current_runs.run_id
),

-- What a later model says of a decision is made of the same weeks as their misses: it counts where
-- these are not on record, so that no week counts twice.
decisions as (
    select
        outcomes.model_id,
        outcomes.channel_id,
        outcomes.decision_id as record_id,
        'decision' as source,
        {{ mixloop.week_start('outcomes.end_week') }} as week,
        outcomes.variance_effect * sign(outcomes.spend_to - outcomes.spend_from) as miss
    from outcomes
    left join miss_weeks
        on
            outcomes.model_id = miss_weeks.model_id
            and {{ mixloop.week_start('outcomes.end_week') }} = miss_weeks.week
    where miss_weeks.week is null
),

final as (
    select * from experiments
    union all
    select * from decisions
)

select * from final
