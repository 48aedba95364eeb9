-- one row per current live run: the verdict, and why
with health_checks as (
    select * from {{ ref('mixloop__health_checks') }}
),

posterior as (
    select * from {{ ref('int_mixloop__current_posterior') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

facts as (
    select
        run_id,
        any_value(kpi) as kpi,
        any_value(as_of_week) as as_of_week
    from posterior
    group by run_id
),

verdicts as (
    select
        run_id,
        model_id,
        count(*) as n_checks,
        count(*) filter (where status = 'fail') as n_failed,
        count(*) filter (where status = 'care') as n_with_care,
        -- what fails comes before what asks for care
        string_agg(reason, '; ' order by status = 'fail' desc, position asc) filter (
            where status != 'pass'
        ) as reasons,
        max(measured) filter (where check_name = 'convergence') as rhat_max,
        max(measured) filter (where check_name = 'skill') as out_of_sample_skill,
        max(measured) filter (where check_name = 'coverage') as out_of_sample_coverage_90,
        max(measured) filter (where check_name = 'negative_baseline') as negative_baseline_share,
        max(measured) filter (where check_name = 'plausibility') as implausible_spend_share,
        max(measured) filter (where check_name = 'evidence') as n_evidence_conflicts,
        max(measured) filter (where check_name = 'stability') as stability,
        max(measured) filter (where check_name = 'autocorrelation') as residual_autocorrelation,
        max(measured) filter (where check_name = 'history') as n_training_weeks,
        max(measured) filter (where check_name = 'missing_weeks') as share_of_weeks_missing,
        max(measured) filter (where check_name = 'rows_per_column') as rows_per_column
    from health_checks
    group by run_id, model_id
),

final as (
    select
        verdicts.run_id,
        verdicts.model_id,
        facts.kpi,
        facts.as_of_week,
        case
            when verdicts.n_failed > 0 then 'not for decisions'
            when verdicts.n_with_care > 0 then 'usable with care'
            else 'sound'
        end as verdict,
        verdicts.reasons,
        verdicts.n_checks,
        verdicts.n_failed,
        verdicts.n_with_care,
        verdicts.rhat_max,
        verdicts.out_of_sample_skill,
        verdicts.out_of_sample_coverage_90,
        verdicts.negative_baseline_share,
        verdicts.implausible_spend_share,
        cast(verdicts.n_evidence_conflicts as bigint) as n_evidence_conflicts,
        verdicts.stability,
        verdicts.residual_autocorrelation,
        cast(verdicts.n_training_weeks as bigint) as n_training_weeks,
        verdicts.share_of_weeks_missing,
        verdicts.rows_per_column,
        (select publication.overrides from publication) as overrides
    from verdicts
    left join facts
        on verdicts.run_id = facts.run_id
)

select * from final
