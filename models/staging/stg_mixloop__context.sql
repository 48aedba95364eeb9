with source_rows as (
    {{ mixloop.read_input('context') }}
),

typed as (
    select
        try_cast(date as date) as context_date,
        coalesce(geo, 'national') as geo,
        variable,
        try_cast(value as decimal(28, 10)) as value,
        try_cast(loaded_at as timestamp) as loaded_at,
        source_file,
        source_row,
        {{ mixloop.input_errors('context') }} as input_errors
    from source_rows
)

select * from typed
