with source_rows as (
    {{ mixloop.read_input('model_definitions') }}
),

typed as (
    select
        model_id,
        kpi,
        geos,
        coalesce(lower(channel_level), 'modelled') as channel_level,
        coalesce(try_cast(forecast_horizon_weeks as bigint), 13) as forecast_horizon_weeks,
        try_cast(training_weeks as bigint) as training_weeks,
        holiday_country,
        coalesce(lower(kpi_form), 'additive') as kpi_form,
        source_file,
        source_row,
        {{ mixloop.input_errors('model_definitions') }} as input_errors
    from source_rows
)

select * from typed
