-- one row per current live run x check; what could not be measured is never a pass
with live_runs as (
    select
        run_id,
        model_id
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

posterior as (
    select * from {{ ref('int_mixloop__current_posterior') }}
),

run_scores as (
    select * from {{ ref('int_mixloop__run_scores') }}
    where method = 'mixloop'
),

plausibility as (
    select * from {{ ref('mixloop__channel_plausibility') }}
),

evidence as (
    select * from {{ ref('mixloop__calibration_evidence') }}
    where is_used
),

outcomes as (
    select * from {{ ref('int_mixloop__model_outcomes') }}
),

feasibility as (
    select * from {{ ref('int_mixloop__feasibility') }}
),

consistency as (
    select * from {{ ref('int_mixloop__consistency') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

terms as (
    select
        run_id,
        any_value(n_training_weeks) as n_training_weeks,
        count(*) as n_terms,
        count(*) filter (
            where rhat is not null and ess_bulk is not null and ess_tail is not null
        ) as n_judged,
        max(rhat) as rhat_max,
        min(least(ess_bulk, ess_tail)) as ess_min,
        bool_and(is_converged) as is_converged
    from posterior
    group by run_id
),

channels as (
    select
        run_id,
        count(*) as n_channels,
        count(*) filter (where not is_plausible) as n_implausible,
        coalesce(
            sum(spend order by channel_id) filter (where not is_plausible)
            / nullif(sum(spend order by channel_id), 0),
            0
        ) as implausible_spend,
        string_agg(coalesce(label, channel_id), ', ' order by spend desc, channel_id asc) filter (
            where not is_plausible
        ) as implausible_channels
    from plausibility
    group by run_id
),

conflicts as (
    select
        run_id,
        count(*) as n_evidence,
        count(*) filter (where is_in_conflict) as n_conflicts,
        string_agg(evidence_id, ', ' order by evidence_id asc) filter (
            where is_in_conflict
        ) as conflicting
    from evidence
    group by run_id
),

missing_weeks as (
    select
        model_id,
        avg(case when outcome is null then 1.0 else 0.0 end) as share_missing
    from outcomes
    group by model_id
),

sizes as (
    select
        model_id,
        max(rows_per_column) as rows_per_column
    from feasibility
    group by model_id
),

agreement as (
    select
        run_id,
        max(n_origins) as n_origins,
        avg(share_same_side_of_hurdle order by channel_id) as stability
    from consistency
    group by run_id
),

figures as (
    select
        live_runs.run_id,
        live_runs.model_id,
        terms.n_training_weeks,
        terms.n_terms,
        terms.n_judged,
        terms.rhat_max,
        terms.ess_min,
        coalesce(terms.is_converged and terms.n_judged = terms.n_terms, false) as is_converged,
        held_out.n_weeks as n_held_out_weeks,
        held_out.skill,
        held_out.coverage_90,
        in_sample.p_negative_baseline_week,
        in_sample.negative_baseline_share,
        in_sample.residual_autocorrelation as autocorrelation,
        channels.n_channels,
        channels.n_implausible,
        channels.implausible_spend,
        channels.implausible_channels,
        coalesce(conflicts.n_evidence, 0) as n_evidence,
        coalesce(conflicts.n_conflicts, 0) as n_conflicts,
        conflicts.conflicting,
        agreement.n_origins,
        agreement.stability,
        missing_weeks.share_missing,
        sizes.rows_per_column
    from live_runs
    left join terms
        on live_runs.run_id = terms.run_id
    left join run_scores as in_sample
        on
            live_runs.run_id = in_sample.run_id
            and in_sample.sample = 'in_sample'
    left join run_scores as held_out
        on
            live_runs.run_id = held_out.run_id
            and held_out.sample = 'out_of_sample'
    left join channels
        on live_runs.run_id = channels.run_id
    left join conflicts
        on live_runs.run_id = conflicts.run_id
    left join agreement
        on live_runs.run_id = agreement.run_id
    left join missing_weeks
        on live_runs.model_id = missing_weeks.model_id
    left join sizes
        on live_runs.model_id = sizes.model_id
),

-- The order is that of the reasons: what is worst for a decision first.
measured as (
    select
        run_id,
        model_id,
        1 as position,
        'convergence' as check_name,
        rhat_max as measured,
        cast(null as double) as care_at,
        cast(null as double) as fail_at,
        case when is_converged then 'pass' else 'fail' end as status,
        case
            when coalesce(n_terms, 0) = 0 then 'the run has no terms whose convergence was judged'
            when n_judged < n_terms
                then
                    format(
                        'convergence of {} of {} terms could not be judged: they never moved',
                        n_terms - n_judged,
                        n_terms
                    )
            else
                format(
                    'not converged: worst R-hat {:.3f}, smallest effective sample {:.0f}; '
                    || 'raise mixloop__max_sweeps',
                    rhat_max,
                    ess_min
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        2 as position,
        'skill' as check_name,
        skill as measured,
        cast(null as double) as care_at,
        {{ var('mixloop__min_skill') }} as fail_at,
        case
            when skill is null then 'care'
            when skill <= {{ var('mixloop__min_skill') }} then 'fail'
            else 'pass'
        end as status,
        case
            when skill is null then 'forecasts were not tested: there are no held-out weeks'
            else
                format(
                    'forecasts of {} held-out weeks are no better than the same week of last year '
                    || '(skill {:.2f})',
                    n_held_out_weeks,
                    skill
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        3 as position,
        'coverage' as check_name,
        coverage_90 as measured,
        {{ var('mixloop__coverage_warn') }} as care_at,
        {{ var('mixloop__coverage_fail') }} as fail_at,
        case
            when coverage_90 is null then 'care'
            when coverage_90 < {{ var('mixloop__coverage_fail') }} then 'fail'
            when coverage_90 < {{ var('mixloop__coverage_warn') }} then 'care'
            else 'pass'
        end as status,
        case
            when coverage_90 is null then 'ranges were not tested: there are no held-out weeks'
            else
                format(
                    'ranges are too narrow: only {:.0f}% of {} held-out weeks lie inside the 90% '
                    || 'range',
                    100 * coverage_90,
                    n_held_out_weeks
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        4 as position,
        'negative_baseline' as check_name,
        negative_baseline_share as measured,
        {{ var('mixloop__negative_baseline_warn') }} as care_at,
        {{ var('mixloop__negative_baseline_fail') }} as fail_at,
        case
            when negative_baseline_share is null then 'care'
            when negative_baseline_share > {{ var('mixloop__negative_baseline_fail') }} then 'fail'
            when negative_baseline_share > {{ var('mixloop__negative_baseline_warn') }} then 'care'
            else 'pass'
        end as status,
        case
            when negative_baseline_share is null then 'the sign of the baseline was not judged'
            else
                format(
                    'the baseline is below zero in {:.0f}% of the weeks (in some week with '
                    || 'probability {:.2f}): media are given more than all sales',
                    100 * negative_baseline_share,
                    p_negative_baseline_week
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        5 as position,
        'plausibility' as check_name,
        implausible_spend as measured,
        0.0 as care_at,
        {{ var('mixloop__implausible_spend_fail') }} as fail_at,
        case
            when n_channels is null then 'care'
            when implausible_spend > {{ var('mixloop__implausible_spend_fail') }} then 'fail'
            when n_implausible > 0 then 'care'
            else 'pass'
        end as status,
        case
            when n_channels is null then 'no channel has a return that could be judged'
            else
                format(
                    '{} of {} channels are hard to believe, with {:.0f}% of the money: {}',
                    n_implausible,
                    n_channels,
                    100 * implausible_spend,
                    coalesce(implausible_channels, '')
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        6 as position,
        'evidence' as check_name,
        n_conflicts as measured,
        0.0 as care_at,
        cast(null as double) as fail_at,
        case when n_conflicts = 0 then 'pass' else 'care' end as status,
        format(
            '{} of {} tests and beliefs are in conflict with the rest of the data: {}',
            n_conflicts,
            n_evidence,
            coalesce(conflicting, '')
        ) as reason
    from figures
    union all
    select
        run_id,
        model_id,
        7 as position,
        'stability' as check_name,
        stability as measured,
        {{ var('mixloop__stability_warn') }} as care_at,
        cast(null as double) as fail_at,
        case
            when stability >= {{ var('mixloop__stability_warn') }} then 'pass'
            else 'care'
        end as status,
        case
            when stability is null then 'no earlier origin says whether the answers last'
            else
                format(
                    'answers do not last: earlier origins ({}) agree in only {:.0f}% of the cases '
                    || 'on which channels are worth their money',
                    n_origins,
                    100 * stability
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        8 as position,
        'autocorrelation' as check_name,
        autocorrelation as measured,
        {{ var('mixloop__autocorrelation_warn') }} as care_at,
        cast(null as double) as fail_at,
        case
            when autocorrelation is null then 'care'
            when abs(autocorrelation) > {{ var('mixloop__autocorrelation_warn') }} then 'care'
            else 'pass'
        end as status,
        case
            when autocorrelation is null then 'left-over autocorrelation was not judged'
            else
                format(
                    'errors still hang together over weeks (correlation {:.2f}) after what the '
                    || 'model allows for: ranges may be too narrow, something may be missing',
                    autocorrelation
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        9 as position,
        'history' as check_name,
        n_training_weeks as measured,
        {{ var('mixloop__min_history_weeks') }} as care_at,
        cast(null as double) as fail_at,
        case
            when n_training_weeks >= {{ var('mixloop__min_history_weeks') }} then 'pass'
            else 'care'
        end as status,
        format(
            'short history: {} weeks, {} would be enough',
            coalesce(n_training_weeks, 0),
            {{ var('mixloop__min_history_weeks') }}
        ) as reason
    from figures
    union all
    select
        run_id,
        model_id,
        10 as position,
        'missing_weeks' as check_name,
        share_missing as measured,
        {{ var('mixloop__missing_weeks_warn') }} as care_at,
        cast(null as double) as fail_at,
        case
            when share_missing <= {{ var('mixloop__missing_weeks_warn') }} then 'pass'
            else 'care'
        end as status,
        case
            when share_missing is null then 'the model has no weeks with an outcome'
            else
                format(
                    '{:.0f}% of the outcomes (weeks x geos) are missing: unknown to the fit',
                    100 * share_missing
                )
        end as reason
    from figures
    union all
    select
        run_id,
        model_id,
        11 as position,
        'rows_per_column' as check_name,
        rows_per_column as measured,
        {{ var('mixloop__rows_per_column_warn') }} as care_at,
        cast(null as double) as fail_at,
        case
            when rows_per_column >= {{ var('mixloop__rows_per_column_warn') }} then 'pass'
            else 'care'
        end as status,
        case
            when rows_per_column is null then 'rows for each column were not counted'
            else
                format(
                    '{:.1f} rows of data for each column, {} would be enough: priors decide more',
                    rows_per_column,
                    {{ var('mixloop__rows_per_column_warn') }}
                )
        end as reason
    from figures
    union all
    select
        figures.run_id,
        figures.model_id,
        12 as position,
        'overrides' as check_name,
        cast(null as double) as measured,
        cast(null as double) as care_at,
        cast(null as double) as fail_at,
        case when publication.overrides is null then 'pass' else 'care' end as status,
        concat('built although a check failed: ', publication.overrides) as reason
    from figures
    cross join publication
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'check_name']) }} as health_check_id,
        run_id,
        model_id,
        check_name,
        position,
        status,
        measured,
        care_at,
        fail_at,
        case when status != 'pass' then reason end as reason
    from measured
)

select * from final
