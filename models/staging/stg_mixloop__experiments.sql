with source_rows as (
    {{ mixloop.read_input('experiments') }}
),

typed as (
    select
        experiment_id,
        channel_id,
        kpi,
        geos,
        try_cast(start_week as date) as start_week,
        try_cast(end_week as date) as end_week,
        try_cast(spend_actual as decimal(18, 6)) as spend_actual,
        try_cast(spend_counterfactual as decimal(18, 6)) as spend_counterfactual,
        try_cast(lift as decimal(28, 10)) as lift,
        try_cast(standard_error as decimal(28, 10)) as standard_error,
        method,
        decision_id,
        source_file,
        source_row,
        {{ mixloop.input_errors('experiments') }} as input_errors
    from source_rows
)

select * from typed
