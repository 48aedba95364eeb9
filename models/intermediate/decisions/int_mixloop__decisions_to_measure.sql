-- one row per finished decision x model x what measures it: the current live run where the window
-- is among its training weeks, and the decision's lift tests
with decision_models as (
    select * from {{ ref('int_mixloop__decision_models') }}
    where progress = 'finished' and is_measurable
),

predictions as (
    select * from {{ ref('int_mixloop__decision_predictions') }}
),

current_runs as (
    select
        run_id,
        model_id,
        as_of_week
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

-- tests that speak of the same channel and KPI and are over
experiments as (
    select * from {{ ref('int_mixloop__model_evidence') }}
    where
        source = 'experiment'
        and status in ('used', 'before_training')
        and standard_error > 0
        and spend_actual is not null
        and spend_counterfactual is not null
),

decisions as (
    select
        decision_models.*,
        predictions.run_id as prediction_run_id,
        current_runs.run_id as current_run_id,
        current_runs.as_of_week
    from decision_models
    inner join current_runs
        on decision_models.model_id = current_runs.model_id
    left join predictions
        on decision_models.prediction_id = predictions.prediction_id
),

by_model as (
    select
        *,
        'later_model' as measured_by,
        current_run_id as source_id,
        cast(null as varchar[]) as experiment_geos,
        cast(null as date) as experiment_start_week,
        cast(null as date) as experiment_end_week,
        cast(null as double) as spend_actual,
        cast(null as double) as spend_counterfactual,
        cast(null as double) as lift,
        cast(null as double) as standard_error
    from decisions
    where is_in_training
),

by_experiment as (
    select
        decisions.*,
        'experiment' as measured_by,
        experiments.evidence_id as source_id,
        experiments.geos as experiment_geos,
        experiments.start_week as experiment_start_week,
        experiments.end_week as experiment_end_week,
        experiments.spend_actual,
        experiments.spend_counterfactual,
        experiments.lift,
        experiments.standard_error
    from decisions
    inner join experiments
        on
            decisions.model_id = experiments.model_id
            and decisions.decision_id = experiments.decision_id
            and decisions.channel_id = experiments.channel_id
),

measures as (
    select * from by_model
    union all
    select * from by_experiment
),

decisions_to_measure as (
    select
        {{ mixloop.surrogate_key([
            'prediction_id', 'measured_by', 'source_id', 'experiment_geos', 'experiment_start_week',
            'experiment_end_week', 'spend_actual', 'spend_counterfactual', 'lift', 'standard_error',
        ]) }} as measurement_id,
        prediction_id,
        decision_id,
        model_id,
        terms_hash,
        measured_by,
        source_id,
        as_of_week,
        current_run_id,
        prediction_run_id,
        channel_id,
        role,
        channels,
        geos,
        start_week,
        end_week,
        spend_from,
        spend_to,
        experiment_geos,
        experiment_start_week,
        experiment_end_week,
        spend_actual,
        spend_counterfactual,
        lift,
        standard_error
    from measures
)

select * from decisions_to_measure
