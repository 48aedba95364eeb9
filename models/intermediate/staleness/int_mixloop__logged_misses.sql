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
decisions as (
    select * from {{ ref('mixloop__decision_outcomes') }}
    where
        measured_by = 'later_model'
        and role = 'itself'
        and prediction_basis != 'in_hindsight'
        and variance_effect is not null
),

final as (
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
    union all
    select
        model_id,
        channel_id,
        decision_id as record_id,
        'decision' as source,
        end_week as week,
        variance_effect * sign(spend_to - spend_from) as miss
    from decisions
)

select * from final
