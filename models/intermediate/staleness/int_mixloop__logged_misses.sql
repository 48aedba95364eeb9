-- one row per model x measurement of a channel: what an experiment said beyond the model that did
-- not know it
with effects as (
    select * from {{ ref('int_mixloop__evidence_effects') }}
    where source = 'experiment'
),

current_runs as (
    select * from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

final as (
    select
        effects.model_id,
        effects.channel_id,
        effects.evidence_id as record_id,
        'experiment' as source,
        {{ mixloop.week_start('effects.end_week') }} as week,
        effects.lift - effects.effect_before_mean as miss
    from effects
    inner join current_runs
        on effects.run_id = current_runs.run_id
)

select * from final
