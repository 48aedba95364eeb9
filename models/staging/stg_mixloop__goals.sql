with source_rows as (
    {{ mixloop.read_input('goals') }}
),

typed as (
    select
        goal_id,
        model_id,
        try_cast(kpi_target as decimal(28, 10)) as kpi_target,
        try_cast(period_start as date) as period_start,
        try_cast(period_end as date) as period_end,
        try_cast(budget as decimal(18, 6)) as budget,
        try_cast(hurdle_roi as decimal(28, 10)) as hurdle_roi,
        risk_appetite,
        source_file,
        source_row,
        {{ mixloop.input_errors('goals') }} as input_errors
    from source_rows
)

select * from typed
