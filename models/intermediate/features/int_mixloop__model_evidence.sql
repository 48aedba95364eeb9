-- one row per model x lift test or measured decision: whether it counts in the model, and if not,
-- why
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

model_geos as (
    select * from {{ ref('int_mixloop__model_geos') }}
),

model_channels as (
    select * from {{ ref('int_mixloop__model_channels') }}
),

model_media as (
    select * from {{ ref('int_mixloop__model_media') }}
),

closure as (
    select * from {{ ref('int_mixloop__channel_closure') }}
    where distance > 0
),

experiments as (
    select
        experiment_id as evidence_id,
        channel_id,
        kpi,
        coalesce(
            list_sort(list_filter(
                list_transform(
                    string_split(geos, ';'), lambda geo: {{ mixloop.trimmed('geo') }}
                ),
                lambda geo: geo != ''
            )),
            cast([] as varchar[])
        ) as geos,
        {{ mixloop.week_start('start_week') }} as start_week,
        {{ mixloop.week_start('end_week') }} as end_week,
        cast(spend_actual as double) as spend_actual,
        cast(spend_counterfactual as double) as spend_counterfactual,
        cast(lift as double) as lift,
        cast(standard_error as double) as standard_error,
        method,
        decision_id
    from {{ ref('stg_mixloop__experiments') }}
),

-- what earlier builds measured of decisions whose weeks have left the training data since
measured_decisions as (
    {{ mixloop.decision_measurements() }}
),

approved as (
    select decision_id
    from {{ ref('stg_mixloop__decisions') }}
    where decision_id is not null
    group by decision_id
),

kpis as (
    select
        count(distinct kpi) as n_kpis,
        min(kpi) as only_kpi
    from models
),

-- the modelled channels above and below a channel that is not modelled itself
related as (
    select
        model_channels.model_id,
        closure.descendant_id as channel_id,
        concat('it lies below the modelled channel ', model_channels.channel_id) as relation
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.ancestor_id
    union all
    select
        model_channels.model_id,
        closure.ancestor_id as channel_id,
        concat(
            'it is the sum of ',
            string_agg(model_channels.channel_id, ', ' order by model_channels.channel_id)
        ) as relation
    from model_channels
    inner join closure
        on model_channels.channel_id = closure.descendant_id
    group by model_channels.model_id, closure.ancestor_id
),

geo_lists as (
    select
        model_id,
        list(geo order by geo) as model_geos
    from model_geos
    group by model_id
),

pairs as (
    select
        models.model_id,
        experiments.evidence_id,
        experiments.channel_id,
        models.kpi as model_kpi,
        coalesce(experiments.kpi, case when kpis.n_kpis = 1 then kpis.only_kpi end) as kpi,
        experiments.geos,
        geo_lists.model_geos,
        experiments.start_week,
        experiments.end_week,
        experiments.spend_actual,
        experiments.spend_counterfactual,
        experiments.lift,
        experiments.standard_error,
        experiments.method,
        experiments.decision_id,
        models.first_training_week,
        models.last_training_week,
        model_channels.channel_id is not null as is_modelled,
        related.relation
    from models
    cross join experiments
    cross join kpis
    inner join geo_lists
        on models.model_id = geo_lists.model_id
    left join model_channels
        on
            models.model_id = model_channels.model_id
            and experiments.channel_id = model_channels.channel_id
    left join related
        on
            models.model_id = related.model_id
            and experiments.channel_id = related.channel_id
),

asked as (
    select
        *,
        array_to_string(
            list_filter(geos, lambda geo: not list_contains(model_geos, geo)), ', '
        ) as other_geos
    from pairs
),

-- money that the media input has for the same weeks and geos
media_spend as (
    select
        asked.model_id,
        asked.evidence_id,
        sum(model_media.spend order by model_media.geo, model_media.week) as spend_in_media
    from asked
    inner join model_media
        on
            asked.model_id = model_media.model_id
            and asked.channel_id = model_media.channel_id
            and model_media.week between asked.start_week and asked.end_week
            and (len(asked.geos) = 0 or list_contains(asked.geos, model_media.geo))
    group by asked.model_id, asked.evidence_id
),

measured as (
    select
        asked.* exclude (spend_actual),
        coalesce(asked.spend_actual, media_spend.spend_in_media) as spend_actual,
        media_spend.spend_in_media
    from asked
    left join media_spend
        on
            asked.model_id = media_spend.model_id
            and asked.evidence_id = media_spend.evidence_id
),

judged as (
    select
        *,
        case
            when kpi is null then 'kpi_not_named'
            when kpi != model_kpi then 'other_kpi'
            when not is_modelled then 'channel_not_modelled'
            when other_geos != '' then 'geo_not_in_model'
            when greatest(start_week, end_week) > last_training_week then 'not_over'
            when least(start_week, end_week) < first_training_week then 'before_training'
            when standard_error <= 0 then 'no_error'
            when spend_counterfactual is null then 'no_counterfactual'
            when spend_actual = spend_counterfactual then 'no_spend_change'
            else 'used'
        end as status
    from measured
),

