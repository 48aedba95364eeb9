-- one row per current live run x variable: kept or dropped, why, and what is recommended
with variables as (
    select * from {{ ref('int_mixloop__variable_selection') }}
),

live_runs as (
    select
        run_id,
        model_id
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
    where node_role = 'modelled'
),

answers as (
    select * from {{ ref('int_mixloop__model_feasibility') }}
),

context_variables as (
    select * from {{ ref('int_mixloop__model_context_variables') }}
),

-- how far the data spoke about each channel's share of the KPI
priors as (
    select * from {{ ref('mixloop__priors') }}
    where quantity = 'share_of_kpi'
),

components as (
    select * from {{ ref('int_mixloop__components') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

-- channels the client asks an effect for that had no media, so that no fit has heard of them
never_ran as (
    select
        live_runs.run_id,
        live_runs.model_id,
        feasibility.node_id as variable_id,
        'channel' as variable_type,
        false as is_fitted,
        'no_exposure' as drop_reason
    from live_runs
    inner join feasibility
        on live_runs.model_id = feasibility.model_id
    left join variables
        on
            live_runs.run_id = variables.run_id
            and feasibility.node_id = variables.variable_id
    where feasibility.active_weeks = 0 and variables.run_id is null
),

all_variables as (
    select * from variables
    union all by name
    select * from never_ran
),

known as (
    select
        all_variables.*,
        feasibility.vif,
        feasibility.moves_with,
        feasibility.correlation,
        priors.narrowing,
        priors.overlap,
        coalesce(priors.verdict = 'prior_decides', false) as is_prior_deciding,
        coalesce(answers.answer = 'model' and answers.is_disagreement, false) as is_kept_by_client,
        answers.answered_by,
        answers.answer_reason,
        context_variables.expected_sign,
        coalesce(
            all_variables.variable_type = 'channel'
            and feasibility.vif >= {{ var('mixloop__vif_warn') }},
            false
        ) as is_alike,
        coalesce(
            all_variables.variable_type in ('context', 'event')
            and context_variables.expected_sign is null
            and greatest(all_variables.p_positive, 1 - all_variables.p_positive)
            < {{ var('mixloop__p_sign_sure') }},
            false
        ) as is_sign_unsure
    from all_variables
    left join feasibility
        on
            all_variables.model_id = feasibility.model_id
            and all_variables.variable_type = 'channel'
            and all_variables.variable_id = feasibility.node_id
    left join priors
        on
            all_variables.run_id = priors.run_id
            and all_variables.variable_type = 'channel'
            and all_variables.variable_id = priors.channel_id
    left join answers
        on
            feasibility.model_id = answers.model_id
            and feasibility.node_id = answers.node_id
    left join context_variables
        on
            all_variables.model_id = context_variables.model_id
            and all_variables.variable_type = 'context'
            and all_variables.variable_id = concat('context:', context_variables.variable)
),

recommended as (
    select
        *,
        case
            when not is_fitted then 'dropped'
            when is_kept_by_client then 'kept by client'
            else 'kept'
        end as status,
        case
            when not is_fitted or p_material is null then null
            when p_material < {{ var('mixloop__p_material_drop') }} or is_sign_unsure
                then 'could be dropped'
            when
                variable_type = 'channel'
                and (
                    is_alike
                    or is_prior_deciding
                    or p_material < {{ var('mixloop__p_material_keep') }}
                )
                then 'test'
            else 'keep'
        end as recommendation
    from known
),

explained as (
    select
        *,
        concat_ws(
            '; ',
            case
                when drop_reason = 'no_exposure' then 'no media in the training weeks'
                when drop_reason = 'never_varies'
                    then 'never varies in the training weeks, so nothing can be learned of it'
                when drop_reason = 'too_short'
                    then 'less than a year of history: a season cannot be told from a trend'
                when p_material is null then 'not judged: the KPI of its weeks is unknown'
                when p_material < {{ var('mixloop__p_material_drop') }}
                    then
                        format(
                            'moves less than {:.2g}% of the KPI'
                            || case variable_type when 'event' then ' of its weeks' else '' end
                            || ' with probability {:.2f}',
                            100.0 * {{ var('mixloop__material_share') }},
                            1 - p_material
                        )
                else
                    format(
                        'moves {:.2g}% of the KPI ({:.2g} to {:.2g}%)',
                        100 * share_of_kpi_p50,
                        100 * share_of_kpi_p05,
                        100 * share_of_kpi_p95
                    )
            end,
            case
                when is_sign_unsure
                    then
                        format(
                            'the data do not say whether it raises or lowers the KPI '
                            || '(raises with probability {:.2f})',
                            p_positive
                        )
            end,
            case
                when
                    recommendation = 'test'
                    and p_material < {{ var('mixloop__p_material_keep') }}
                    then
                        format(
                            'may well move nothing (more than {:.2g}% with probability {:.2f})',
                            100.0 * {{ var('mixloop__material_share') }},
                            p_material
                        )
            end,
            case
                when is_alike
                    then
                        format(
                            'moves with {} (variance inflation {:.0f}), so the two are hard to '
                            || 'tell apart',
                            coalesce(moves_with, 'others'),
                            vif
                        )
            end,
            case
                when is_prior_deciding
                    then 'the data say little of it: what comes out is what was believed before'
            end,
            case
                when is_kept_by_client
                    then
                        concat(
                            'modelled on its own because ',
                            coalesce(answered_by, 'the client'),
                            ' wants it',
                            ': ' || answer_reason
                        )
            end
        ) as reason
    from recommended
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'explained.variable_id']) }}
            as variable_selection_id,
        explained.run_id,
        explained.model_id,
        explained.variable_id,
        explained.variable_type,
        coalesce(components.label, explained.variable_id) as label,
        components.owner,
        explained.status,
        explained.recommendation,
        explained.reason,
        explained.share_of_kpi_mean,
        explained.share_of_kpi_p05,
        explained.share_of_kpi_p50,
        explained.share_of_kpi_p95,
        explained.p_material,
        explained.p_positive,
        explained.expected_sign,
        explained.vif,
        explained.moves_with,
        explained.correlation,
        explained.narrowing,
        explained.overlap,
        (select publication.overrides from publication) as overrides
    from explained
    left join components
        on
            explained.variable_type = 'channel'
            and explained.variable_id = components.component_id
)

select * from final
