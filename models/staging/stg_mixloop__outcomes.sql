with source_rows as (
    {{ mixloop.read_input('outcomes') }}
),

typed as (
    select
        try_cast(date as date) as outcome_date,
        coalesce(geo, 'national') as geo,
        kpi,
        try_cast(value as decimal(28, 10)) as outcome,
        try_cast(loaded_at as timestamp) as loaded_at,
        source_file,
        source_row,
        {{ mixloop.input_errors('outcomes') }} as input_errors
    from source_rows
)

select * from typed
