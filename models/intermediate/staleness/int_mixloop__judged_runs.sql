-- one row per model and last training week with a forecast on record: the run whose forecasts count
with models as (
    select * from {{ ref('int_mixloop__models') }}
),

posterior as (
    select * from {{ ref('int_mixloop__posterior') }}
),

published as (
    select run_id
    from {{ ref('int_mixloop__published_forecasts') }}
    group by run_id
),

current_runs as (
    select run_id
    from {{ ref('int_mixloop__current_runs') }}
    where run_kind = 'live'
),

facts as (
    select
        run_id,
        any_value(model_id) as model_id,
        any_value(run_kind) as run_kind,
        any_value(as_of_week) as as_of_week,
        any_value(first_training_week) as first_training_week,
        any_value(carryover_weeks) as carryover_weeks,
        any_value(is_converged) as is_converged
    from posterior
    group by run_id
),

-- the autocorrelation of the errors, geos weighed by the size of their KPI
errors as (
    select
        run_id,
        sum(list_avg(coefficient) * kpi_scale order by geo) / sum(kpi_scale order by geo) as rho
    from posterior
    where term_id = 'noise:rho'
    group by run_id
),

known as (
    select
        facts.*,
        errors.rho,
        models.last_training_week as last_known_week,
        current_runs.run_id is not null as is_current
    from facts
    inner join models
        on facts.model_id = models.model_id
    left join errors
        on facts.run_id = errors.run_id
    left join published
        on facts.run_id = published.run_id
    left join current_runs
        on facts.run_id = current_runs.run_id
    where
        (published.run_id is not null or current_runs.run_id is not null)
        and facts.as_of_week <= models.last_training_week
),

-- Of several runs trained to one week, the one that counts today, or a live one.
one_a_week as (
    select
        *,
        row_number() over (
            partition by model_id, as_of_week
            order by is_current desc, run_kind = 'live' desc, run_id asc
        ) as choice
    from known
),

numbered as (
    select
        run_id,
        model_id,
        run_kind,
        as_of_week,
        first_training_week,
        last_known_week,
        carryover_weeks,
        coalesce(is_converged, false) as is_converged,
        coalesce(rho, 0.0) as rho,
        is_current,
        row_number() over (partition by model_id order by as_of_week desc) as run_number
    from one_a_week
    where choice = 1
),

final as (
    select
        *,
        run_number <= {{ var('mixloop__staleness_runs') | int }} as is_judged
    from numbered
    where
        run_number <= {{ var('mixloop__staleness_runs') | int }}
        or as_of_week >= last_known_week - 14 * {{ var('mixloop__miss_window_weeks') | int }}
)

select * from final
