with decision_models as (
    select * from {{ ref('int_mixloop__decision_models') }}
),

predictions as (
    select * from {{ ref('int_mixloop__decision_predictions') }}
),

measurements as (
    select * from {{ ref('int_mixloop__decision_measurements') }}
),

due as (
    select * from {{ ref('int_mixloop__decisions_to_measure') }}
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

evidence as (
    select * from {{ ref('int_mixloop__model_evidence') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

revisions as (
    select
        decision_id,
        model_id,
        max(revision) as n_predictions
    from predictions
    group by decision_id, model_id
),

-- what was known of a decision by today's last training week, a test before a model
known as (
    select
        measurements.*,
        row_number() over (
            partition by measurements.prediction_id
            order by
                measurements.measured_by = 'experiment' desc,
                due.measurement_id is not null desc,
                case
                    when measurements.measured_by = 'experiment'
                        then measurements.window_effect_sd
                end,
                measurements.as_of_week desc,
                measurements.revision desc
        ) as preference
    from measurements
    inner join decision_models
        on
            measurements.prediction_id = decision_models.prediction_id
            and measurements.as_of_week <= decision_models.last_training_week
    left join due
        on measurements.measurement_id = due.measurement_id
    -- a test that the client took back measures nothing any more
    where measurements.measured_by = 'later_model' or due.measurement_id is not null
),

newest as (
    select * from known
    where preference = 1
),

history as (
    select
        known.prediction_id,
        count(*) as n_measurements,
        first(
            coalesce(known.effect_mean, known.window_effect_mean)
            order by known.as_of_week, known.revision
        ) as first_measured_mean
    from known
    inner join newest
        on
            known.prediction_id = newest.prediction_id
            and known.measured_by = newest.measured_by
    group by known.prediction_id
),

joined as (
    select
        decision_models.*,
        predictions.prediction_id is not null as is_predicted,
        predictions.run_id as prediction_run_id,
        predictions.run_basis as prediction_basis,
        predictions.run_as_of_week as prediction_as_of_week,
        revisions.n_predictions,
        {%- for part in ['mean', 'p05', 'p50', 'p95', 'sd'] %}
        predictions.effect_{{ part }} as predicted_{{ part }},
        predictions.window_effect_{{ part }} as predicted_window_{{ part }},
        newest.expected_{{ part }} as expected_all_{{ part }},
        newest.expected_window_{{ part }} as expected_in_window_{{ part }},
        case newest.measured_by
            when 'experiment' then newest.window_effect_{{ part }} else newest.effect_{{ part }}
        end as measured_{{ part }},
        {%- endfor %}
        predictions.p_positive as predicted_p_positive,
        newest.measured_by,
        newest.source_id as measured_source_id,
        newest.as_of_week as measured_as_of_week,
        newest.carryover_weeks_seen,
        newest.spend_actual,
        newest.spend_counterfactual,
        coalesce(history.n_measurements, 0) as n_measurements,
        history.first_measured_mean,
        due.experiment_geos,
        due.experiment_start_week,
        due.experiment_end_week
    from decision_models
    left join predictions
        on decision_models.prediction_id = predictions.prediction_id
    left join revisions
        on
            decision_models.decision_id = revisions.decision_id
            and decision_models.model_id = revisions.model_id
    left join newest
        on decision_models.prediction_id = newest.prediction_id
    left join history
        on decision_models.prediction_id = history.prediction_id
    left join due
        on newest.measurement_id = due.measurement_id
),

-- a later model speaks of the window and what carries over, a test of the window only; a test of
-- other weeks or geos than the decision's is held against what the run expects of these
compared as (
    select
        *,
        case
            when measured_by = 'later_model' then 'window_and_carry_over'
            when measured_by is not null then 'window'
        end as measured_weeks,
        case
            when measured_by is null or not is_predicted then null
            when measured_by = 'later_model' then 'prediction'
            when
                experiment_start_week = start_week
                and experiment_end_week = end_week
                and experiment_geos = geos
                then 'prediction'
            when expected_in_window_mean is not null then 'expected_of_the_test'
        end as compared_with
    from joined
),

sided as (
    select
        *,
        {%- for part in ['mean', 'p05', 'p95', 'sd'] %}
        case
            when compared_with = 'expected_of_the_test' then expected_in_window_{{ part }}
            when compared_with = 'prediction' and measured_weeks = 'window'
                then predicted_window_{{ part }}
            when compared_with = 'prediction' then predicted_{{ part }}
        end as compared_{{ part }},
        {%- endfor %}
        case measured_weeks
            when 'window' then expected_in_window_mean
            when 'window_and_carry_over' then expected_all_mean
        end as expected_mean
    from compared
),

judged as (
    select
        *,
        measured_mean - compared_mean as variance_mean,
        measured_mean between compared_p05 and compared_p95 as is_hit,
        (measured_mean - compared_mean)
        / nullif(sqrt(power(measured_sd, 2) + power(compared_sd, 2)), 0) as z_score,
        expected_mean - compared_mean as variance_money,
        measured_mean - expected_mean as variance_effect,
        case
            when is_predicted then 'predicted'
            when status != 'predicted' then status
            else 'not_predicted'
        end as prediction_status,
        case
            when measured_by is not null then 'measured'
            when progress != 'finished' then progress
            when not is_measurable then status
            when not is_in_training then 'window_not_in_training'
            else 'not_in_run'
        end as measurement_status
    from sided
),

final as (
    select
        {{ mixloop.surrogate_key(['judged.decision_id', 'judged.model_id']) }}
            as decision_outcome_id,
        judged.decision_id,
        judged.model_id,
        judged.kpi,
        judged.approved_on,
        judged.approved_by,
        judged.is_test,
        judged.is_withdrawn,
        judged.channel_id,
        channel_tree.label,
        judged.role,
        array_to_string(judged.channels, '; ') as channels,
        case
            when len(judged.geos) = 0 then 'all' else array_to_string(judged.geos, '; ')
        end as geos,
        judged.spend_from,
        judged.spend_to,
        judged.start_week,
        judged.end_week,
        judged.is_open_ended,
        judged.progress,
        judged.prediction_status,
        case judged.prediction_status
            when 'predicted'
                then concat(
                    'by the run of ', judged.prediction_as_of_week,
                    case judged.prediction_basis
                        when 'named' then ', which the decision names'
                        when 'in_hindsight'
                            then
                                ', fitted later to the weeks that were known on approval: no live '
                                || 'run is that old'
                        else ', the newest before the approval'
                    end,
                    case
                        when
                            judged.named_run_id is not null
                            and judged.named_run_id != judged.prediction_run_id
                            then concat(
                                '; the run that it names (', judged.named_run_id,
                                ') is not on record, or knows later weeks, or is of another model'
                            )
                        else ''
                    end
                )
            when 'incomplete' then 'it does not say what money moves from when'
            when 'no_move' then 'spend_from and spend_to are the same'
            when 'geo_not_in_model' then 'the model does not cover all of its geos'
            when 'not_modelled'
                then concat(
                    'nothing at, above or below ', judged.channel_id,
                    ' is estimated with media in the training weeks'
                )
            when 'no_spend' then 'the channel has no spend in media, so money says nothing of it'
            when 'no_run_before_approval'
                then concat(
                    'no run on record knows only weeks from before the approval; a build as of ',
                    strftime(judged.approved_on, '%Y-%m-%d'),
                    ' makes one (mixloop__as_of, or make replay)'
                )
            when 'not_in_run'
                then 'the runs from before the approval do not hold the channel: it was new'
            when 'not_predicted' then 'the ledger of predictions lost its row: restore it'
        end as prediction_reason,
        judged.prediction_run_id,
        judged.prediction_basis,
        judged.prediction_as_of_week,
        judged.n_predictions,
        judged.predicted_mean,
        judged.predicted_p05,
        judged.predicted_p50,
        judged.predicted_p95,
        judged.predicted_p_positive,
        judged.predicted_window_mean,
        judged.predicted_window_p05,
        judged.predicted_window_p50,
        judged.predicted_window_p95,
        judged.measurement_status,
        judged.measured_by,
        judged.measured_source_id,
        judged.measured_as_of_week,
        judged.measured_weeks,
        judged.carryover_weeks_seen,
        judged.spend_actual,
        judged.spend_counterfactual,
        judged.measured_mean,
        judged.measured_p05,
        judged.measured_p50,
        judged.measured_p95,
        judged.measured_sd as measured_error,
        judged.n_measurements,
        judged.first_measured_mean,
        judged.measured_mean - judged.first_measured_mean as measured_revision,
        judged.compared_with,
        judged.compared_mean,
        judged.compared_p05,
        judged.compared_p95,
        judged.variance_mean,
        judged.variance_money,
        judged.variance_effect,
        judged.is_hit,
        judged.z_score,
        case
            when judged.measured_by = 'experiment' then 'as_experiment'
            when evidence.status is not null then evidence.status
            when judged.n_measurements = 0 then 'not_measured'
            when judged.end_week >= judged.first_training_week then 'in_training_data'
            else 'not_measured'
        end as feedback_status,
        (select publication.overrides from publication) as overrides
    from judged
    left join channel_tree
        on judged.channel_id = channel_tree.channel_id
    left join evidence
        on
            judged.model_id = evidence.model_id
            and evidence.evidence_id = concat('decision:', judged.decision_id)
            and evidence.source = 'decision'
)

select * from final