tests as (
    select
        model_id,
        evidence_id,
        'experiment' as source,
        decision_id,
        channel_id,
        kpi,
        geos,
        start_week,
        end_week,
        spend_actual,
        spend_counterfactual,
        spend_in_media,
        lift,
        standard_error,
        method,
        end_week as known_week,
        status,
        status = 'used' as is_used,
        case status
            when 'used' then 'it counts'
            when 'kpi_not_named'
                then 'it does not say whose lift it is, and there are models of several KPIs'
            when 'other_kpi' then concat('it measured ', kpi, ', the model explains ', model_kpi)
            when 'channel_not_modelled'
                then coalesce(
                    concat(channel_id, ' is not estimated by itself: ', relation),
                    concat(channel_id, ' is not estimated: it has no media in the training weeks')
                )
            when 'geo_not_in_model'
                then concat('the model does not cover ', other_geos)
            when 'not_over' then concat('it ends after the last training week ', last_training_week)
            when 'before_training'
                then concat('it starts before the first training week ', first_training_week)
            when 'no_error' then 'its standard error is zero, which no measurement has'
            when 'no_counterfactual'
                then 'it does not say what would have been spent without it'
            when 'no_spend_change' then 'it did not change the spend'
        end as reason
    from judged
),

media_weeks as (
    select
        model_id,
        min(week) as first_week
    from model_media
    group by model_id
),

-- the measurement that shares the fewest weeks with today's training data, the first of those
gone as (
    select
        measured_decisions.*,
        models.kpi,
        models.first_training_week as today_first_week,
        greatest(
            0, (measured_decisions.as_of_week - models.first_training_week) // 7 + 1
        ) / measured_decisions.n_training_weeks as shared,
        model_channels.channel_id is not null as is_modelled,
        coalesce(measured_decisions.start_week >= media_weeks.first_week, false) as has_media,
        row_number() over (
            partition by measured_decisions.decision_id, measured_decisions.model_id
            order by
                greatest(measured_decisions.as_of_week, models.first_training_week),
                measured_decisions.as_of_week, measured_decisions.revision
        ) as preference
    from measured_decisions
    inner join models
        on measured_decisions.model_id = models.model_id
    inner join approved
        on measured_decisions.decision_id = approved.decision_id
    left join model_channels
        on
            measured_decisions.model_id = model_channels.model_id
            and measured_decisions.node_id = model_channels.channel_id
    left join media_weeks
        on measured_decisions.model_id = media_weeks.model_id
    where
        measured_decisions.measured_by = 'later_model'
        and measured_decisions.end_week < models.first_training_week
        and measured_decisions.as_of_week <= models.last_training_week
),

linked as (
    select
        model_id,
        decision_id,
        count(*) as n_tests
    from tests
    where status in ('used', 'before_training')
    group by model_id, decision_id
),

counting as (
    select
        model_id,
        list(evidence_id) as evidence_ids
    from tests
    where is_used
    group by model_id
),

decided as (
    select
        gone.*,
        case
            when linked.n_tests > 0 then 'measured_by_experiment'
            when not gone.is_modelled then 'channel_not_modelled'
            when gone.shared >= 1 then 'in_training_data'
            when not gone.has_media then 'before_media'
            when list_has_any(gone.evidence_ids, counting.evidence_ids) then 'rests_on_a_test'
            when gone.window_effect_sd <= 0 then 'no_error'
            when gone.spend_actual = gone.spend_counterfactual then 'no_spend_change'
            else 'used'
        end as status
    from gone
    left join linked
        on
            gone.model_id = linked.model_id
            and gone.decision_id = linked.decision_id
    left join counting
        on gone.model_id = counting.model_id
    where gone.preference = 1
),

decisions as (
    select
        model_id,
        concat('decision:', decision_id) as evidence_id,
        'decision' as source,
        decision_id,
        node_id as channel_id,
        kpi,
        geos,
        start_week,
        end_week,
        spend_actual,
        spend_counterfactual,
        spend_actual as spend_in_media,
        window_effect_mean as lift,
        -- what its run shares with today's training weeks is known already
        window_effect_sd / sqrt(1 - least(shared, 1 - 1e-9)) as standard_error,
        concat(
            'the model of ', as_of_week, ', actual against approved spend',
            case
                when shared > 0
                    then concat(
                        '; ', format('{:.0f}', 100 * shared),
                        '% of its training weeks are in this fit too, so its error counts more'
                    )
                else ''
            end
        ) as method,
        as_of_week as known_week,
        status,
        status = 'used' as is_used,
        case status
            when 'used' then 'it counts'
            when 'measured_by_experiment' then 'a lift test measured it, and counts instead'
            when 'channel_not_modelled'
                then concat(node_id, ' is not estimated by itself')
            when 'in_training_data' then 'its weeks are in the training data'
            when 'before_media' then 'the media input no longer holds its weeks'
            when 'rests_on_a_test'
                then 'the run that measured it knew lift tests of the channel that count here too'
            when 'no_error' then 'its standard error is zero, which no measurement has'
            when 'no_spend_change' then 'the money was spent as without it'
        end as reason
    from decided
),

model_evidence as (
    select * from tests
    union all
    select * from decisions
)

select * from model_evidence
