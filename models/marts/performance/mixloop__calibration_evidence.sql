{#- relative difference of a test's money to the media input's that is told -#}
{%- set spend_tolerance = 0.1 -%}
with effects as (
    select * from {{ ref('int_mixloop__evidence_effects') }}
),

model_evidence as (
    select * from {{ ref('int_mixloop__model_evidence') }}
),

current_runs as (
    select
        run_id,
        model_id
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

channel_tree as (
    select * from {{ ref('int_mixloop__channel_tree') }}
    where hierarchy_id = 'main'
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

-- every lift test and measured decision, with what the run made of it where it counts
tests as (
    select
        current_runs.run_id,
        model_evidence.model_id,
        model_evidence.evidence_id,
        model_evidence.source,
        model_evidence.channel_id,
        model_evidence.kpi,
        case
            when len(model_evidence.geos) = 0 then 'all'
            else array_to_string(model_evidence.geos, '; ')
        end as geos,
        model_evidence.start_week,
        model_evidence.end_week,
        model_evidence.method as measured_by,
        model_evidence.status,
        model_evidence.reason,
        model_evidence.spend_actual,
        model_evidence.spend_counterfactual,
        model_evidence.spend_in_media,
        model_evidence.lift,
        model_evidence.standard_error
    from model_evidence
    inner join current_runs
        on model_evidence.model_id = current_runs.model_id
),

beliefs as (
    select
        run_id,
        model_id,
        evidence_id,
        source,
        channel_id,
        cast(null as varchar) as kpi,
        'all' as geos,
        start_week,
        end_week,
        'what the client believes (channel_priors)' as measured_by,
        'used' as status,
        'it counts' as reason,
        spend_actual,
        spend_counterfactual,
        spend_actual as spend_in_media,
        lift,
        standard_error
    from effects
    where source = 'roi_belief'
),

rows_of_evidence as (
    select * from tests
    union all
    select * from beliefs
),

judged as (
    select
        rows_of_evidence.*,
        effects.run_id is not null as is_used,
        effects.age_factor,
        effects.gap_factor,
        effects.duration_factor,
        effects.standard_error_used,
        effects.method as compared_by,
        effects.effective_draws,
        effects.effect_before_mean,
        effects.effect_before_p05,
        effects.effect_before_p50,
        effects.effect_before_p95,
        effects.effect_after_mean,
        effects.effect_after_p05,
        effects.effect_after_p50,
        effects.effect_after_p95,
        effects.roi_before_mean,
        effects.roi_before_p05,
        effects.roi_before_p50,
        effects.roi_before_p95,
        effects.roi_after_mean,
        effects.roi_after_p05,
        effects.roi_after_p50,
        effects.roi_after_p95,
        effects.shift,
        effects.narrowing,
        effects.z_score,
        abs(rows_of_evidence.spend_actual / nullif(rows_of_evidence.spend_in_media, 0) - 1)
            as spend_gap,
        abs(effects.z_score) >= {{ var('mixloop__evidence_conflict_z') }} as is_in_conflict
    from rows_of_evidence
    left join effects
        on
            rows_of_evidence.run_id = effects.run_id
            and rows_of_evidence.evidence_id = effects.evidence_id
),

final as (
    select
        {{ mixloop.surrogate_key(['judged.run_id', 'judged.evidence_id']) }}
            as calibration_evidence_id,
        judged.run_id,
        judged.model_id,
        judged.evidence_id,
        judged.source,
        judged.channel_id,
        channel_tree.label,
        judged.kpi,
        judged.geos,
        judged.start_week,
        judged.end_week,
        judged.measured_by,
        judged.is_used,
        case
            when judged.status = 'used' and not judged.is_used then 'channel_left_out'
            else judged.status
        end as status,
        concat(
            case
                when not judged.is_used and judged.status = 'used'
                    then 'the run has no media of this channel'
                when not judged.is_used then judged.reason
                when judged.is_in_conflict
                    then concat(
                        'in conflict: it says ', {{ mixloop.short_number('judged.lift') }},
                        ', the model without it ',
                        {{ mixloop.short_number('judged.effect_before_mean') }}, ', ',
                        {{ mixloop.short_number('abs(judged.z_score)') }},
                        ' standard deviations apart; check the test, its weeks and its geos, ',
                        'or look for what else moved the KPI then'
                    )
                when
                    coalesce(abs(judged.shift), 0) < 0.1
                    and coalesce(abs(judged.narrowing), 0) < 0.1
                    then 'it counts, and the model already said so: it moved nearly nothing'
                else concat(
                    'it counts: it moved the channel ',
                    case when judged.shift < 0 then 'down' else 'up' end, ' by ',
                    {{ mixloop.short_number('abs(judged.shift)') }},
                    ' standard deviations and made its range ',
                    format('{:.0f}', 100 * abs(judged.narrowing)),
                    case when judged.narrowing < 0 then '% wider' else '% narrower' end
                )
            end,
            case
                when judged.is_used and judged.spend_gap > {{ spend_tolerance }}
                    then concat(
                        '; its money and that of the media input differ by ',
                        format('{:.0f}', 100 * judged.spend_gap), '%: check weeks and geos'
                    )
                else ''
            end
        ) as reason,
        judged.spend_actual,
        judged.spend_counterfactual,
        judged.spend_in_media,
        judged.lift,
        judged.standard_error,
        judged.age_factor,
        judged.gap_factor,
        judged.duration_factor,
        judged.standard_error_used,
        judged.effect_before_mean,
        judged.effect_before_p05,
        judged.effect_before_p50,
        judged.effect_before_p95,
        judged.effect_after_mean,
        judged.effect_after_p05,
        judged.effect_after_p50,
        judged.effect_after_p95,
        judged.roi_before_mean,
        judged.roi_before_p05,
        judged.roi_before_p50,
        judged.roi_before_p95,
        judged.roi_after_mean,
        judged.roi_after_p05,
        judged.roi_after_p50,
        judged.roi_after_p95,
        judged.shift,
        judged.narrowing,
        judged.z_score,
        coalesce(judged.is_in_conflict, false) as is_in_conflict,
        judged.compared_by,
        judged.effective_draws,
        (select publication.overrides from publication) as overrides
    from judged
    left join channel_tree
        on judged.channel_id = channel_tree.channel_id
)

select * from final
