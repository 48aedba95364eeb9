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
        nrmse,
        mape,
        wmape,
        crps,
        coverage_90,
        skill,
        (select publication.overrides from publication) as overrides
    from run_scores
)

select * from final
