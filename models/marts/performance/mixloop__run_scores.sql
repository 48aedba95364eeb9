with run_scores as (
    select * from {{ ref('int_mixloop__run_scores') }}
),

publication as (
    select overrides from {{ ref('int_mixloop__publication') }}
),

final as (
    select
        {{ mixloop.surrogate_key(['run_id', 'method', 'sample']) }} as run_score_id,
        run_id,
        model_id,
        method,
        sample,
        n_weeks,
        r2,
        adjusted_r2,
        effective_parameters,
        nrmse,
        mape,
        wmape,
        crps,
        coverage_90,
        skill,
        durbin_watson,
        durbin_watson_innovations,
        residual_autocorrelation,
        spread_with_level,
        rssd_mean,
        rssd_p05,
        rssd_p50,
        rssd_p95,
        p_negative_baseline_week,
        p_negative_baseline_total,
        negative_baseline_share,
        (select publication.overrides from publication) as overrides
    from run_scores
)

select * from final
