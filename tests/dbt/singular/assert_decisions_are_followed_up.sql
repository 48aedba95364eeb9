-- Every approved decision has a row in every model, also where the client's table does not have it
-- any more; what could be predicted is, with a range and by a run that knew no later week; what is
-- over and was predicted has a variance.
with written as (
    select
        decision_id,
        approved_on,
        channel_id,
        cast(spend_from as double) as spend_from,
        cast(spend_to as double) as spend_to,
        start_week
    from {{ ref('stg_mixloop__decisions') }}
    where decision_id is not null
),

on_record as (
    select
        record_id as decision_id,
        content
    from {{ ref('mixloop__ledger') }}
    where
        record_kind = 'decision'
        and coalesce({{ mixloop.is_run_known('as_of_week') }}, true)
        and {{ mixloop.is_approval_known("cast(content ->> '$.approved_on' as date)") }}
    qualify row_number() over (partition by record_id order by revision desc) = 1
),

withdrawn as (
    select
        on_record.decision_id,
        cast(on_record.content ->> '$.approved_on' as date) as approved_on,
        on_record.content ->> '$.channel_id' as channel_id,
        cast(on_record.content ->> '$.spend_from' as double) as spend_from,
        cast(on_record.content ->> '$.spend_to' as double) as spend_to,
        cast(on_record.content ->> '$.start_week' as date) as start_week
    from on_record
    left join written
        on on_record.decision_id = written.decision_id
    where written.decision_id is null
),

all_decisions as (
    select * from written
    union all
    select * from withdrawn
),

decisions as (
    select * from all_decisions
    where channel_id is not null and approved_on is not null
),

models as (
    select
        model_id,
        first_training_week,
        last_training_week
    from {{ ref('int_mixloop__models') }}
),

outcomes as (
    select * from {{ ref('mixloop__decision_outcomes') }}
),

-- channels that some run from before the approval holds
runs as (
    select
        model_id,
        component_id as channel_id,
        min(as_of_week) as first_as_of_week
    from {{ ref('int_mixloop__posterior') }}
    where term_type = 'channel' and run_kind in ('live', 'backtest')
    group by model_id, component_id
),

-- a channel that is estimated by itself and that a run knew by then
predictable as (
    select
        decisions.decision_id,
        models.model_id
    from decisions
    cross join models
    inner join outcomes
        on
            decisions.decision_id = outcomes.decision_id
            and models.model_id = outcomes.model_id
    inner join runs
        on
            models.model_id = runs.model_id
            and outcomes.channel_id = runs.channel_id
    where
        outcomes.role = 'itself'
        and outcomes.geos = 'all'
        and outcomes.prediction_status != 'no_spend'
        and runs.first_as_of_week + 7 <= decisions.approved_on
        and decisions.spend_from != decisions.spend_to
        and decisions.start_week is not null
),

missing as (
    select
        decisions.decision_id,
        models.model_id,
        'has no row' as problem
    from decisions
    cross join models
    left join outcomes
        on
            decisions.decision_id = outcomes.decision_id
            and models.model_id = outcomes.model_id
    where outcomes.decision_id is null
),

unpredicted as (
    select
        outcomes.decision_id,
        outcomes.model_id,
        'could be predicted, and is not' as problem
    from outcomes
    inner join predictable
        on
            outcomes.decision_id = predictable.decision_id
            and outcomes.model_id = predictable.model_id
    where outcomes.prediction_status != 'predicted'
),

without_range as (
    select
        decision_id,
        model_id,
        'counts as predicted without a range, or the other way round' as problem
    from outcomes
    where
        (prediction_status = 'predicted') != coalesce(
            isfinite(predicted_p05)
            and isfinite(predicted_mean)
            and predicted_p05 <= predicted_p95
            and prediction_run_id is not null, false
        )
),

with_foresight as (
    select
        decision_id,
        model_id,
        'is predicted by a run that knew weeks after the approval' as problem
    from outcomes
    where prediction_as_of_week + 7 > approved_on
),

unmeasured as (
    select
        outcomes.decision_id,
        outcomes.model_id,
        'is over and was predicted, and has no variance' as problem
    from outcomes
    inner join models
        on outcomes.model_id = models.model_id
    where
        outcomes.prediction_status = 'predicted'
        and outcomes.end_week <= models.last_training_week
        and outcomes.start_week >= models.first_training_week
        and outcomes.measurement_status != 'not_in_run'
        and (
            not coalesce(isfinite(outcomes.variance_mean), false)
            or outcomes.is_hit is null
            or outcomes.variance_mean
            is distinct from (outcomes.measured_mean - outcomes.compared_mean)
        )
),

offenders as (
    select * from missing
    union all
    select * from unpredicted
    union all
    select * from without_range
    union all
    select * from with_foresight
    union all
    select * from unmeasured
)

select * from offenders
