with source_rows as (
    {{ mixloop.read_input('finance') }}
),

typed as (
    select
        cast(date_trunc('month', try_cast(month as date)) as date) as month,
        platform,
        try_cast(spend as decimal(18, 6)) as spend,
        try_cast(loaded_at as timestamp) as loaded_at,
        source_file,
        source_row,
        {{ mixloop.input_errors('finance') }} as input_errors
    from source_rows
)

select * from typed
